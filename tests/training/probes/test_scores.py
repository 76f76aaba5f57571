"""Minimal pairs, scored: which form is likelier, rule by rule, before and after."""

from __future__ import annotations

import math
import random

import pytest

from homespun.models.fakes import FakeGenerator
from homespun.stats import wilson
from homespun.training.dataset.examples import ExampleEncoder
from homespun.training.probes.pairs import probes, with_shown
from homespun.training.probes.scores import compare_scores, score_probes

RULE = "python/docstring-mood"


def document(count, number):
    return "".join(f'def f{n}():\n    """Return {n} of {number}."""\n\n\n' for n in range(count))


def made(files=2, each=2):
    """Pairs of some files, each with the next one's place to show."""
    found = []
    for number in range(files):
        text = document(each, number)
        found += probes(text, f"{number}.py", {RULE: "imperative"}, random.Random(0), each)
    return with_shown(found, random.Random(0))


def answering(*differences, tokens=(4, 6)):
    """Answer with a log-probability of the house form that is so much higher than the other's."""
    asked = []

    def logprobs(examples):
        asked.extend(examples)
        answers = []
        for place in range(len(examples) // 2):
            answers += [
                (-10.0 + differences[place % len(differences)], tokens[0]),
                (-10.0, tokens[1]),
            ]
        return answers

    return logprobs, asked


def test_the_difference_is_per_token_of_the_mean_length():
    logprobs, asked = answering(1.0, -2.0)
    (score,) = score_probes(made(), logprobs, contexts=("unseen",))
    assert [pair.difference for pair in score.pairs] == [0.2, -0.4, 0.2, -0.4]
    assert [pair.prefers_house for pair in score.pairs] == [True, False, True, False]
    assert (score.rule, score.context, score.sites, score.accuracy) == (RULE, "unseen", 4, 0.5)
    assert score.interval == wilson(2, 4)
    assert math.isclose(score.difference.mean, -0.1)
    assert [example.id.rpartition("#")[2] for example in asked] == ["house", "alt"] * 4


def test_a_tie_is_no_preference():
    logprobs, _ = answering(0.0)
    (score,) = score_probes(made(), logprobs, contexts=("unseen",))
    assert score.accuracy == 0.0


def test_each_context_is_scored_and_shown_only_where_there_is_something():
    found = made(files=2, each=1)
    alone = [
        *found,
        *probes("a = {}\n", "c.py", {"python/empty-collections": "literal"}, random.Random(0), 1),
    ]
    logprobs, asked = answering(1.0)
    scores = score_probes(alone, logprobs, contexts=("file", "unseen", "shown"), repo="shop")
    assert [(score.context, score.rule, score.sites) for score in scores] == [
        ("file", RULE, 2),
        ("file", "python/empty-collections", 1),
        ("unseen", RULE, 2),
        ("unseen", "python/empty-collections", 1),
        ("shown", RULE, 2),
    ]
    assert {example.repo for example in asked} == {"shop"}
    assert [len(example.snippets) for example in asked] == [0] * 12 + [1] * 4


def test_few_pairs_say_nothing_about_a_rule_alone():
    logprobs, _ = answering(1.0)
    (few,) = score_probes(made(files=2, each=9), logprobs, contexts=("unseen",))
    (enough,) = score_probes(made(files=2, each=10), logprobs, contexts=("unseen",))
    assert (few.sites, few.has_enough) == (18, False)
    assert (enough.sites, enough.has_enough) == (20, True)


def scored(*differences, files=4, each=5):
    logprobs, _ = answering(*differences)
    return score_probes(made(files, each), logprobs, contexts=("unseen",))


def test_before_and_after_are_compared_pair_by_pair():
    before = scored(-1.0, -1.0, -1.0, -1.0, 1.0)
    after = scored(1.0, 1.0, -1.0, -1.0, -1.0)
    (change,) = compare_scores(before, after)
    assert (change.rule, change.context, change.sites) == (RULE, "unseen", 20)
    assert (change.before, change.after) == (0.2, 0.4)
    assert (change.discordance.wins, change.discordance.losses) == (8, 4)
    assert math.isclose(change.discordance.p, 2 * sum(math.comb(12, k) for k in range(5)) / 2**12)
    assert math.isclose(change.difference.mean, (2 * 0.4 - 0.4) / 5)
    assert change.has_enough


def test_a_rule_is_learned_when_every_file_says_so():
    (change,) = compare_scores(scored(-1.0), scored(1.0))
    assert (change.is_learned, change.is_unlearned) == (True, False)
    assert (change.difference.low, change.difference.high) == (0.4, 0.4)
    (back,) = compare_scores(scored(1.0), scored(-1.0))
    assert (back.is_learned, back.is_unlearned) == (False, True)


def test_one_file_says_nothing_about_others():
    (change,) = compare_scores(scored(-1.0, files=1), scored(1.0, files=1))
    assert not change.is_learned
    row = change.to_json()
    assert row["difference"] == {"mean": 0.4, "low": None, "high": None}
    assert (row["before"], row["after"], row["wins"], row["enough"]) == (0.0, 1.0, 5, False)


def test_other_pairs_and_other_rules_cannot_be_compared():
    with pytest.raises(ValueError, match="different pairs"):
        compare_scores(scored(1.0, files=2), scored(1.0, files=3))
    with pytest.raises(ValueError, match="different rules"):
        compare_scores(scored(1.0), [])


def test_a_model_that_answers_too_little_is_an_error():
    with pytest.raises(ValueError, match="4 examples were given, but 1 scores came"):
        score_probes(made(files=1, each=2), lambda _: [(0.0, 1)], contexts=("unseen",))


def test_no_pairs_ask_no_model():
    assert score_probes([], lambda _: 1 / 0) == []


def test_both_forms_have_the_same_prompt_and_differ_in_the_answer():
    fake = FakeGenerator("")
    encoder = ExampleEncoder(fake.tokenizer, fake.fim)
    for pair in made():
        for context in ("file", "unseen", "shown"):
            house, alt = (encoder.encode(e, budget=2_000) for e in pair.examples(context))
            assert house.ids[: house.start] == alt.ids[: alt.start]
            answers = [fake.tokenizer.decode(coded.ids[coded.start : -1]) for coded in (house, alt)]
            assert answers == ["    " + pair.house, "    " + pair.alt]
            assert house.ids[-1] == alt.ids[-1] == fake.tokenizer.control(fake.fim.end[0])
