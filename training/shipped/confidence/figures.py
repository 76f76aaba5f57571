"""How good probabilities are, and what a policy makes of them: pure functions over arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from homespun.server.confidence.choose import COSTS, Costs
from homespun.stats import Estimate
from homespun.training.shipped.confidence.dataset import Cuts, Floats, Longs

_BINS = 10
_DRAWS = 500


def log_loss(likely: Floats, right: Floats, weight: Floats) -> float:
    """Return the mean negative log-likelihood, in nats."""
    clipped = np.clip(likely, 1e-6, 1 - 1e-6)
    losses = -(right * np.log(clipped) + (1 - right) * np.log(1 - clipped))
    return float(np.average(losses, weights=weight))


def area(likely: Floats, right: Floats, weight: Floats) -> float:
    """Return the area under the curve: how often a right one is more likely than a wrong one."""
    order = np.argsort(likely, kind="stable")
    good, bad = (weight * right)[order], (weight * (1 - right))[order]
    _, start = np.unique(likely[order], return_index=True)
    goods, bads = np.add.reduceat(good, start), np.add.reduceat(bad, start)
    below = np.cumsum(bads) - bads
    total = good.sum() * bad.sum()
    return float((goods * (below + bads / 2)).sum() / total) if total else 0.5


@dataclass(frozen=True, slots=True)
class Bin:
    """Suggestions of about the same probability."""

    said: float  # their mean probability
    right: float  # the share of them that is right
    share: float  # of all


def bins(likely: Floats, right: Floats, weight: Floats) -> list[Bin]:
    """Return ten bins of equal weight: the reliability."""
    order = np.argsort(likely, kind="stable")
    mass = np.cumsum(weight[order]) - weight[order] / 2
    place = np.minimum((mass / weight.sum() * _BINS).astype(int), _BINS - 1)
    found = []
    for number in range(_BINS):
        inside = order[place == number]
        if len(inside):
            part = weight[inside]
            said = float(np.average(likely[inside], weights=part))
            is_right = float(np.average(right[inside], weights=part))
            found.append(Bin(said, is_right, float(part.sum() / weight.sum())))
    return found


def calibration_error(found: Sequence[Bin]) -> float:
    """Return the expected calibration error."""
    return sum(abs(each.said - each.right) * each.share for each in found)


def calibration_interval(
    likely: Floats, right: Floats, weight: Floats, packages: Sequence[str]
) -> Estimate:
    """Return the expected calibration error, whole packages being drawn for its interval.

    Of few rows it is never nought, however well calibrated: chance fills the bins unevenly.
    """
    names = np.array(packages)
    places = [np.flatnonzero(names == name) for name in sorted(set(packages))]
    chance = np.random.default_rng(5)
    errors = []
    for _ in range(_DRAWS):
        chosen = np.concatenate(
            [places[each] for each in chance.integers(0, len(places), len(places))]
        )
        errors.append(calibration_error(bins(likely[chosen], right[chosen], weight[chosen])))
    low, high = np.quantile(errors, [0.025, 0.975])
    return Estimate(calibration_error(bins(likely, right, weight)), float(low), float(high))


def error_by_chance(likely: Floats, weight: Floats) -> float:
    """Return the calibration error to expect where every probability is true."""
    chance = np.random.default_rng(5)
    errors = [
        calibration_error(bins(likely, (chance.random(len(likely)) < likely).astype(float), weight))
        for _ in range(_DRAWS)
    ]
    return float(np.mean(errors))


@dataclass(frozen=True, slots=True)
class ShownShares:
    """What a policy shows; shares with intervals by package."""

    right: Estimate  # of the shown
    served: Estimate  # keys behind which a right one stood
    shown: Estimate  # suggestions a key
    chars: float  # of right ones, a key

    def rounded(self) -> dict[str, object]:
        """Return the figures for a report: mean, low, high."""
        shares = {"right": self.right, "served": self.served, "shown": self.shown}
        return {
            **{name: [round(x, 3) for x in (e.mean, e.low, e.high)] for name, e in shares.items()},
            "chars": round(self.chars, 3),
        }


def shown(cuts: Cuts, chosen: Sequence[int]) -> ShownShares:
    """Return the figures of a policy that shows these rows, at most one a key."""
    weight = cuts.key_weight
    is_shown, is_right, chars = (np.zeros(len(weight)) for _ in range(3))
    owner = cuts.owner[chosen]
    is_shown[owner] = 1.0
    is_right[owner] = cuts.right[chosen]
    chars[owner] = cuts.chars[chosen] * cuts.right[chosen]
    return ShownShares(
        right=_share(is_right, is_shown * weight, cuts.key_package),
        served=_share(is_right, weight, cuts.key_package),
        shown=_share(is_shown, weight, cuts.key_package),
        chars=float(np.average(chars, weights=weight)),
    )


def by_the_balanced(cuts: Cuts, likely: Floats) -> tuple[Longs, Floats]:
    """Return the rows (m,) that the balanced show, and how many keys each stands for (m,)."""
    rows = np.array(by_costs(cuts, likely, COSTS["balanced"]), np.int64)
    return rows, cuts.key_weight[cuts.owner[rows]]


def by_costs(cuts: Cuts, likely: Floats, costs: Costs) -> list[int]:
    """Return the rows that `Chooser` shows."""
    cost = costs.glance + costs.reading * cuts.chars
    saving = likely * cuts.chars - (1 - likely) * cost - costs.look
    best: dict[int, int] = {}
    for row, owner in enumerate(cuts.owner.tolist()):
        if owner not in best or saving[row] > saving[best[owner]]:
            best[owner] = row
    return [row for row in best.values() if saving[row] > 0]


def whole(cuts: Cuts) -> list[int]:
    """Return the rows that are shown by the rules alone."""
    return np.flatnonzero(cuts.is_whole).tolist()


def _share(values: Floats, weight: Floats, packages: Sequence[str]) -> Estimate:
    """Return a weighted mean, whole packages being drawn for its interval."""
    names = np.array(packages)
    chance = np.random.default_rng(5)
    sums = {
        name: (float((values * weight)[names == name].sum()), float(weight[names == name].sum()))
        for name in sorted(set(packages))
    }
    pairs = np.array(list(sums.values()))
    total = pairs.sum(axis=0)
    draws = chance.integers(0, len(pairs), (2000, len(pairs)))
    drawn = pairs[draws].sum(axis=1)
    shares = drawn[:, 0] / np.maximum(drawn[:, 1], 1e-9)
    low, high = np.quantile(shares, [0.025, 0.975])
    return Estimate(float(total[0] / max(total[1], 1e-9)), float(low), float(high))
