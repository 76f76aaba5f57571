"""Fits the coefficients of `models/remote/route/probability.json`, and a threshold.

The same features that are served, from the same functions. Logistic regression with a small ridge
on standardised features (Newton's method); what is reported of a package comes from coefficients
and a threshold of the other packages.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bench.completion.router.ask import PlaceAnswer
from homespun.models.remote.evidence import first_line_tokens
from homespun.models.remote.route.probability import (
    LineEvidence,
    evidence_of,
    features,
    logistic,
)
from homespun.models.types import Tokenizer

MOST_ESCALATED = 0.40  # of the places
_RIDGE = 2.0
_STEPS = 50
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class RoutedPlace:
    """Both answers to one place, and what the router knows of the small model's."""

    small: PlaceAnswer
    large: PlaceAnswer
    evidence: LineEvidence


@dataclass(frozen=True, slots=True)
class Coefficients:
    """A logistic regression."""

    intercept: float
    weights: dict[str, float]

    def probability(self, place: RoutedPlace) -> float:
        """Return how likely the small model's line is right."""
        return logistic(self.weights, self.intercept, features(place.evidence))


def paired(answers: Sequence[PlaceAnswer], tokenizer: Tokenizer) -> list[RoutedPlace]:
    """Return the places that both models were asked at."""
    by_role = {role: {a.place: a for a in answers if a.role == role} for role in ("small", "large")}
    return [
        RoutedPlace(small, by_role["large"][place], evidence_at(small, tokenizer))
        for place, small in by_role["small"].items()
        if place in by_role["large"]
    ]


def evidence_at(answer: PlaceAnswer, tokenizer: Tokenizer) -> LineEvidence:
    """Return what the router would have known."""
    logprobs = answer.token_logprobs
    if answer.is_block:
        # Nothing but white space stands before a body, so what heals it is none of its text.
        logprobs = logprobs[: first_line_tokens(answer.token_ids, "", tokenizer)]
    return evidence_of(logprobs, line=answer.typed, is_block=answer.is_block)


def fit(places: Sequence[RoutedPlace]) -> Coefficients:
    """Return the coefficients of the ridge-penalised maximum of the likelihood."""
    names = list(features(places[0].evidence))
    rows: Floats = np.array([[features(p.evidence)[name] for name in names] for p in places])
    right: Floats = np.array([float(p.small.is_exact) for p in places])
    middle, spread = rows.mean(axis=0), rows.std(axis=0) + 1e-9
    scaled = np.hstack([np.ones((len(rows), 1)), (rows - middle) / spread])
    penalty = np.diag([0.0, *[_RIDGE] * len(names)])
    weights: Floats = np.zeros(scaled.shape[1])
    for _ in range(_STEPS):
        odds = 1 / (1 + np.exp(-scaled @ weights))
        gradient = scaled.T @ (right - odds) - penalty @ weights
        curvature = (scaled * (odds * (1 - odds))[:, None]).T @ scaled + penalty
        weights = weights + np.linalg.solve(curvature, gradient)
    raw = weights[1:] / spread
    by_name = {name: round(float(value), 4) for name, value in zip(names, raw, strict=True)}
    return Coefficients(round(float(weights[0] - raw @ middle), 4), by_name)


def threshold_for(likely: Sequence[float]) -> float:
    """Return the probability below which `MOST_ESCALATED` of these places lie.

    Of a share that is paid for, the lines least likely right are the ones to give away, whatever
    answers instead; a threshold fitted to what one server gains would hold for that server alone.
    """
    return round(float(np.quantile(np.array(likely), MOST_ESCALATED)), 3)


@dataclass(frozen=True, slots=True)
class HeldOut:
    """What other packages' coefficients and threshold say of each place."""

    likely: list[float]
    thresholds: list[float]

    @property
    def escalated(self) -> list[bool]:
        """Whether each place is escalated."""
        return [p < t for p, t in zip(self.likely, self.thresholds, strict=True)]


def held_out(places: Sequence[RoutedPlace]) -> HeldOut:
    """Judge each package by what was fitted on the others."""
    likely, thresholds = [0.0] * len(places), [0.0] * len(places)
    for package in sorted({place.small.package for place in places}):
        others = [place for place in places if place.small.package != package]
        fitted = fit(others)
        threshold = threshold_for([fitted.probability(place) for place in others])
        for number, place in enumerate(places):
            if place.small.package == package:
                likely[number], thresholds[number] = fitted.probability(place), threshold
    return HeldOut(likely, thresholds)
