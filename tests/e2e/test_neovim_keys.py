"""Keys that Neovim gets late, several at once, as on a busy machine: nothing that is shown is lost.

The tests themselves are Lua, in editors/nvim_keys.lua; one Neovim runs them all. The ghost text
that the module draws is tried in the oldest, that of Neovim itself in one that has it.
"""

from __future__ import annotations

import pytest

from tests.e2e.editors.nvim_program import lua_outcomes, lua_tests, neovim

SPEC = "nvim_keys.lua"

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module", params=["drawn", "builtin"])
def outcomes(request, tmp_path_factory):
    program, _ = neovim(request.param)
    folder = tmp_path_factory.mktemp("workspace")
    return lua_outcomes(program, SPEC, folder, ghost_text=request.param)


@pytest.mark.parametrize("name", lua_tests(SPEC))
def test_neovim(outcomes, name):
    if name not in outcomes:
        pytest.skip("of the ghost text that the module draws")
    assert outcomes[name] == ""
