"""Statistics of the measurements: pure functions."""

from __future__ import annotations

import random
import statistics
from collections.abc import Sequence
from typing import TypeVar

import numpy as np

_Item = TypeVar("_Item")


def sample(items: Sequence[_Item], count: int, *, seed: int) -> list[_Item]:
    """Draw `count` items without repetition, in their first order; all where there are fewer."""
    if count >= len(items):
        return list(items)
    places = sorted(random.Random(seed).sample(range(len(items)), count))
    return [items[place] for place in places]


def paired_interval(
    differences: Sequence[float], *, resamples: int = 4000, seed: int = 0
) -> tuple[float, float]:
    """95 % bootstrap interval of the mean of paired differences."""
    values = np.asarray(differences, np.float64)
    random_places = np.random.default_rng(seed)
    means = [
        values[random_places.integers(0, len(values), len(values))].mean() for _ in range(resamples)
    ]
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)


def median_ratio(theirs: Sequence[float], ours: Sequence[float]) -> float:
    """Median over rounds of theirs/ours: what a round shares (load, clock) cancels."""
    return statistics.median(a / b for a, b in zip(theirs, ours, strict=True))
