"""Answers that are known already: the rest of what is typed, and never another state's."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homespun.server.requests.answer_cache import AnswerCache
from homespun.server.types import Completion, SourceLocation

SOURCE = SourceLocation("client.py", 1, 3, 0.5)


def answer(text, *, finish="newline", **fields):
    return Completion(text, finish, model="m", sources=(SOURCE,), **fields)


def found(cache, document, *, key="key"):
    """What is cached at the bar of `document`, None for nothing."""
    before, _, after = document.partition("¦")
    cached = cache.find(key, before + after, len(before))
    return None if cached is None else cached.completion.text


def knowing(document, completion, *, key="key", **bounds):
    """A memory of one answer, given at the bar of `document`."""
    cache = AnswerCache(**bounds)
    before, _, after = document.partition("¦")
    cache.remember(key, before + after, len(before), completion)
    return cache


@pytest.mark.parametrize(
    ("document", "rest"),
    [
        pytest.param("x = ¦\n", "foo(a, b)", id="the very same state"),
        pytest.param("x = f¦\n", "oo(a, b)", id="a character"),
        pytest.param("x = foo(a¦\n", ", b)", id="several"),
        pytest.param("x = foo(a, b¦\n", ")", id="all but one"),
        pytest.param("x = foo(a, b)¦\n", None, id="all of it: what comes next is not known"),
        pytest.param("x = fa¦\n", None, id="something else"),
        pytest.param("x = F¦\n", None, id="another case"),
        pytest.param("y = f¦\n", None, id="another text before"),
        pytest.param("x =¦\n", None, id="fewer characters before"),
        pytest.param("x = f¦\n\n", None, id="another text after"),
        pytest.param("x = f¦", None, id="less text after"),
        pytest.param("x = foo(¦)\n", "a, b", id="the editor closed the bracket"),
        pytest.param("x = foo(a¦)\n", ", b", id="and it stays right"),
        pytest.param("x = foo(¦]\n", None, id="another bracket"),
        pytest.param("x = foo(¦))\n", None, id="a bracket too many"),
        pytest.param("x = foo(¦a)\n", None, id="text that is no bracket"),
        pytest.param("x = foo(a, b¦)\n", None, id="closed and nothing left to say"),
        pytest.param("x = ¦)\n", None, id="a bracket, and nothing was typed"),
    ],
)
def test_what_is_left_of_a_suggestion(document, rest):
    assert found(knowing("x = ¦\n", answer("foo(a, b)")), document) == rest


def test_a_bracket_in_the_middle_of_the_rest_does_not_stay_right():
    cache = knowing("x = ¦\n", answer("foo(a).bar"))
    assert found(cache, "x = foo(¦)\n") is None


def test_quotes_and_brackets_that_an_editor_closed_together():
    cache = knowing("x = ¦\n", answer('foo("a", ["b"])'))
    assert found(cache, 'x = foo("a", ["¦"])\n') == "b"


def test_a_line_end_of_windows_is_typed_as_a_whole():
    cache = knowing("f()¦\r\n", answer("\r\n    g()\r\n    h()"))
    assert found(cache, "f()\r\n    ¦\r\n") == "g()\r\n    h()"
    assert found(cache, "f()\r¦\r\n") is None


def test_a_recalled_answer_says_so_and_keeps_where_it_came_from():
    timings = dict.fromkeys(("context", "retrieve", "prefill", "decode", "total"), 7.0)
    whole = answer("abc", finish="block", logprob=-1.5, timings_ms=timings, id="i")
    cache = knowing("¦", whole)
    cached = cache.find("key", "a", 1)
    assert cached.typed_chars == 1
    completion = cached.completion
    assert (completion.text, completion.finish, completion.id) == ("bc", "block", "i")
    assert (completion.sources, completion.logprob, completion.model) == ((SOURCE,), -1.5, "m")
    assert completion.timings_ms == dict.fromkeys(timings, 0.0)
    assert completion.tokens["recalled"] == 1
    assert completion.tokens["prompt"] == 0


def test_that_there_is_nothing_to_say_holds_for_the_same_state_only():
    cache = knowing("x = 1¦\n", answer("", finish="filtered:line-complete"))
    same = cache.find("key", "x = 1\n", 5)
    assert (same.completion.text, same.completion.finish) == ("", "filtered:line-complete")
    assert found(cache, "x = 12¦\n") is None


def test_an_answer_that_was_cut_is_asked_anew_when_little_is_left():
    text = "a" * 10 + "b" * 11
    cache = knowing("¦", answer(text, finish="length"))
    assert found(cache, "a" * 10 + "¦") == "b" * 11
    assert found(cache, "a" * 10 + "b¦") is None
    assert found(knowing("¦", answer(text)), "a" * 10 + "b¦") == "b" * 10


def test_it_looks_back_128_characters():
    cache = knowing("¦", answer("a" * 200))
    assert found(cache, "a" * 128 + "¦") == "a" * 72
    assert found(cache, "a" * 129 + "¦") is None


def test_the_answer_given_nearest_before_the_cursor_goes_first():
    cache = knowing("x¦", answer("yz (after x)"))
    cache.remember("key", "xy", 2, answer("z (after xy)"))
    assert found(cache, "xyz¦") == " (after xy)"
    assert found(cache, "xyz (after x¦") == "y)"
    assert found(cache, "xyz (after x)¦") is None
    cache.remember("key", "xyz", 3, answer("..."))
    assert found(cache, "xyz ¦") == "(after xy)"


def test_a_newer_answer_to_the_same_state_replaces_the_older():
    cache = knowing("x¦", answer("old"))
    cache.remember("key", "x", 1, answer("new"))
    assert found(cache, "x¦") == "new"
    assert len(cache) == 1


def test_the_least_recently_used_answer_goes():
    cache = knowing("a¦", answer("1"), most_entries=2)
    cache.remember("key", "b", 1, answer("2"))
    assert found(cache, "a¦") == "1"
    cache.remember("key", "c", 1, answer("3"))
    assert [found(cache, f"{name}¦") for name in "abc"] == ["1", None, "3"]


def test_long_answers_go_when_they_are_too_many_bytes():
    cache = knowing("a¦", answer("1" * 10_000), most_bytes=20_000)
    cache.remember("key", "b", 1, answer("2" * 5_000))
    assert len(cache) == 2
    cache.remember("key", "c", 1, answer("3" * 10_000))
    assert [found(cache, f"{name}¦") is None for name in "abc"] == [True, False, False]
    cache.remember("key", "d", 1, answer("4" * 30_000))
    assert len(cache) == 0
    cache.remember("key", "e", 1, answer("5" * 10_000))
    assert len(cache) == 1


def test_nothing_is_left_after_clear():
    cache = knowing("a¦", answer("1"))
    cache.clear()
    assert found(cache, "a¦") is None


def test_text_that_is_no_unicode_is_taken():
    cache = knowing("\ud800¦\udfff", answer("abc"))
    assert found(cache, "\ud800a¦\udfff") == "bc"


TEXT = st.text("ab()\n", max_size=4)
ANSWERS = st.text("ab()\n", max_size=6)
KEYS = st.sampled_from(["a document", "another document", "another adapter"])


@given(TEXT, TEXT, ANSWERS.filter(len), st.data())
def test_what_was_typed_and_what_is_recalled_are_the_suggestion(before, after, text, data):
    typed = data.draw(st.integers(0, len(text) - 1))
    cache = knowing(f"{before}¦{after}", answer(text))
    assert text[:typed] + found(cache, f"{before}{text[:typed]}¦{after}") == text


@given(st.lists(st.tuples(KEYS, TEXT, TEXT, ANSWERS), max_size=6), KEYS, TEXT, TEXT)
def test_nothing_is_recalled_that_does_not_lead_to_a_suggestion_of_that_state(
    known, key, before, after
):
    cache = AnswerCache()
    for known_key, known_before, known_after, text in known:
        offset = len(known_before)
        cache.remember(known_key, known_before + known_after, offset, answer(text))
    rest = found(cache, f"{before}¦{after}", key=key)
    last = {(k, b, a): text for k, b, a, text in known}
    leads = [
        (k, b, a, text)
        for (k, b, a), text in last.items()
        # Accepted, the rest leads to the document that accepting the whole led to.
        if k == key and rest is not None and before + rest + after == b + text + a
        # What was typed is the suggestion's beginning, and the cursor stands behind it.
        and before.startswith(b) and text.startswith(before[len(b) :]) and after.endswith(a)
    ]  # fmt: skip
    assert rest is None or leads
    if (key, before, after) in last:
        assert rest == last[key, before, after]
