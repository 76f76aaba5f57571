"""Paired statistics against figures that one can compute by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from homespun.stats import cluster_mean, mcnemar, paired


@pytest.mark.parametrize(
    ("wins", "losses", "p", "odds"),
    [
        (0, 0, 1.0, 1.0),
        (1, 0, 1.0, 3.0),
        (5, 0, 2 / 32, 11.0),
        (0, 5, 2 / 32, 1 / 11),
        (8, 2, 2 * (1 + 10 + 45) / 1024, 4.0),
        (3, 3, 1.0, 1.0),
    ],
)
def test_mcnemar_is_the_tail_of_a_fair_coin(wins, losses, p, odds):
    first = [1] * wins + [0] * losses + [1, 0]
    second = [0] * wins + [1] * losses + [1, 0]
    found = mcnemar(first, second)
    assert (found.wins, found.losses, found.count) == (wins, losses, wins + losses)
    assert found.p == pytest.approx(p, abs=1e-12)
    assert found.odds_ratio == pytest.approx(odds)


def test_means_and_difference_are_those_of_the_items():
    found = paired([1, 1, 0, 1], [0, 1, 0, 0], ["a", "a", "b", "c"])
    assert (found.n, found.first, found.second) == (4, 0.75, 0.25)
    assert found.difference.mean == 0.5
    assert found.discordance.wins == 2


def test_without_clusters_the_interval_is_the_normal_one():
    values = np.random.default_rng(1).normal(0.3, 1.0, 400).tolist()
    found = cluster_mean(values, range(400))
    error = np.std(values) / math.sqrt(400)
    assert found.low == pytest.approx(found.mean - 1.96 * error, abs=0.02)
    assert found.high == pytest.approx(found.mean + 1.96 * error, abs=0.02)


def test_items_that_agree_within_their_cluster_count_once():
    values = [float(k % 2) for k in range(20)]
    alone = cluster_mean(values, range(20))
    mixed = cluster_mean([v for v in values for _ in range(10)], [k % 10 for k in range(200)])
    same = cluster_mean([v for v in values for _ in range(10)], [k // 10 for k in range(200)])
    assert same.high - same.low == pytest.approx(alone.high - alone.low, abs=0.03)
    # The other way round each cluster has as many of both, and the mean stands still.
    assert mixed.high - mixed.low == 0.0


def test_a_skewed_sample_has_a_skewed_interval():
    values = [0.0] * 45 + [1.0] * 5
    found = cluster_mean(values, range(50))
    assert found.mean == 0.1
    # The plain percentiles of the draws would be 0.02 and 0.18.
    assert (found.low, found.high) == (pytest.approx(0.04), pytest.approx(0.217, abs=0.005))


def test_the_same_seed_gives_the_same_interval_and_nothing_differs_is_certain():
    values = [0.2, 0.9, 0.4, 0.1]
    assert cluster_mean(values, "abcd") == cluster_mean(values, "abcd")
    found = paired([1, 0, 1], [1, 0, 1], "abc")
    assert (found.difference.low, found.difference.high) == (0.0, 0.0)
    assert not found.is_better and not found.is_worse and found.is_not_inferior(0.02)


def test_one_cluster_says_nothing_about_others():
    found = cluster_mean([1.0, 0.0], ["a", "a"])
    assert (found.mean, found.low, found.high) == (0.5, -math.inf, math.inf)


def test_what_is_no_pair_is_refused():
    with pytest.raises(ValueError, match="2, 1 scores and 2 clusters are no pairs"):
        paired([1, 0], [1], "ab")
    with pytest.raises(ValueError, match="have no mean"):
        cluster_mean([], [])
