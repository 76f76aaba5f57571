"""Samples, intervals and ratios of the measurements."""

from __future__ import annotations

import pytest

from bench.common import stats


def test_a_sample_is_drawn_by_its_seed_and_keeps_the_order():
    drawn = stats.sample(list(range(100)), 10, seed=3)
    assert drawn == sorted(drawn)
    assert len(set(drawn)) == 10
    assert drawn == stats.sample(list(range(100)), 10, seed=3)
    assert drawn != stats.sample(list(range(100)), 10, seed=4)
    assert stats.sample([5, 1], 10, seed=0) == [5, 1]


def test_the_interval_of_equal_differences_is_that_difference():
    assert stats.paired_interval([2.0] * 20) == (2.0, 2.0)


def test_the_interval_of_a_coin_is_that_of_the_binomial():
    low, high = stats.paired_interval([0.0, 1.0] * 200)
    assert (low, high) == pytest.approx((0.451, 0.549), abs=0.006)  # 0.5 -+ 1.96 * 0.5 / 20


def test_a_ratio_is_taken_within_each_round():
    assert stats.median_ratio([10.0, 400.0, 30.0], [5.0, 100.0, 20.0]) == 2.0
