"""Fits who says how likely a cut is right: a regression, boosted trees, and both, to compare.

What is said of a package comes from a model of the other packages.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from homespun.server.confidence.evidence import FEATURES
from homespun.server.confidence.probability import Calibration
from homespun.training.shipped.confidence import figures
from homespun.training.shipped.confidence.dataset import Booleans, Cuts, Floats

FOLDS = 11
_RIDGE = 3.0
_STEPS, _HALVINGS = 40, 20
_ROUNDS = 6  # of fitting the reading to what is shown by it
_MIN_SHOWN = 50  # fewer say nothing of what is shown
_TREES = 140
# 1: more of it never makes a suggestion less likely; -1: never likelier. Of few packages trees
# would else learn steps that are noise.
_MONOTONE = {
    **dict.fromkeys(("sum", "mean", "least", "first", "sure", "first margin", "least margin"), 1),
    **dict.fromkeys(("first entropy", "most entropy", "mean entropy", "refuted"), -1),
    **dict.fromkeys(("agreed", "same", "names known"), 1),
}
_TREE_SETTINGS: dict[str, Any] = {
    "objective": "binary",
    "learning_rate": 0.06,
    "num_leaves": 12,
    "min_data_in_leaf": 40,
    "lambda_l2": 5.0,
    "feature_fraction": 0.6,
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
    "monotone_constraints": [_MONOTONE.get(name, 0) for name in FEATURES],
    "seed": 21,
    "deterministic": True,
    "num_threads": 1,
    "verbose": -1,
}


class Fitted(Protocol):
    """A model of log-odds."""

    def log_odds(self, rows: Floats) -> Floats:
        """Return the log-odds `(n,)` of rows `(n, len(FEATURES))`."""


@dataclass(frozen=True, slots=True)
class Logistic:
    """A logistic regression on plain features."""

    weights: Floats
    intercept: float

    def log_odds(self, rows: Floats) -> Floats:
        """Return a weighted sum."""
        found: Floats = rows @ self.weights + self.intercept
        return found


@dataclass(frozen=True, slots=True)
class BoostedTrees:
    """Boosted trees of LightGBM."""

    booster: Any

    def log_odds(self, rows: Floats) -> Floats:
        """Return the sum of the trees' leaves."""
        found: Floats = self.booster.predict(rows, raw_score=True)
        return found


@dataclass(frozen=True, slots=True)
class Blend:
    """Both: the regression is right where trees have seen nothing, the trees where it bends."""

    regression: Logistic
    trees: BoostedTrees

    def log_odds(self, rows: Floats) -> Floats:
        """Return the mean of both."""
        found: Floats = (self.regression.log_odds(rows) + self.trees.log_odds(rows)) / 2
        return found


def logistic(cuts: Cuts, chosen: Sequence[int]) -> Logistic:
    """Return the ridge-penalised maximum of the likelihood of some rows (Newton's method).

    A weight of the wrong sign (`_MONOTONE`) is left out, the worst one first, until none is there:
    of features that go together one may come out as if it spoke against what it speaks for, and far
    from what was fitted it alone would decide.
    """
    rows, right, weight = cuts.rows[chosen], cuts.right[chosen], cuts.weight[chosen]
    middle, spread = rows.mean(axis=0), rows.std(axis=0)
    spread[spread < 1e-6] = 1.0  # a feature that is always the same says nothing
    scaled = np.hstack([np.ones((len(rows), 1)), (rows - middle) / spread])
    signs = np.array([0, *(_MONOTONE.get(name, 0) for name in FEATURES)])
    free = np.ones(len(signs), bool)
    found: Floats = np.zeros(len(signs))
    while True:
        penalty = np.diag([0.0, *[_RIDGE] * (int(free.sum()) - 1)])
        found[~free] = 0.0
        found[free] = _newton(
            scaled[:, free], right, weight, penalty=penalty, start=np.zeros(int(free.sum()))
        )
        wrong = signs * found
        if wrong.min() >= 0:
            break
        free[wrong.argmin()] = False
    plain = found[1:] / spread
    return Logistic(plain, float(found[0] - plain @ middle))


def _newton(
    rows: Floats, right: Floats, weight: Floats, *, penalty: Floats, start: Floats
) -> Floats:
    """Return the minimum of a weighted logistic loss; `penalty` pulls towards `start`."""

    def loss(found: Floats) -> float:
        total = rows @ found
        losses = np.logaddexp(0.0, total) - right * total
        return float(weight @ losses + (found - start) @ penalty @ (found - start) / 2)

    found, known = start, loss(start)
    for _ in range(_STEPS):
        odds = _odds(rows @ found)
        gradient = rows.T @ (weight * (right - odds)) - penalty @ (found - start)
        curvature = (rows * (weight * odds * (1 - odds))[:, None]).T @ rows + penalty
        step = np.linalg.solve(curvature, gradient)
        for _ in range(_HALVINGS):  # a whole step may go too far
            if loss(found + step) <= known:
                break
            step = step / 2
        else:
            break
        found = found + step
        known = loss(found)
    return found


def _odds(log_odds: Floats) -> Floats:
    found: Floats = 1 / (1 + np.exp(-np.clip(log_odds, -30, 30)))
    return found


def trees(cuts: Cuts, chosen: Sequence[int]) -> BoostedTrees:
    """Return boosted trees of some rows."""
    import lightgbm

    data = lightgbm.Dataset(cuts.rows[chosen], label=cuts.right[chosen], weight=cuts.weight[chosen])
    return BoostedTrees(lightgbm.train(_TREE_SETTINGS, data, num_boost_round=_TREES))


def blend(cuts: Cuts, chosen: Sequence[int]) -> Blend:
    """Return both of some rows."""
    return Blend(logistic(cuts, chosen), trees(cuts, chosen))


KINDS: dict[str, Callable[[Cuts, Sequence[int]], Fitted]] = {
    "logistic": logistic,
    "trees": trees,
    "blend": blend,
}


def held_out(cuts: Cuts, kind: str) -> Floats:
    """Return log-odds of each row by a model of other packages."""
    package = np.array(cuts.package)
    names = sorted(set(cuts.package))
    found: Floats = np.zeros(len(package))
    for fold in range(min(FOLDS, len(names))):
        is_held = np.isin(package, names[fold::FOLDS])
        model = KINDS[kind](cuts, np.flatnonzero(~is_held).tolist())
        found[is_held] = model.log_odds(cuts.rows[is_held])
    return found


def calibration(log_odds: Floats, right: Floats, weight: Floats) -> Calibration:
    """Return how these log-odds are best read (Platt 1999, by Newton's method)."""
    columns = np.stack([log_odds, np.ones(len(log_odds))], axis=1)
    start: Floats = np.array([1.0, 0.0])
    found = _newton(columns, right, weight, penalty=np.eye(2) * 1e-3, start=start)
    return Calibration(round(float(found[0]), 4), round(float(found[1]), 4))


def reading(cuts: Cuts, log_odds: Floats, inside: Booleans | None = None) -> Calibration:
    """Return how log-odds are to be read for what is said of what is shown to come true.

    Of many cuts that one is shown which promises most, so it is the more often one that promises
    too much (docs/log.md has by how much). So the reading is fitted to what the balanced show by
    it, again until that is what it was fitted to. `inside`: of these rows alone (n,).
    """
    known = np.ones(len(log_odds), bool) if inside is None else inside
    how = calibration(log_odds[known], cuts.right[known], cuts.weight[known])
    for _ in range(_ROUNDS):
        likely = probabilities(log_odds, how)
        shown, weight = figures.by_the_balanced(cuts, likely)
        is_known = known[shown]
        shown, weight = shown[is_known], weight[is_known]
        if len(shown) < _MIN_SHOWN:
            break
        how = calibration(log_odds[shown], cuts.right[shown], weight)
    return how


def read_by_others(cuts: Cuts, log_odds: Floats) -> Floats:
    """Return the probability of each row (n,) by the reading of the other packages."""
    package = np.array(cuts.package)
    found: Floats = np.zeros(len(package))
    for name in sorted(set(cuts.package)):
        is_held = package == name
        found[is_held] = probabilities(log_odds[is_held], reading(cuts, log_odds, ~is_held))
    return found


def probabilities(log_odds: Floats, how: Calibration) -> Floats:
    """Return probabilities."""
    return _odds(how.slope * log_odds + how.intercept)
