"""Where a suggestion may end: behind what is whole, never inside a word or a string."""

from __future__ import annotations

import pytest

from homespun.server.confidence.cuts import cuts


def ends(text, left="", language="python"):
    return [(text[: cut.end], cut.kind) for cut in cuts(text, left, language)]


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        (
            "open(path, mode)",
            "python",
            ["open(", "open(path", "open(path, mode", "open(path, mode)"],
        ),
        ("self.store.get(key)", "python", ["self", "self.store", "self.store.get(",
                                            "self.store.get(key", "self.store.get(key)"]),
        ("total = first + second", "python", ["total", "total = first", "total = first + second"]),
        ("x = call();\nreturn x", "c", ["x = call(", "x = call()", "x = call();",
                                        "x = call();\nreturn x"]),
        ("return -1", "python", ["return -1"]),
        ("f(x); y = three", "python", ["f(x", "f(x)", "f(x);", "f(x); y", "f(x); y = three"]),
        ("if x: y = three", "python", ["if x:", "if x: y", "if x: y = three"]),
        ("f(x[1:2], key)", "python", ["f(x[", "f(x[1:2", "f(x[1:2]", "f(x[1:2], key",
                                      "f(x[1:2], key)"]),
        ("def f(x): return", "python", ["def f(", "def f(x", "def f(x)", "def f(x):",
                                        "def f(x): return"]),
        ("f(one , two)", "python", ["f(one", "f(one , two", "f(one , two)"]),
        ("100.5 + two", "python", ["100.5", "100.5 + two"]),
        ('"one".join(two)', "python", ['"one".join(', '"one".join(two', '"one".join(two)']),
    ],
)  # fmt: skip
def test_a_suggestion_ends_behind_an_argument_a_call_a_statement_or_a_line(
    text, language, expected
):
    assert [end for end, _ in ends(text, language=language)] == expected


def test_a_line_of_a_block_is_an_end_and_says_so():
    text = "if ready:\n    return one\nreturn two"
    kinds = dict(ends(text))
    assert kinds["if ready:"] == "line"
    assert kinds["if ready:\n    return one"] == "line"
    assert kinds[text] == "whole"


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ('"one, two (three)"', ""),
        ("one, two (three)'", "print('"),
        ('one, (two)""" + rest', 'text = """'),
        ("one, two; three", "value = 1  # for "),
    ],
)
def test_nothing_ends_inside_a_string_or_a_comment(text, left):
    inside = [end for end, kind in ends(text, left) if kind != "whole"]
    assert all("three" in end or '"""' in end for end in inside)


@pytest.mark.parametrize(
    ("text", "left", "language", "first"),
    [
        ("'''it's, so''', three", "", "python", "'''it's, so'''"),
        ('""""one, two""", three', "", "python", '""""one, two"""'),
        ("'it\\'s one, two', three)", "call(", "python", "'it\\'s one, two'"),
        ("`one, two\nthree, four`, five)", "call(", "javascript", "`one, two\nthree, four`"),
        ("don't\ncall(one)", "", "c", "don't\ncall("),  # closed by the line's end
        ("one, two", "x = 1 -- ", "haskell", "one, two"),
        ("one, two", "x = 1 # ", "haskell", "one"),
        ("one, two", "x = 1 // ", "go", "one, two"),
        ("one, two", "x = 1 // ", "python", "one"),
    ],
)
def test_a_string_ends_where_its_language_ends_it_and_so_does_a_comment(
    text, left, language, first
):
    assert ends(text, left, language)[0][0] == first


def test_a_lifetime_is_no_string():
    found = [end for end, _ in ends("str, other: &'a str) -> bool {", "fn f(x: &'a ", "rust")]
    assert found[0] == "str"


def test_an_apostrophe_in_a_line_comment_opens_no_string_for_the_next_line():
    found = [end for end, _ in ends("don't\ncall(one)", "# ", "python")]
    assert "don't\ncall(" in found


@pytest.mark.parametrize("text", ["a.b.c(d, e)", "get", "word_and_more(x)"])
def test_no_end_leaves_a_word_in_two_or_fewer_than_three_characters(text):
    for cut in cuts(text, "", "python")[:-1]:
        assert len(text[: cut.end].strip()) >= 3
        assert not (text[cut.end - 1].isalnum() and text[cut.end : cut.end + 1].isalnum())


def test_the_last_end_is_the_suggestions_own():
    assert cuts("value)  ", "call(", "python")[-1].end == len("value)")


def test_a_long_block_has_a_bounded_number_of_ends():
    found = cuts("call(one, two)\n" * 200, "", "python")
    assert len(found) <= 25
    assert found[0].end == len("call(")
