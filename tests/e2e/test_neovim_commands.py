"""`:Homespun` of the Neovim module, in a real headless Neovim, against answers that are made up.

The tests themselves are Lua, in editors/nvim_commands.lua; one Neovim runs them all. Skipped where
there is no Neovim 0.11 or newer.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.e2e.editors.nvim_program import MODULE, neovim

EDITORS = Path(__file__).parent / "editors"
SPEC = EDITORS / "nvim_commands.lua"
NAMES = re.findall(r"^TEST\('(.+)', function", SPEC.read_text(encoding="utf-8"), re.MULTILINE)

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    program, _ = neovim()
    workspace = tmp_path_factory.mktemp("workspace")
    (workspace / ".git").mkdir()
    (workspace / "demo.py").write_text("total = 1\n", encoding="utf-8")
    (workspace / "notes.md").write_text("# Notes\n", encoding="utf-8")
    environment = {
        "HOMESPUN_NVIM_MODULE": str(MODULE),
        "HOMESPUN_NVIM_FAKE": str(EDITORS / "nvim_fake.lua"),
        "XDG_STATE_HOME": str(tmp_path_factory.mktemp("state")),
    }
    done = subprocess.run(
        [program, "--clean", "--headless", "--cmd", "set noswapfile", "-l", str(SPEC)],
        cwd=workspace,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("name", NAMES)
def test_neovim(outcomes, name):
    assert outcomes[name] == ""
