"""`:Homespun` of the Neovim module, in a real headless Neovim, against answers that are made up.

The tests themselves are Lua, in editors/nvim_commands.lua; one Neovim runs them all. Skipped where
there is no Neovim 0.11 or newer.
"""

from __future__ import annotations

import pytest

from tests.e2e.editors.nvim_program import lua_outcomes, lua_tests, neovim

SPEC = "nvim_commands.lua"

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    program, _ = neovim()
    return lua_outcomes(program, SPEC, tmp_path_factory.mktemp("workspace"))


@pytest.mark.parametrize("name", lua_tests(SPEC))
def test_neovim(outcomes, name):
    assert outcomes[name] == ""
