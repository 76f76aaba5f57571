"""What of an answer llama.vim shows."""

from __future__ import annotations

import pytest

from bench.typing.llama_vim.suggestion import to_show


@pytest.mark.parametrize(
    ("content", "lines", "shown"),
    [
        ("b\n", ["a", "c"], ["b"]),
        ("\nc\nd", ["a", "c", "d"], [""]),
        ("b", ["a", "ab"], [""]),
        ("b", ["a", "", "ab"], [""]),
        ("b\nc", ["a", "ab", "cd"], [""]),
        ("b\nx", ["a", "ab", "cd"], ["b", "x"]),
        ("b\nc\nd", ["a", "ab", "c", "d"], [""]),
    ],
)
def test_suggestions_that_repeat_what_follows_are_withheld(content, lines, shown):
    assert to_show(content, lines, 1, 0)[0] == shown


def test_blanks_that_stand_on_the_line_are_not_shown_again():
    assert to_show("        x = 1", ["    "], 4, 0) == (["    x = 1"], True)
