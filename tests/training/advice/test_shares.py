"""A share, and the interval that a handful of places leaves it."""

from __future__ import annotations

import pytest

from homespun.training.advice.shares import share_of


def hits(count, of, per_commit=1):
    return [(n < count, n // per_commit) for n in range(of)]


def test_none_of_a_few_is_not_none_at_all():
    found = share_of(hits(0, 20))
    assert (found.value, found.low) == (0.0, 0.0)
    assert found.high == pytest.approx(0.161, abs=0.001)


def test_places_of_one_commit_count_as_fewer():
    alone, together = share_of(hits(10, 40)), share_of(hits(10, 40, per_commit=8))
    assert alone.value == together.value == 0.25
    assert together.low < alone.low and together.high > alone.high


def test_nothing_counted_leaves_everything_open():
    found = share_of([])
    assert (found.low, found.high, found.is_known) == (0.0, 1.0, False)
    assert str(found) == "none to count"


def test_it_is_said_with_its_interval_and_kept_with_its_counts():
    found = share_of(hits(12, 60))
    assert str(found) == "20 % [12, 32]"
    assert found.to_json() == {
        "share": 0.2,
        "count": 12,
        "of": 60,
        "low": 0.1183,
        "high": 0.3178,
    }
