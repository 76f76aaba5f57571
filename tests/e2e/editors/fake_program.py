"""Puts a `homespun` on the PATH that is the real server with the fake model."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.e2e.editors.programs import put_program

_SERVER = Path(__file__).resolve().parents[2] / "support" / "fake_server.py"


def put_fake_server(path: Path, *, log: Path) -> None:
    """Write the program; what it logs is appended to `log`."""
    put_program(path, [sys.executable, "-P", str(_SERVER)], log=log)
