"""Edits: what they really change, and token by token."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homespun.server.lsp.edits import TextChange, whole


def applied(text, *changes):
    for change in changes:
        end = change.start + len(change.removed)
        assert text[change.start : end] == change.removed
        text = text[: change.start] + change.inserted + text[end:]
    return text


@pytest.mark.parametrize(
    ("change", "trimmed"),
    [
        pytest.param(
            TextChange(4, "fo", "foo(a)"), TextChange(6, "", "o(a)"), id="typed part again"
        ),
        pytest.param(TextChange(4, ")", "a)"), TextChange(4, "", "a"), id="a bracket again"),
        pytest.param(TextChange(0, "abcd", "abXd"), TextChange(2, "c", "X"), id="both ends"),
        pytest.param(TextChange(3, "aa", "aaa"), TextChange(5, "", "a"), id="the last place"),
        pytest.param(TextChange(3, "same", "same"), TextChange(7, "", ""), id="nothing"),
    ],
)
def test_what_is_the_same_at_both_ends_is_left_out(change, trimmed):
    assert change.trimmed() == trimmed


def test_a_formatter_that_replaces_everything_changes_a_few_tokens():
    before = "import os\nx = foo(a,b)\n" + "y = 1\n" * 3 + "print( x )\n"
    after = "import os\n\nx = foo(a, b)\n" + "y = 1\n" * 3 + "print(x)\n"
    changes = TextChange(100, before, after).refined()
    assert changes == [
        TextChange(100 + before.index(" )"), " ", ""),
        TextChange(100 + before.index(" x )"), " ", ""),
        TextChange(100 + before.index("b)"), "", " "),
        TextChange(100 + before.index("x ="), "", "\n"),
    ]
    assert applied("#" * 100 + before, *changes) == "#" * 100 + after


TEXT = st.text(alphabet="ab (,\r\né😋", max_size=40)


@settings(max_examples=200, deadline=None)
@given(TEXT, TEXT)
def test_any_change_is_the_same_in_small_pieces(before, after):
    assert applied(before, whole(before, after)) == after
    assert applied(before, *TextChange(0, before, after).refined()) == after


def test_a_long_line_is_replaced_as_a_whole():
    before, after = "a " * 5000 + "x", "b " * 5000 + "x"
    assert [len(change.removed) for change in TextChange(0, before, after).refined()] == [9999]


@pytest.mark.parametrize("part", ["ab.cd(e, 'f') + ", "n{} ", "()"], ids=["code", "names", "signs"])
def test_edits_in_a_line_of_a_million_characters_take_no_time(part):
    before = "".join(part.format(number) for number in range(1_000_000 // len(part)))
    after = "Z".join(before[place : place + 50_000] for place in range(0, len(before), 50_000))
    began = time.thread_time()
    for _ in range(10):
        refined = whole(before, after).refined()
    assert time.thread_time() - began < 3  # ten took 5 to 13 s
    text = before
    for change in refined:
        text = text[: change.start] + change.inserted + text[change.start + len(change.removed) :]
    assert text == after
