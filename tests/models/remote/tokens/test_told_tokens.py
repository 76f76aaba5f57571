"""What is made of the probabilities that a server tells."""

from __future__ import annotations

import math

import pytest

from homespun.models.remote.tokens.told_tokens import Token, TokenRecord, ToldToken


def told(text, *choices):
    """A token of these choices (text, probability), the first of which came."""
    tokens = [Token(None, name, math.log(p)) for name, p in choices]
    return ToldToken(text, tokens[0].logprob, tuple(tokens))


def record(*tokens, heal=""):
    made = TokenRecord(heal)
    made.add(tokens)
    return made


def test_a_margin_is_to_the_likeliest_other_one():
    made = record(told("a", ("a", 0.5), ("b", 0.125), ("c", 0.25)))
    assert made.margins == [pytest.approx(math.log(2))]
    assert made.logprobs == [pytest.approx(math.log(0.5))]


def test_an_entropy_of_all_choices_is_exact():
    made = record(told("a", ("a", 0.5), ("b", 0.25), ("c", 0.25)))
    assert made.entropies == [pytest.approx(1.5 * math.log(2))]


def test_what_is_not_told_is_as_spread_as_it_must_be_at_least():
    even = record(told("a", ("a", 0.1), ("b", 0.1)))  # of ten, then
    assert even.entropies == [pytest.approx(math.log(10))]


def test_where_half_a_word_is_given_only_what_begins_with_it_counts():
    choices = (("self", 0.1), ("return", 0.6), ("se", 0.1))
    made = record(told("self", *choices), told(".a", (".a", 0.5), (".b", 0.25)), heal="sel")
    assert made.logprobs == [pytest.approx(math.log(0.5)), pytest.approx(math.log(0.5))]
    assert made.margins == [pytest.approx(0.0), pytest.approx(math.log(2))]
    assert made.entropies[0] == pytest.approx(math.log(2))
    assert made.ends("self.a") == [1, 3]


def test_a_token_that_no_other_one_can_stand_for_is_sure():
    made = record(told("self", ("self", 0.01), ("return", 0.9)), heal="se")
    assert (made.logprobs, made.margins) == ([pytest.approx(0.0)], [math.inf])
    assert made.entropies == [pytest.approx(0.0)]


def test_the_token_itself_is_known_by_its_number_where_that_is_told():
    newline, other = Token(198, "\n", math.log(0.5)), Token(271, "\n\n", math.log(0.25))
    made = record(ToldToken("", newline.logprob, (newline, other), 198))  # a stop: no text of it
    assert made.margins == [pytest.approx(math.log(2))]


@pytest.mark.parametrize(
    ("tokens", "written"),
    [
        ([], "a"),
        ([told("a", ("a", 0.5), ("b", 0.2))], "ab"),
        ([told("a", ("a", 0.5))], "a"),
        ([ToldToken("a", math.nan, (Token(None, "a", 0.0), Token(None, "b", -9.0)))], "a"),
        ([told("", ("a", 0.5), ("b", 0.2))], "a"),
        ([told("a", ("a", 0.5)), told("b", ("b", 0.5), ("c", 0.5))], "ab"),
    ],
    ids=["nothing", "less than all", "no other", "no probability", "no text", "a gap"],
)
def test_a_record_with_a_gap_is_not_whole(tokens, written):
    assert not record(*tokens).is_whole(written)


def test_a_record_of_all_that_was_written_is_whole():
    tokens = [told("a", ("a", 0.5), ("b", 0.2)), told("b", ("b", 0.5), ("c", 0.5))]
    assert record(*tokens).is_whole("ab")
    assert not record(*tokens).is_whole("")


def test_no_token_ends_behind_what_was_written():
    stop = told("<|end|>", ("<|end|>", 0.5), ("b", 0.2))
    assert record(told("a", ("a", 0.5), ("b", 0.2)), stop).ends("a") == [1, 1]
