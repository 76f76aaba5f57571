"""Puts a `homespun` on the PATH that is the real server with the fake model."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

_SERVER = Path(__file__).resolve().parents[2] / "server" / "fake_server.py"


def put_fake_server(path: Path, *, log: Path) -> None:
    """Write the program; what it logs is appended to `log`."""
    path.parent.mkdir()
    command = shlex.join([sys.executable, "-P", str(_SERVER)])
    path.write_text(f"#!/bin/sh\nexec {command} 2>>{shlex.quote(str(log))}\n", encoding="utf-8")
    path.chmod(0o755)
    log.touch()
