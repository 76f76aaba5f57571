"""Statistics of the measurements: pure functions."""

from __future__ import annotations

import random
import statistics
from collections.abc import Sequence
from typing import TypeVar

from homespun.stats import estimate

_Item = TypeVar("_Item")


def sample(items: Sequence[_Item], count: int, *, seed: int) -> list[_Item]:
    """Draw `count` items without repetition, in their first order; all where there are fewer."""
    if count >= len(items):
        return list(items)
    places = sorted(random.Random(seed).sample(range(len(items)), count))
    return [items[place] for place in places]


def paired_interval(differences: Sequence[float]) -> tuple[float, float]:
    """95 % bootstrap interval of the mean of paired differences."""
    found = estimate([differences])
    return found.low, found.high


def median_ratio(theirs: Sequence[float], ours: Sequence[float]) -> float:
    """Median over rounds of theirs/ours: what a round shares (load, clock) cancels."""
    return statistics.median(a / b for a, b in zip(theirs, ours, strict=True))
