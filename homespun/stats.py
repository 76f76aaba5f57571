"""How sure is a figure? Intervals of shares, of means and of differences, in one place.

`wilson` is for a share that was counted. `compare` asks whether one run of an evaluation is worse
than another: scores are numbers for ids (a query, a cursor) in groups (a corpus, a package), the
figure is the mean over groups of the mean within each, and resampling draws ids within their group,
because the groups are given and the question is about them. `paired` compares two arms on the same
items: McNemar's exact test and a bootstrap that draws whole clusters, because items of one commit
resemble each other; its interval is bias-corrected and accelerated (Efron 1987), the acceleration
from the jackknife over clusters.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

Scores = Mapping[str, Mapping[str, float]]  # group -> id -> score, higher is better

RESAMPLES = 10_000
_LEVEL = (0.025, 0.975)  # the ends of a 95 % interval
_PLACES = 1_000_000  # drawn places held at once (8 MB)
_COUNTS = 2_000_000  # drawn counts held at once (16 MB)
_NORMAL = statistics.NormalDist()
Z_95 = 1.959963984540054  # standard deviations to either end of a 95 % interval


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean and its 95 % bootstrap interval."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class ScoreChange:
    """One question whose score is not what it was."""

    group: str
    id: str
    before: float
    after: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """What has changed from the earlier scores to the later ones."""

    difference: Estimate  # later minus earlier
    worse: tuple[ScoreChange, ...]  # the greatest drop first
    better: tuple[ScoreChange, ...]  # the greatest gain first
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
        ScoreChange(group, id_, old, new)
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
    step = max(1, _PLACES // len(scores))
    for start in range(0, resamples, step):
        count = min(step, resamples - start)
        places = random.integers(0, len(scores), (count, len(scores)))
        means[start : start + count] = scores[places].mean(axis=1)
    return means


@dataclass(frozen=True, slots=True)
class Discordance:
    """Where two arms differ in a yes or no."""

    wins: int  # only the first arm is right
    losses: int  # only the second
    p: float  # McNemar, exact, two-sided
    odds_ratio: float  # wins to losses; above 1 speaks for the first arm

    @property
    def count(self) -> int:
        """How many pairs differ."""
        return self.wins + self.losses


@dataclass(frozen=True, slots=True)
class Paired:
    """The first arm against the second, over the same items."""

    n: int
    first: float  # mean of the first arm
    second: float
    difference: Estimate  # first minus second; cluster bootstrap, 95 %
    discordance: Discordance | None = None  # of yes-or-no scores

    @property
    def is_better(self) -> bool:
        """Whether the first arm is better beyond chance: the interval lies above zero."""
        return self.difference.low > 0

    @property
    def is_worse(self) -> bool:
        """Whether it is worse beyond chance."""
        return self.difference.high < 0

    def is_not_inferior(self, margin: float) -> bool:
        """Whether the first arm is at most `margin` worse: the interval lies above `-margin`."""
        return self.difference.low > -margin


def paired(
    first: Sequence[float],
    second: Sequence[float],
    clusters: Sequence[Hashable],
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Paired:
    """Compare scores of the same items in the same order; `clusters` names each item's cluster.

    Raises ValueError without items and for different lengths.
    """
    if not first or not len(first) == len(second) == len(clusters):
        raise ValueError(
            f"{len(first)}, {len(second)} scores and {len(clusters)} clusters are no pairs; "
            "give one of each an item, and at least one item"
        )
    differences = [float(a) - float(b) for a, b in zip(first, second, strict=True)]
    is_binary = all(value in (0, 1) for value in (*first, *second))
    return Paired(
        n=len(first),
        first=statistics.fmean(first),
        second=statistics.fmean(second),
        difference=cluster_mean(differences, clusters, resamples=resamples, seed=seed),
        discordance=mcnemar(first, second) if is_binary else None,
    )


def mcnemar(first: Sequence[float], second: Sequence[float]) -> Discordance:
    """Return McNemar's exact test of wins and losses being a fair coin.

    The odds ratio is wins / losses; where one of them is 0, a half is added to both (Haldane).
    """
    wins = sum(1 for a, b in zip(first, second, strict=True) if a > b)
    losses = sum(1 for a, b in zip(first, second, strict=True) if a < b)
    count = wins + losses
    tail = sum(math.comb(count, k) for k in range(min(wins, losses) + 1))
    p = min(1.0, 2 * tail / 2**count)
    spare = 0.0 if wins and losses else 0.5
    return Discordance(wins, losses, p, (wins + spare) / (losses + spare))


def cluster_mean(
    values: Sequence[float],
    clusters: Sequence[Hashable],
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Estimate:
    """Return the mean of all values and its 95 % interval when whole clusters are drawn.

    With one cluster nothing can be said about others: the interval is without bounds.
    """
    if not values or len(values) != len(clusters):
        raise ValueError(f"{len(values)} values in {len(clusters)} clusters have no mean")
    sums: dict[Hashable, float] = {}
    sizes: dict[Hashable, int] = {}
    for value, cluster in zip(values, clusters, strict=True):
        sums[cluster] = sums.get(cluster, 0.0) + value
        sizes[cluster] = sizes.get(cluster, 0) + 1
    mean = math.fsum(values) / len(values)
    totals, counts = np.array(list(sums.values())), np.array(list(sizes.values()), np.float64)
    found = cluster_ratio(totals, counts, resamples=resamples, seed=seed)
    return Estimate(mean, found.low, found.high)


def cluster_ratio(
    totals: npt.NDArray[np.float64],
    counts: npt.NDArray[np.float64],
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Estimate:
    """Return the sum of `totals` by that of `counts`, both `(clusters,)`, and its 95 % interval.

    Whole clusters are drawn, those whose count is 0 too. Where fewer than two have a count nothing
    can be said about others: the interval is without bounds. Raises ValueError where none has.
    """
    counted = int(np.count_nonzero(counts))
    if not counted:
        raise ValueError(f"{len(counts)} clusters without a count have no ratio")
    ratio = float(totals.sum() / counts.sum())
    if counted == 1:
        return Estimate(ratio, -math.inf, math.inf)
    draws = _draws(totals, counts, resamples, seed)
    draws = draws[np.isfinite(draws)]  # a draw of none that has a count says nothing
    low, high = np.quantile(draws, _levels(draws, ratio, totals, counts))
    return Estimate(ratio, float(low), float(high))


def _draws(
    totals: npt.NDArray[np.float64],
    counts: npt.NDArray[np.float64],
    resamples: int,
    seed: int,
) -> npt.NDArray[np.float64]:
    """Return `(resamples,)` ratios, each over as many clusters as there are, with repetition."""
    size = len(totals)
    is_small = size * resamples <= _COUNTS
    parts = _kept(size, resamples, seed) if is_small else _drawn(size, resamples, seed)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.concatenate([(drawn @ totals) / (drawn @ counts) for drawn in parts])


@lru_cache(maxsize=4)  # a report has hundreds of means over the same few numbers of clusters
def _kept(size: int, resamples: int, seed: int) -> tuple[npt.NDArray[np.float64], ...]:
    return tuple(_drawn(size, resamples, seed))


def _drawn(size: int, resamples: int, seed: int) -> Iterator[npt.NDArray[np.float64]]:
    """Yield `(some resamples, size)`: how often each cluster is drawn."""
    random = np.random.default_rng(seed)
    step = max(1, _COUNTS // size)
    for start in range(0, resamples, step):
        some = min(step, resamples - start)
        yield random.multinomial(size, np.full(size, 1 / size), size=some).astype(np.float64)


def _levels(
    draws: npt.NDArray[np.float64],
    mean: float,
    totals: npt.NDArray[np.float64],
    counts: npt.NDArray[np.float64],
) -> tuple[float, float]:
    """Return the quantiles of the draws that are the ends of the BCa interval."""
    tolerance = 1e-12
    below = np.mean(draws < mean - tolerance) + np.mean(np.abs(draws - mean) <= tolerance) / 2
    if not 0 < below < 1:
        return _LEVEL
    bias = _NORMAL.inv_cdf(float(below))
    left_out = (totals.sum() - totals) / (counts.sum() - counts)
    spread = left_out.mean() - left_out
    scale = float((spread**2).sum()) ** 1.5
    skew = float((spread**3).sum()) / (6 * scale) if scale > tolerance**3 else 0.0

    def corrected(level: float) -> float:
        shifted = bias + _NORMAL.inv_cdf(level)
        return _NORMAL.cdf(bias + shifted / (1 - skew * shifted))

    return corrected(_LEVEL[0]), corrected(_LEVEL[1])


def wilson(hits: float, count: float) -> tuple[float, float]:
    """Return the 95 % interval of a share (Wilson 1927); (0, 1) where nothing was counted.

    What resembles its neighbours counts as less than one; so numbers need not be whole.
    """
    if not count:
        return 0.0, 1.0
    share, square = hits / count, Z_95 * Z_95
    centre = (share + square / (2 * count)) / (1 + square / count)
    half = Z_95 / (1 + square / count)
    half *= math.sqrt(share * (1 - share) / count + square / (4 * count * count))
    return max(0.0, centre - half), min(1.0, centre + half)
