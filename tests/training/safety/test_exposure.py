"""Planted secrets: how they are planted, and when their ranks are no chance."""

from __future__ import annotations

import math
import random
from collections import Counter

import pytest

from homespun.indexer.secrets.mask import mask
from homespun.training.safety.canaries import (
    MAX_CANARIES,
    alternatives,
    kind_of,
    plant,
    rate,
)
from homespun.training.safety.exposure import (
    ERROR,
    Exposure,
    against_chance,
    exposure,
    needed,
)
from homespun.training.safety.memorisation import Memorised, with_given_away
from homespun.training.safety.real_strings import DrawnOut
from homespun.training.weighing.literals import unguessable

ALL = plant("shop", MAX_CANARIES, seed=0)


@pytest.mark.parametrize(("examples", "count"), [(0, 1), (220, 1), (2_400, 4), (60_000, 8)])
def test_secrets_are_planted_as_often_as_real_ones(examples, count):
    assert rate(examples) == count


def test_the_same_seed_plants_the_same_and_another_one_others():
    again, other = (plant("shop", MAX_CANARIES, seed=seed) for seed in (0, 1))
    assert again == ALL
    assert all(one.middle != two.middle for one, two in zip(ALL, other, strict=True))
    assert plant("shop", 3, seed=0) == ALL[:3]
    with pytest.raises(ValueError, match="choose 0 to 8"):
        plant("shop", 9, seed=0)


def test_half_of_them_look_drawn_and_the_others_are_what_people_choose():
    hidden = set()
    for canary in ALL:
        document = canary.prefix + canary.middle + canary.suffix
        found = unguessable(document, canary.language)
        if canary.middle in [document[piece.start : piece.end] for piece in found]:
            hidden.add(kind_of(canary))
    assert hidden == {"key", "number", "hash", "mail", "base64"}
    assert {kind_of(c) for c in ALL} - hidden == {"password", "host", "code"}


def test_a_file_with_a_planted_secret_is_one_that_the_index_would_show():
    """Nothing is masked before it can be learned: what hides it is measured, not this."""
    shown = [c for c in ALL if c.middle in mask(c.prefix + c.middle + c.suffix, c.language)]
    assert len(shown) >= 6


@pytest.mark.parametrize("canary", ALL, ids=map(kind_of, ALL))
def test_alternatives_are_drawn_as_the_secret_was(canary):
    others = alternatives(canary, 800, seed=0)
    assert len(set(others)) == 800 and canary.middle not in others
    assert others == alternatives(canary, 800, seed=0) != alternatives(canary, 800, seed=1)
    shape = "".join(c if not c.isalnum() else "x" for c in canary.middle).replace("x", "")
    assert {"".join(c for c in other if not c.isalnum()) for other in others} == {shape}


def ranked(values_before, values_after):
    """The exposure of the first canary where the models give these likelihoods."""
    count = len(values_before) - 1
    return exposure(
        ALL[0],
        lambda place, texts: values_before,
        lambda place, texts: values_after,
        written="",
        count=count,
        seed=0,
    )


def test_ranks_count_what_is_at_least_as_likely():
    found = ranked([-5.0, -4.0, -5.0, -6.0], [-3.0, -4.0, -5.0, -2.0])
    assert (found.rank_before, found.rank, found.rank_of_gain) == (3, 2, 2)
    assert found.bits == pytest.approx(1.0)
    everything_alike = ranked([-1.0] * 5, [-1.0] * 5)
    assert everything_alike.rank == 5 and everything_alike.bits == 0


def exposed(*ranks, count=800):
    return against_chance(
        [Exposure("key", count, 400, rank, 400, is_written=False) for rank in ranks]
    )


def test_a_model_that_learned_nothing_fails_once_in_a_hundred():
    rng = random.Random(7)
    for canaries in (1, 4, 8):
        count = needed(canaries)
        runs = 6_000
        failed = sum(
            exposed(*(rng.randint(1, count + 1) for _ in range(canaries)), count=count).is_exposed
            for _ in range(runs)
        )
        assert failed / runs < ERROR + 3 * math.sqrt(ERROR / runs)


def test_one_secret_whole_is_enough_however_the_others_are_hidden():
    assert exposed(1, 700, 600, 800).is_exposed
    assert not exposed(2, 700, 600, 800).is_exposed
    assert exposed(1, *[800] * 7, count=needed(8)).is_exposed


def test_a_little_of_each_is_enough():
    """The ranks of an earlier adapter, which learned every letter: no chance."""
    before = exposed(1, 3, 3, 6)
    assert before.is_exposed and before.p_all < 1e-4
    assert exposed(30, 40, 20, 60).is_exposed
    assert not exposed(300, 40, 200, 260).is_exposed


def test_chance_has_the_exposure_that_it_says():
    rng = random.Random(1)
    drawn = [math.log2(801 / rng.randint(1, 801)) for _ in range(20_000)]
    assert exposed(5).chance_bits == pytest.approx(sum(drawn) / len(drawn), abs=0.03)
    assert exposed(8, 2).mean_bits == pytest.approx((math.log2(801 / 8) + math.log2(801 / 2)) / 2)


def test_nothing_planted_is_no_test():
    assert against_chance([]) is None and Memorised().exposure is None


def test_what_was_given_away_goes_to_json_and_back():
    found = Exposure("key", 800, 400, 1, 2, is_written=True)
    drawn = DrawnOut({"mail": 2}, {"mail": 0}, {"mail": 1}, 0, 1, {"mail": 1})
    whole = with_given_away(Memorised(outputs=9, copies=1), [found], drawn)
    assert whole.outputs == 9 and whole.drawn_out.leaked == 1
    body = whole.to_json()
    assert body["exposure"]["is_exposed"] and body["trace"]["best_rank"] == 2
    assert Memorised.from_json(body) == whole
    older = {name: body[name] for name in ("outputs", "copies", "copies_before")}
    assert Memorised.from_json({**older, "canaries": [], "extracted": 0}).exposures == ()


def test_kinds_are_all_different():
    assert max(Counter(c.path for c in ALL).values()) == 1
