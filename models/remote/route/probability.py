"""How likely is it that the line of the model here is the one that is wanted? One function.

A logistic regression over what the decoder tells of itself, small enough to be read: each feature
is a line of `_features`, each coefficient one of `probability.json`, which says where they come
from. What takes its place one day (other features, a model of its own) goes behind `probability`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

Place = Literal["statement", "member", "argument", "other"]

_COEFFICIENTS = Path(__file__).with_suffix(".json")
_LEAST = -12.0  # nats; what is less likely is no less right
_BRACKETS = {"(": ")", "[": "]", "{": "}"}


@dataclass(frozen=True, slots=True)
class LineEvidence:
    """What is known of a line that a model wrote; log-probabilities are natural."""

    mean: float  # log-probability of its tokens, an end token's with them
    least: float
    first: float
    tokens: int
    place: Place
    is_block: bool  # it is the first line of one


@dataclass(frozen=True, slots=True)
class _Fitted:
    intercept: float
    weights: dict[str, float]
    threshold: float


def probability(evidence: LineEvidence) -> float:
    """Return the calibrated probability that the line is exactly what its author would write."""
    fitted = _fitted()
    return logistic(fitted.weights, fitted.intercept, features(evidence))


def threshold() -> float:
    """Return the probability below which asking a larger model pays; fitted with the rest."""
    return _fitted().threshold


def evidence_of(logprobs: Sequence[float], *, line: str, is_block: bool) -> LineEvidence:
    """Return the evidence of a line of these tokens, written behind `line` (what stands there).

    Without tokens nothing speaks for it.
    """
    known = [max(each, _LEAST) for each in logprobs] or [_LEAST]
    return LineEvidence(
        mean=math.fsum(known) / len(known),
        least=min(known),
        first=known[0],
        tokens=len(logprobs),
        place=place_of(line),
        is_block=is_block,
    )


def place_of(line: str) -> Place:
    """Return the kind of place behind a line so far; half a word at its end changes nothing."""
    before = line.rstrip()
    while before and (before[-1].isalnum() or before[-1] == "_"):
        before = before[:-1]
    before = before.rstrip()
    if not before:
        return "statement"
    if before.endswith((".", "->", "::")):
        return "member"
    depth = sum(before.count(opening) - before.count(end) for opening, end in _BRACKETS.items())
    return "argument" if depth > 0 else "other"


def features(evidence: LineEvidence) -> dict[str, float]:
    """Return the numbers that the coefficients belong to."""
    return {
        "mean": evidence.mean,
        "least": evidence.least,
        "first": evidence.first,
        "log tokens": math.log1p(evidence.tokens),
        "block": float(evidence.is_block),
        "statement": float(evidence.place == "statement"),
        "member": float(evidence.place == "member"),
        "argument": float(evidence.place == "argument"),
    }


def logistic(weights: dict[str, float], intercept: float, row: dict[str, float]) -> float:
    """Return the logistic function of a weighted sum."""
    total = intercept + math.fsum(weights[name] * value for name, value in row.items())
    return 1 / (1 + math.exp(-max(min(total, 30.0), -30.0)))


@cache
def _fitted() -> _Fitted:
    body = json.loads(_COEFFICIENTS.read_text(encoding="utf-8"))
    return _Fitted(body["intercept"], body["weights"], body["threshold"])
