"""How much of a suggestion stands in a document."""

from __future__ import annotations

import pytest

from homespun.server.acceptance.text_match import matching_ends


@pytest.mark.parametrize(
    ("expected", "text", "stands"),
    [
        pytest.param("foo(a, b)", "", "", id="nothing"),
        pytest.param("foo(a, b)", "foo\n", "foo", id="a part"),
        pytest.param("foo(a, b)", "foo()", "foo(", id="a bracket closed by the editor"),
        pytest.param("foo(a, b)", "foo(a,b)", "foo(a,b)", id="a blank less"),
        pytest.param("foo(a,b)", "foo(a, b)", "foo(a, b)", id="a blank more"),
        pytest.param(
            "x:\n    y\n    z", "x:\r\n\ty\r\n\tz\r\n", "x:\r\n\ty\r\n\tz", id="tabs, CRLF"
        ),
        pytest.param("return x", "returnx", "return", id="two words are not one"),
        pytest.param("foobar", "foo bar", "foo", id="one word is not two"),
        pytest.param("a\n    b", "a\n\nc", "a\n", id="white space alone is not much"),
        pytest.param("a\n    b", "a", "a", id="nor is its absence"),
    ],
)
def test_white_space_aside_it_is_what_the_texts_begin_with(expected, text, stands):
    assert text[: matching_ends(expected, text)[-1]] == stands


def test_each_character_has_its_place_in_the_document():
    assert matching_ends("f(a,b)", "f(a,  b)!") == [0, 1, 2, 3, 4, 7, 8]
    assert matching_ends("f(a,  b)", "f(a,b)!") == [0, 1, 2, 3, 4, 4, 4, 5, 6]
