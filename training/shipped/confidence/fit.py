"""Fits who says how likely a cut is right: a logistic regression and boosted trees, to compare.

What is said of a package comes from a model of the other packages.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from homespun.server.confidence.evidence import FEATURES
from homespun.server.confidence.probability import Calibration
from homespun.training.shipped.confidence.dataset import Cuts, Floats

FOLDS = 11
_RIDGE = 3.0
_STEPS, _HALVINGS = 40, 20
_TREES = 140
# More of it never makes a suggestion less likely; -1: less likely. Of few packages trees would
# else learn steps that are noise.
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


def logistic(cuts: Cuts, chosen: Sequence[int]) -> Logistic:
    """Return the ridge-penalised maximum of the likelihood of some rows (Newton's method)."""
    rows, right, weight = cuts.rows[chosen], cuts.right[chosen], cuts.weight[chosen]
    middle, spread = rows.mean(axis=0), rows.std(axis=0)
    spread[spread < 1e-6] = 1.0  # a feature that is always the same says nothing
    scaled = np.hstack([np.ones((len(rows), 1)), (rows - middle) / spread])
    penalty = np.diag([0.0, *[_RIDGE] * rows.shape[1]])
    start: Floats = np.zeros(scaled.shape[1])
    found = _newton(scaled, right, weight, penalty=penalty, start=start)
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


KINDS: dict[str, Callable[[Cuts, Sequence[int]], Fitted]] = {"logistic": logistic, "trees": trees}


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


def calibrated(log_odds: Floats, cuts: Cuts) -> Floats:
    """Return the probability of each row as the calibration of the other packages reads it."""
    package = np.array(cuts.package)
    found: Floats = np.zeros(len(package))
    for name in sorted(set(cuts.package)):
        is_held = package == name
        others = (log_odds[~is_held], cuts.right[~is_held], cuts.weight[~is_held])
        found[is_held] = probabilities(log_odds[is_held], calibration(*others))
    return found


def probabilities(log_odds: Floats, how: Calibration) -> Floats:
    """Return probabilities."""
    return _odds(how.slope * log_odds + how.intercept)
