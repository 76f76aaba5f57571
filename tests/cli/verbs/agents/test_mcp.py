"""`homespun mcp` where it cannot serve."""

from __future__ import annotations

import sys

from homespun.cli.verbs.agents.mcp import habits_of
from tests.support.command import run_command


def test_without_the_sdk_the_command_that_brings_it_is_said(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "mcp", None)  # as Python marks what cannot be imported
    status, out, err = run_command(capsys, "mcp", tmp_path)
    assert (status, out) == (1, "")
    assert err == (
        "homespun: `homespun mcp` needs the MCP SDK, which is not installed; "
        "run `pip install 'homespun[agents]'`\n"
    )


def test_a_habit_has_a_share_and_a_place(tmp_path):
    (tmp_path / "many.py").write_text("".join(f"def do_it_{n}(): ...\n" for n in range(60)))
    (habit,) = [each for each in habits_of(tmp_path) if each.form == "snake_case"]
    assert (habit.is_rule, habit.share, habit.count) == (True, 1.0, 60)
    assert (habit.example.path, habit.example.lines) == ("many.py", ("def do_it_0(): ...",))
