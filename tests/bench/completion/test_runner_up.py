"""The second of two close answers, and which of the two is taken."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench.completion.runner_up import TAKES, RunnerUpPlace, Way, nearer, report, taken
from bench.completion.second_answer import LineQuestion, fork_of, second_answer
from homespun.models.fakes import FakeGenerator
from homespun.models.types import Stop
from homespun.server.completion.stop_rules import single_line

PROMPT = list(b"x = ")


def first_answer(generator, heal="", margins=None):
    """A greedy answer, a byte a token; `margins` are those of its first tokens."""
    done = generator.generate(
        PROMPT, max_tokens=64, stop=single_line("x = "), cancelled=lambda: False, heal=heal
    )
    told = tuple(margins or ())
    return replace(done, token_margins=told + done.token_margins[len(told) :])


@pytest.mark.parametrize(
    ("margins", "anywhere", "expected"),
    [
        ([0.4, 0.2, 0.3], False, 1),
        ([0.6], False, None),
        ([2.0, 2.0, 2.0, 0.3], False, 3),  # whether the word ends
        ([2.0, 2.0, 2.0, 2.0, 0.3], False, None),  # behind it
        ([2.0, 2.0, 2.0, 2.0, 0.3], True, 4),
    ],
)
def test_the_nearest_token_of_the_first_word_is_the_fork(margins, anywhere, expected):
    first = first_answer(FakeGenerator("one(two)\n", margin=2.0), margins=margins)
    assert fork_of(first, closer_than=0.5, anywhere=anywhere) == expected


def test_who_tells_no_margins_or_has_nothing_to_say_has_no_fork():
    assert fork_of(first_answer(FakeGenerator("one\n")), closer_than=9.0) is None
    assert fork_of(first_answer(FakeGenerator("\n", margin=0.1)), closer_than=9.0) is None


def test_the_second_answer_shares_the_beginning_and_is_as_likely_there_as_it_was():
    answers = {"x = ": "one(two)\n", "x = o": "ff.get()\nmore\n"}
    generator = FakeGenerator(answers.__getitem__, margin=2.0)
    first = first_answer(generator, margins=[3.0, 0.3])
    second = second_answer(
        generator, LineQuestion(PROMPT, 64, single_line("x = "), ""), first, fork=1
    )
    assert (second.text, second.stop_reason) == ("off.get()", "newline")
    assert second.token_ids == tuple(b"off.get()\n")
    assert second.token_margins[:3] == (3.0, -0.3, 2.0)
    assert second.token_logprobs[:3] == (-0.01, -0.31, -0.01)
    assert second.logprob == pytest.approx(sum(second.token_logprobs))
    assert second.token_ends == tuple(range(1, 11))
    assert len(second.token_entropies) == len(second.token_ids)
    assert generator.hints[-1] == (first.token_ids,)


def test_what_it_goes_without_is_the_token_that_came_first():
    generator = FakeGenerator("one\n", margin=0.1)
    first = first_answer(generator)
    generator.others = ["only\n", "two\n"]
    second = second_answer(generator, LineQuestion(PROMPT, 64, single_line("x = ")), first, fork=0)
    assert second.text == "two"
    generator.others = []
    none = second_answer(generator, LineQuestion(PROMPT, 64, single_line("x = ")), first, fork=0)
    assert none is None


@pytest.mark.parametrize(
    ("fork", "prompt", "text"), [(2, "x = conn", "fig\n"), (6, "x = connec", "ecfig\n")]
)
def test_what_was_typed_already_is_begun_with_and_is_none_of_the_text(fork, prompt, text):
    generator = FakeGenerator("fig\nmore", margin=2.0)
    written = "connect\n"
    first = replace(
        first_answer(generator),
        text="ect",
        token_ids=tuple(written.encode()),
        token_margins=(0.1,) * len(written),
        token_logprobs=(-0.1,) * len(written),
        token_ends=tuple(max(place - len("conn"), 0) for place in range(1, len(written) + 1)),
    )

    def stop(text):
        return Stop(len(text), "seen") if text.endswith("fig\n") else None

    second = second_answer(generator, LineQuestion(PROMPT, 64, stop, "conn"), first, fork)
    assert generator.tokenizer.decode(generator.prompts[-1]) == prompt
    assert (second.text, second.stop_reason) == (text, "seen")


def test_the_rule_that_ends_a_line_sees_all_of_it_and_so_does_its_length():
    generator = FakeGenerator(lambda prompt: "ff.get()" if prompt == "x = o" else "one", margin=0.1)

    def stop(text):
        return Stop(len(text), "seen") if text == "off" else None

    first = first_answer(generator)
    asked = LineQuestion(PROMPT, 64, stop)
    assert second_answer(generator, asked, first, fork=1).text == "off"
    short = second_answer(generator, replace(asked, max_tokens=2), first, fork=1)
    assert (short.text, short.finish) == ("of", "length")


def test_half_a_character_is_not_gone_on_with():
    generator = FakeGenerator("\u00e9t\u00e9\n", margin=0.1)
    asked = LineQuestion(PROMPT, 64, single_line("x = "))
    assert second_answer(generator, asked, first_answer(generator), fork=1) is None


def way(text="one", *, is_exact=False, logprob=-1.0, mean=-0.5, probability=0.5, saving=1.0):
    return Way(text, is_exact, logprob, mean, probability, saving, text, is_exact)


def place(first, second=None, package="p", margin=0.2):
    return RunnerUpPlace(package, "s", "one\n", first, second, margin, 50.0, 20.0, 3)


@pytest.mark.parametrize(
    ("take", "better"),
    [
        ("log-probability", {"logprob": -0.5}),
        ("mean log-probability", {"mean": -0.1}),
        ("calibrated probability", {"probability": 0.6}),
        ("expected saving", {"saving": 2.0}),
        ("whichever is right", {"is_exact": True}),
    ],
)
def test_the_better_one_is_taken_and_the_first_of_equals(take, better):
    first, other = way("one"), way("two", **better)
    assert taken(place(first, other), TAKES[take]) is other
    assert taken(place(other, first), TAKES[take]) is other
    assert taken(place(first, way("two")), TAKES[take]) is first
    assert taken(place(first), TAKES[take]) is first
    assert taken(place(first, other), TAKES["greedy"]) is first


def test_the_report_counts_what_is_won_and_what_is_lost():
    right, wrong = way(is_exact=True), way("two", probability=0.9)
    won = place(way("two"), way(is_exact=True, probability=0.9), package="q")
    rows = report([place(right, wrong), place(right), won, won]).split("\n")
    (calibrated,) = [row for row in rows if row.startswith("| calibrated")]
    assert calibrated.startswith("| calibrated probability | 0.750 | +0.250 ")
    assert "| 2, 1 | 4 | 0.750 |" in calibrated
    assert rows[-2:] == [
        "4 near things, 3 of them with another line",
        "added there: 20 ms at the median, 20 at 90 %, 3.0 tokens; the first line took 50 at the "
        "median",
    ]


def test_what_is_not_near_enough_has_no_second_line_and_costs_nothing():
    found = place(way("one"), way("two"), margin=0.4)
    assert nearer(found, 0.5) is found
    far = nearer(found, 0.4)
    assert (far.second, far.margin, far.second_ms, far.second_tokens) == (None, None, 0.0, 0)
    assert far.first is found.first
