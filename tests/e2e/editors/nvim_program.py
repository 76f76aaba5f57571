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


def neovim() -> tuple[str, tuple[int, int]]:
    """Return the program and its version; skip the test where there is none that will do."""
    program = os.environ.get("HOMESPUN_NVIM") or shutil.which("nvim")
    if program is not None:
        command = [program, "--version"]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        found = re.search(r"v(\d+)\.(\d+)", said)
        assert found, said
        version = (int(found[1]), int(found[2]))
        if version >= OLDEST:
            return program, version
    pytest.skip("needs Neovim 0.11 or newer on the PATH or in HOMESPUN_NVIM")
