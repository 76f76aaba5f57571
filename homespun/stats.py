"""Is one run of an evaluation worse than another? Paired bootstrap over the same questions.

A score is a number for an id (a query, a cursor), and ids come in groups (a corpus, a package). The
figure is the mean over groups of the mean within each: a group counts the same, however many ids it
has. Resampling draws ids within their group and leaves the groups as they are, because the groups
are given and the question is about them: would other questions to the same corpora say the same?
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Scores = Mapping[str, Mapping[str, float]]  # group -> id -> score, higher is better

RESAMPLES = 10_000
_LEVEL = (0.025, 0.975)  # the ends of a 95 % interval
_BLOCK = 1_000_000  # drawn places held at once (8 MB)


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean and its 95 % bootstrap interval."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Change:
    """One question whose score is not what it was."""

    group: str
    id: str
    before: float
    after: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """What has changed from the earlier scores to the later ones."""

    difference: Estimate  # later minus earlier
    worse: tuple[Change, ...]  # the greatest drop first
    better: tuple[Change, ...]  # the greatest gain first
    count: int  # ids compared

    @property
    def is_drop(self) -> bool:
        """Whether the later scores are worse beyond chance: the whole interval is below zero."""
        return self.difference.high < 0

    @property
    def is_gain(self) -> bool:
        """Whether they are better beyond chance."""
        return self.difference.low > 0


def estimate(
    groups: Sequence[Sequence[float]], *, resamples: int = RESAMPLES, seed: int = 0
) -> Estimate:
    """Return the mean over groups of their means, and its percentile bootstrap interval (95 %).

    Raises `ValueError` where there is no group, or an empty one.
    """
    if not groups or not all(groups):
        raise ValueError("a mean needs at least one group, and every group at least one score")
    random = np.random.default_rng(seed)
    total = np.zeros(resamples)
    for scores in groups:
        total += _resampled_means(np.asarray(scores, np.float64), resamples, random)
    low, high = np.quantile(total / len(groups), _LEVEL)
    mean = statistics.fmean(statistics.fmean(scores) for scores in groups)
    return Estimate(mean, float(low), float(high))


def compare(
    after: Scores, before: Scores, *, resamples: int = RESAMPLES, seed: int = 0
) -> Comparison:
    """Compare scores of the same ids. Raises `ValueError` where the ids differ."""
    if {group: set(ids) for group, ids in after.items()} != {
        group: set(ids) for group, ids in before.items()
    }:
        raise ValueError("scores of different ids cannot be paired")
    pairs = {
        group: [(id_, before[group][id_], after[group][id_]) for id_ in before[group]]
        for group in before
    }
    differences = [[new - old for _, old, new in rows] for rows in pairs.values()]
    changes = [
        Change(group, id_, old, new)
        for group, rows in pairs.items()
        for id_, old, new in rows
        if old != new
    ]
    changes.sort(key=lambda change: change.after - change.before)
    return Comparison(
        difference=estimate(differences, resamples=resamples, seed=seed),
        worse=tuple(change for change in changes if change.after < change.before),
        better=tuple(change for change in reversed(changes) if change.after > change.before),
        count=sum(map(len, differences)),
    )


def _resampled_means(
    scores: npt.NDArray[np.float64], resamples: int, random: np.random.Generator
) -> npt.NDArray[np.float64]:
    """Return `(resamples,)` means of as many scores as there are, drawn with repetition."""
    means = np.empty(resamples)
    step = max(1, _BLOCK // len(scores))
    for start in range(0, resamples, step):
        count = min(step, resamples - start)
        places = random.integers(0, len(scores), (count, len(scores)))
        means[start : start + count] = scores[places].mean(axis=1)
    return means
