"""Puts a `homespun` on the PATH that is the real server with the fake model."""

from __future__ import annotations

import os
import shlex
import signal
import sys
from pathlib import Path

_SERVER = Path(__file__).resolve().parents[2] / "server" / "fake_server.py"


def put_fake_server(path: Path, *, log: Path) -> None:
    """Write the program; what it logs is appended to `log`, its process's number to `log`.pids."""
    path.parent.mkdir()
    command = shlex.join([sys.executable, "-P", str(_SERVER)])
    quoted = shlex.quote(str(log))
    path.write_text(
        f"#!/bin/sh\necho $$ >>{quoted}.pids\nexec {command} 2>>{quoted}\n", encoding="utf-8"
    )
    path.chmod(0o755)
    log.touch()


def kill_fake_server(log: Path) -> None:
    """Kill the one that was started last."""
    numbers = log.with_name(f"{log.name}.pids").read_text(encoding="utf-8").split()
    os.kill(int(numbers[-1]), signal.SIGKILL)
