"""The paired bootstrap: when a run counts as worse."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest

from homespun.stats import ScoreChange, cluster_ratio, compare, estimate


def scores(values, group="corpus"):
    return {group: {str(number): value for number, value in enumerate(values)}}


def test_equal_scores_are_neither_a_drop_nor_a_gain():
    same = scores([0.2, 0.9, 1.0] * 10)
    compared = compare(same, same)
    assert (compared.difference.mean, compared.difference.low, compared.difference.high) == (
        0,
        0,
        0,
    )
    assert not compared.is_drop and not compared.is_gain
    assert (compared.worse, compared.better, compared.count) == ((), (), 30)


def test_the_same_loss_everywhere_is_a_drop_without_any_doubt():
    compared = compare(scores([0.5] * 20), scores([0.75] * 20))
    assert compared.difference.mean == compared.difference.low == compared.difference.high == -0.25
    assert compared.is_drop and not compared.is_gain


def test_the_same_gain_everywhere_is_a_gain():
    assert compare(scores([0.75] * 20), scores([0.5] * 20)).is_gain


def test_noise_in_both_directions_is_no_drop():
    noise = random.Random(3)
    before = [noise.random() for _ in range(100)]
    after = [value + noise.gauss(-0.001, 0.1) for value in before]
    compared = compare(scores(after), scores(before))
    assert compared.difference.mean < 0.02
    assert compared.difference.low < 0 < compared.difference.high
    assert not compared.is_drop


@pytest.mark.parametrize(("losers", "is_drop"), [(1, False), (2, False), (5, True)])
def test_few_losers_of_a_hundred_may_be_chance_and_five_without_a_winner_are_not(losers, is_drop):
    after = [0.0] * losers + [1.0] * (100 - losers)
    assert compare(scores(after), scores([1.0] * 100)).is_drop is is_drop


def test_every_group_counts_the_same_however_large_it_is():
    large, small = scores([1.0] * 99, "large"), scores([0.0], "small")
    assert estimate([list(large["large"].values()), list(small["small"].values())]).mean == 0.5
    compared = compare(large | scores([0.5], "small"), large | small)
    assert compared.difference.mean == 0.25


def test_the_interval_of_a_mean_is_that_of_the_binomial():
    # 400 throws of a coin: the mean's standard error is .025, so 95 % lie within .049 of .5.
    found = estimate([[0.0, 1.0] * 200])
    assert found.mean == 0.5
    assert found.low == pytest.approx(0.451, abs=0.003)
    assert found.high == pytest.approx(0.549, abs=0.003)


def test_groups_are_resampled_within_themselves():
    # Two groups without any spread: nothing but their order could vary, and it does not count.
    found = estimate([[0.0] * 5, [1.0] * 5])
    assert (found.low, found.high) == (0.5, 0.5)


def test_a_seed_gives_the_same_interval_again():
    source = random.Random(1)
    noise = [source.random() for _ in range(50)]
    assert estimate([noise]) == estimate([noise])
    assert estimate([noise], seed=1) != estimate([noise], seed=2)


def test_more_scores_than_fit_a_block_give_the_same_kind_of_interval():
    found = estimate([[0.0, 1.0] * 700_000], resamples=4)
    assert found.low == pytest.approx(0.5, abs=0.005)


def test_changes_are_listed_with_the_greatest_first():
    compared = compare(scores([0.0, 0.5, 1.0, 0.6]), scores([0.2, 1.0, 0.5, 0.5]))
    assert compared.worse == (
        ScoreChange("corpus", "1", 1.0, 0.5),
        ScoreChange("corpus", "0", 0.2, 0.0),
    )
    assert compared.better == (
        ScoreChange("corpus", "2", 0.5, 1.0),
        ScoreChange("corpus", "3", 0.5, 0.6),
    )


@pytest.mark.parametrize("other", [{"corpus": {"0": 1.0, "2": 1.0}}, {"another": {"0": 1.0}}])
def test_scores_of_different_ids_are_not_compared(other):
    with pytest.raises(ValueError, match="different ids"):
        compare(other, scores([1.0, 1.0]))


@pytest.mark.parametrize("groups", [[], [[]], [[1.0], []]])
def test_a_mean_of_nothing_is_refused(groups):
    with pytest.raises(ValueError, match="at least one"):
        estimate(groups)


def test_clusters_without_a_count_are_drawn_too_and_change_no_ratio():
    totals, counts = np.array([3.0, 1.0, 0.0, 0.0]), np.array([4.0, 4.0, 0.0, 0.0])
    found = cluster_ratio(totals, counts)
    assert found.mean == 0.5
    assert 0.25 <= found.low < 0.5 < found.high <= 0.75


def test_one_cluster_alone_says_nothing_about_others_and_none_has_no_ratio():
    found = cluster_ratio(np.array([3.0, 0.0]), np.array([4.0, 0.0]))
    assert (found.mean, found.low, found.high) == (0.75, -math.inf, math.inf)
    with pytest.raises(ValueError, match="2 clusters without a count have no ratio"):
        cluster_ratio(np.zeros(2), np.zeros(2))
