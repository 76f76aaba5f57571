"""Puts a `homespun` on the PATH that is the real server with the fake model."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.e2e.editors.programs import put_program

_SERVER = Path(__file__).resolve().parents[2] / "support" / "fake_server.py"


def put_fake_server(path: Path, *, log: Path, starts_at: Path | None = None) -> None:
    """Write the program; what it logs is appended to `log`.

    With `starts_at` it does nothing before that file is there.
    """
    command = [sys.executable, "-P", str(_SERVER)]
    if starts_at is not None:
        waiting = 'while [ ! -e "$0" ]; do sleep 0.05; done; exec "$@"'
        command = ["/bin/sh", "-c", waiting, str(starts_at), *command]
    put_program(path, command, log=log)


def is_ready(log: Path, workspace: Path) -> bool:
    """Say whether the server has its model and its index, which would change what is shown."""
    has_model = log.exists() and "is ready" in log.read_text(encoding="utf-8")
    return has_model and (workspace / ".homespun" / "manifest.json").exists()
