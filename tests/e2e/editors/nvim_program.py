"""Where Neovim and the module for it are."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

_HERE = Path(__file__).resolve().parent
MODULE = _HERE.parents[2] / "editor-client" / "nvim"
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


def lua_outcomes(
    program: str, spec: str, folder: Path, *, ghost_text: str = "drawn"
) -> dict[str, str]:
    """Run the Lua tests of a file beside this one in one Neovim; return name -> failure or "".

    `folder`, an empty one, becomes its workspace.
    """
    (folder / ".git").mkdir()
    (folder / "demo.py").write_text("total = 1\n", encoding="utf-8")
    (folder / "notes.md").write_text("# Notes\n", encoding="utf-8")
    environment = {
        "HOMESPUN_NVIM_MODULE": str(MODULE),
        "HOMESPUN_NVIM_FAKE": str(_HERE / "nvim_fake.lua"),
        "HOMESPUN_GHOST_TEXT": ghost_text,
        "XDG_STATE_HOME": str(folder / ".git" / "state"),
    }
    # Not with -l: in such a Neovim insert mode would end at once.
    quiet = ["--clean", "--headless", "--cmd", "set noswapfile"]
    done = subprocess.run(
        [program, *quiet, "-c", f"luafile {_HERE / spec}", "-c", "qall!"],
        cwd=folder,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout, done.stderr
    outcomes: dict[str, str] = json.loads(done.stdout.splitlines()[-1])
    return outcomes


def lua_tests(spec: str) -> list[str]:
    """Return the names of the tests of such a file."""
    text = (_HERE / spec).read_text(encoding="utf-8")
    return re.findall(r"^ *TEST\('(.+)', function", text, re.MULTILINE)


def _version(program: str) -> tuple[int, int]:
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    found = re.search(r"v(\d+)\.(\d+)", said)
    assert found, said
    return int(found[1]), int(found[2])
