"""Two arms on the same items: McNemar's exact test and a bootstrap that draws whole clusters.

Items of one commit resemble each other, so the bootstrap draws commits, with all their items, and
not items. The interval is bias-corrected and accelerated (Efron 1987), the acceleration from the
jackknife over clusters.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from homespun.stats import RESAMPLES, Estimate

_LEVEL = (0.025, 0.975)  # the ends of a 95 % interval
_BLOCK = 2_000_000  # drawn counts held at once (16 MB)
_NORMAL = statistics.NormalDist()


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
    if len(sums) == 1:
        return Estimate(mean, -math.inf, math.inf)
    totals, counts = np.array(list(sums.values())), np.array(list(sizes.values()), np.float64)
    draws = _draws(totals, counts, resamples, np.random.default_rng(seed))
    low, high = np.quantile(draws, _levels(draws, mean, totals, counts))
    return Estimate(mean, float(low), float(high))


def _draws(
    totals: npt.NDArray[np.float64],
    counts: npt.NDArray[np.float64],
    resamples: int,
    random: np.random.Generator,
) -> npt.NDArray[np.float64]:
    """Return `(resamples,)` means, each over as many clusters as there are, with repetition."""
    size = len(totals)
    means = np.empty(resamples)
    step = max(1, _BLOCK // size)
    for start in range(0, resamples, step):
        stop = min(start + step, resamples)
        drawn = random.multinomial(size, np.full(size, 1 / size), size=stop - start)
        means[start:stop] = (drawn @ totals) / (drawn @ counts)
    return means


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
