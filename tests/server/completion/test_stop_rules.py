from __future__ import annotations

import pytest

from homespun.models.types import Stop
from homespun.server.completion.stop_rules import block, in_time, single_line


def first_stop(rule, text: str):
    """Feed the text a character at a time, as the model would; return what is kept and why."""
    for length in range(1, len(text) + 1):
        verdict = rule(text[:length])
        if verdict is not None:
            return text[: verdict.end], verdict.reason
    return None


@pytest.mark.parametrize(
    ("left", "text", "kept"),
    [
        pytest.param("x = ", "1\ny = 2", "1", id="ends at the line"),
        pytest.param("x = ", "1", None, id="goes on while the line lasts"),
        pytest.param("    return x", "\n\n", "", id="a complete line needs nothing"),
        pytest.param("foo(", "\n    a,\n    b", "\n    a,", id="an open bracket goes on below"),
        pytest.param("x = {", "\n    1: 2,\n", "\n    1: 2,", id="an open brace goes on below"),
        pytest.param("a = b and", "\n    c\n", "\n    c", id="an operator goes on below"),
        pytest.param("", "\nx = 1\n", "\nx = 1", id="an empty line may stay empty"),
        pytest.param("    ", "return 1\n", "return 1", id="an indented empty line"),
        pytest.param("", "\n\n\n\nx", "", id="endless empty lines end"),
        pytest.param("x = ", "   \n", "", id="blanks up to the end of the line are nothing"),
    ],
)
def test_a_single_line(left, text, kept):
    expected = None if kept is None else (kept, "newline")
    assert first_stop(single_line(left), text) == expected


BODY = "    a = 1\n    if a:\n        b = 2\n\n    return a\n"


@pytest.mark.parametrize(
    ("left", "columns", "below", "text", "kept"),
    [
        pytest.param("def f():", 0, "", "\n" + BODY + "x = 1\n", "\n" + BODY[:-1], id="dedent"),
        pytest.param("    ", 0, "", BODY[4:] + "\n\ndef g", BODY[4:-1], id="started on this line"),
        pytest.param("    ", 0, "", "a\n\n    b\n", None, id="an empty line does not end it"),
        pytest.param("    ", 0, "x = 9", "a\n    x = 9\n", "a", id="the suffix begins"),
        pytest.param("    ", 0, "pass", "a\n", None, id="goes on"),
        pytest.param("f() {", 0, "", "\n  a;\n}\nb", "\n  a;\n}", id="a closer belongs to it"),
        pytest.param("f() {", 0, "}", "\n  a;\n}\nb", "\n  a;", id="unless the suffix has it"),
        pytest.param("  ", 0, "end", "a\nend\n", "a", id="ruby's end in the suffix"),
        pytest.param("  ", 0, "", "a\nend\nb", "a\nend", id="ruby's end"),
        pytest.param("  ", 0, "", "a\nenemy = 1\n", "a", id="begins like end"),
        pytest.param("    ", 4, "", "return 1\n", "", id="not deeper than its opener"),
    ],
)
def test_a_block(left, columns, below, text, kept):
    rule = block(left, opener_columns=columns, line_below=below, max_lines=9)
    assert first_stop(rule, text) == (None if kept is None else (kept, "block"))


def test_a_block_ends_at_its_most_lines():
    rule = block("    ", opener_columns=0, line_below="", max_lines=2)
    assert first_stop(rule, "a\n    b\n    c\n") == ("a\n    b", "block")


def test_a_block_that_takes_too_long_ends_with_its_last_whole_line():
    now = [0.0]

    def never(text):
        return Stop(3, "block") if text.endswith("END") else None

    rule = in_time(never, budget_ms=500, clock=lambda: now[0])
    assert rule("a = 1\nb = ") is None
    now[0] = 0.6
    assert rule("a = 1\nb = 2") == Stop(5, "block")
    assert rule("\n    a = 1") is None
    assert rule("\n    a = 1\n    b") == Stop(10, "block")
    assert rule("a END") == Stop(3, "block")


def test_a_second_answer_has_the_whole_time_again():
    now = [0.0]
    rule = in_time(lambda _: None, budget_ms=500, clock=lambda: now[0])
    now[0] = 0.6
    assert rule("a = 1\nb") == Stop(5, "block")
    again = rule.anew()
    assert again("a = 1\nb") is None
    now[0] = 1.2
    assert again("a = 1\nb") == Stop(5, "block")
