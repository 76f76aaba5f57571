"""The gate on adapters whose truth is known, with fewer draws than the bench and honest bounds."""

from __future__ import annotations

import numpy as np
import pytest

from bench.gate.adapters import GOOD, HALF_AS_GOOD, HARMFUL, NOTHING, measured, outcomes
from bench.gate.simulate import tried
from homespun.training.gate.margins import FORM, places_needed

ENOUGH = places_needed(), FORM.places


def test_adapters_that_do_nothing_are_not_let_through():
    # True share below 1.5 %: of 120 more than 7 pass once in ten thousand.
    assert tried(NOTHING, *ENOUGH, 120).outcomes["promote"] <= 7


@pytest.mark.parametrize("adapter", HARMFUL, ids=lambda adapter: adapter.name)
def test_adapters_that_harm_are_not_let_through(adapter):
    # True shares below 1 %: of 12 more than one passes once in a hundred and fifty, at the worst.
    assert tried(adapter, *ENOUGH, 12).outcomes["promote"] <= 1


@pytest.mark.parametrize("adapter", GOOD, ids=lambda adapter: adapter.name)
def test_adapters_like_the_measured_ones_are_let_through(adapter):
    # True shares above 85 %: of 40 fewer than 24 pass once in a hundred thousand.
    assert tried(adapter, *ENOUGH, 40).outcomes["promote"] >= 24


@pytest.mark.parametrize("adapter", [*GOOD[:1], HALF_AS_GOOD], ids=lambda adapter: adapter.name)
def test_no_exam_ends_early_of_an_adapter_that_would_pass(adapter):
    assert tried(adapter, *ENOUGH, 40).short_wrongly == 0


def test_most_exams_of_what_does_nothing_end_behind_the_habits():
    assert tried(NOTHING, *ENOUGH, 40).short > 30


def test_with_too_few_places_the_gate_says_so_and_lets_fewer_through():
    few = tried(GOOD[0], 300, 150, 30)
    assert few.outcomes["promote"] < 15
    assert few.outcomes["insufficient data"] > 15


def test_an_adapter_that_does_nothing_differs_as_often_as_a_measured_one_and_in_no_direction():
    rng = np.random.default_rng(1)
    drawn = [outcomes(NOTHING, 1_250, 600, rng).measures["exact_line"] for _ in range(40)]
    changes = np.concatenate([pairs[:, 1] - pairs[:, 0] for pairs in drawn])
    known = measured().measures["exact_line"]
    assert abs(changes.mean()) < 0.005
    assert np.count_nonzero(changes) / len(changes) == pytest.approx(
        np.count_nonzero(known[:, 1] - known[:, 0]) / len(known), abs=0.01
    )
