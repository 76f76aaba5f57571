"""What others wrote is shown as characters, never obeyed."""

from __future__ import annotations

import pytest

from homespun.showable import is_showable, showable, showable_coloured, showable_line


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),
        ("a\rb\x08c\x7f", "a\\rb\\x08c\\x7f"),
        ("\x9b2J", "\\x9b2J"),
        ("if admin\u202e ⁦// check⁩", "if admin\\u202e \\u2066// check\\u2069"),
        ("a\u200bb\ufeff", "a\\u200bb\\ufeff"),
        ("\U000e0041", "\\U000e0041"),
    ],
    ids=ascii,
)
def test_unsafe_characters_are_shown_as_their_escapes(text, shown):
    assert not is_showable(text)
    assert showable(text) == shown
    assert is_showable(shown)


def test_words_of_all_scripts_line_ends_and_tabs_stay():
    text = "größe\t日本 עברית 😋\nnext"
    assert is_showable(text)
    assert showable(text) == text
    assert showable_line(text) == "größe\\t日本 עברית 😋\\nnext"


def test_colours_stay_where_they_are_ours_and_nothing_else_does():
    assert showable_coloured("\x1b[1;32mok\x1b[0m \x1b[2J") == "\x1b[1;32mok\x1b[0m \\x1b[2J"
