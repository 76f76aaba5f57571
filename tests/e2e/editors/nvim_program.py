"""Where Neovim and the module for it are."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

MODULE = Path(__file__).resolve().parents[3] / "editor-client" / "nvim"
OLDEST = (0, 11)


def neovims() -> list[tuple[str, tuple[int, int]]]:
    """Return the programs of HOMESPUN_NVIM (like a PATH), else nvim of the PATH; oldest first."""
    given = os.environ.get("HOMESPUN_NVIM", "").split(os.pathsep)
    names = [name for name in given if name] or ["nvim"]
    programs = [program for name in names if (program := shutil.which(name)) is not None]
    found = [(program, _version(program)) for program in programs]
    return sorted((it for it in found if it[1] >= OLDEST), key=lambda it: it[1])


def neovim(ghost_text: str = "drawn") -> tuple[str, tuple[int, int]]:
    """Return a program that has such ghost text, the oldest, and its version; skip where none is.

    It is "drawn" by the module in all, "builtin" from 0.12 on.
    """
    for program, version in neovims():
        if ghost_text == "drawn" or version >= (0, 12):
            return program, version
    oldest = "0.11" if ghost_text == "drawn" else "0.12"
    pytest.skip(f"needs Neovim {oldest} or newer on the PATH or in HOMESPUN_NVIM")


def _version(program: str) -> tuple[int, int]:
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    found = re.search(r"v(\d+)\.(\d+)", said)
    assert found, said
    return int(found[1]), int(found[2])
