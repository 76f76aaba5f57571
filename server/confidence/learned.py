"""What a user's own log says of the probabilities: read steeper or flatter, higher or lower.

Two numbers (Platt scaling on top of the shipped calibration), pulled towards changing nothing, so
that a short log changes little. How strongly they are pulled is chosen by cross-validation within
the older four fifths; they are kept only where they say the newest fifth better. They lie in the
user's state, for the model that they were learned with, and nothing leaves the machine.
"""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from homespun.parsing import parse_json
from homespun.paths import state_home
from homespun.server.confidence.probability import Calibration, shipped
from homespun.storage import make_private_folder, read_bounded, write_private

logger = logging.getLogger(__name__)

MIN_SHOWN = 200  # suggestions; fewer say nothing that chance does not
UNCHANGED = Calibration(1.0, 0.0)

_PULLS = (1.0, 10.0, 100.0)  # how many suggestions' worth of doubt stand against a change
_FOLDS = 5
_STEPS, _HALVINGS = 30, 20
_MIN_GAIN = 1e-6  # nats
_NEAREST = 1e-4  # to 0 and to 1: a log-odds must be finite
_MAX_BYTES = 10_000
_SLOPES, _INTERCEPTS = (0.2, 5.0), (-3.0, 3.0)  # what is beyond was learned of something else


@dataclass(frozen=True, slots=True)
class FatedSuggestion:
    """A suggestion that was shown: what was said of it before this log had a say, and its fate."""

    likelihood: float
    is_right: bool


@dataclass(frozen=True, slots=True)
class Recalibration:
    """What a log teaches, and what that changes on its newest fifth (log-losses in nats)."""

    calibration: Calibration
    is_kept: bool
    shown: int
    before: float
    after: float


def learn(seen: Sequence[FatedSuggestion]) -> Recalibration | None:
    """Return what suggestions, the oldest first, teach; None where they are too few."""
    if len(seen) < MIN_SHOWN:
        return None
    newest = len(seen) // 5
    older, held = seen[:-newest], seen[-newest:]
    pull = min(_PULLS, key=lambda pull: _crossed(older, pull))
    found = _fit(older, pull)
    before, after = _loss(held, UNCHANGED), _loss(held, found)
    every = _fit(seen, pull)
    is_kept = after < before and _is_sane(every)
    return Recalibration(
        calibration=every if is_kept else UNCHANGED,
        is_kept=is_kept,
        shown=len(seen),
        before=before,
        after=after,
    )


def recalibrated(likelihood: float, how: Calibration) -> float:
    """Return a probability as the user's log has it."""
    return how.probability(_log_odds(likelihood))


def stored() -> Calibration:
    """Return what was kept for the shipped model, `UNCHANGED` where nothing was or can be read."""
    try:
        said = parse_json(read_bounded(_path(), max_bytes=_MAX_BYTES))
        if said["model"] != shipped().sha256:
            return UNCHANGED
        found = Calibration(float(said["slope"]), float(said["intercept"]))
    except FileNotFoundError:
        return UNCHANGED
    except (OSError, ValueError, KeyError, TypeError) as error:
        logger.warning("what was learned of suggestions cannot be read: %s", error)
        return UNCHANGED
    return found if _is_sane(found) else UNCHANGED


def store(learned: Recalibration) -> None:
    """Write for the user alone what is read from now on. Raises `OSError`."""
    make_private_folder(state_home())
    body = {
        "model": shipped().sha256,
        "slope": round(learned.calibration.slope, 4),
        "intercept": round(learned.calibration.intercept, 4),
        "suggestions": learned.shown,
    }
    write_private(_path(), json.dumps(body) + "\n")


def forget() -> None:
    """Go back to the probabilities as they are shipped."""
    _path().unlink(missing_ok=True)


def _path() -> Path:
    return state_home() / "confidence.json"


def _crossed(seen: Sequence[FatedSuggestion], pull: float) -> float:
    """Return the loss of each part by what the other parts teach."""
    total = 0.0
    for fold in range(_FOLDS):
        others = [each for place, each in enumerate(seen) if place % _FOLDS != fold]
        held = seen[fold::_FOLDS]
        total += _loss(held, _fit(others, pull)) * len(held)
    return total / len(seen)


def _fit(seen: Sequence[FatedSuggestion], pull: float) -> Calibration:
    """Return the penalised maximum of the likelihood, by Newton's method."""
    odds = [_log_odds(each.likelihood) for each in seen]
    right = [float(each.is_right) for each in seen]

    def loss(how: Calibration) -> float:
        distance = (how.slope - 1) ** 2 + how.intercept**2
        return _loss(seen, how) * len(seen) + pull * distance / 2

    found = UNCHANGED
    for _ in range(_STEPS):
        likely = [found.probability(each) for each in odds]
        misses = [truth - each for truth, each in zip(right, likely, strict=True)]
        spread = [each * (1 - each) for each in likely]
        down = math.fsum(m * x for m, x in zip(misses, odds, strict=True))
        gradient = (down - pull * (found.slope - 1), math.fsum(misses) - pull * found.intercept)
        a = math.fsum(s * x * x for s, x in zip(spread, odds, strict=True)) + pull
        b = math.fsum(s * x for s, x in zip(spread, odds, strict=True))
        c = math.fsum(spread) + pull
        scale = a * c - b * b
        slope = (c * gradient[0] - b * gradient[1]) / scale
        intercept = (a * gradient[1] - b * gradient[0]) / scale
        better = _stepped(found, (slope, intercept), loss)
        if better is None:
            break
        found = better
    return found


def _stepped(
    found: Calibration, step: tuple[float, float], loss: Callable[[Calibration], float]
) -> Calibration | None:
    """Return the first of ever smaller steps that makes it better, None where none does."""
    known = loss(found)
    for halving in range(_HALVINGS):
        share = 0.5**halving
        new = Calibration(found.slope + share * step[0], found.intercept + share * step[1])
        if loss(new) < known - _MIN_GAIN:
            return new
    return None


def _loss(seen: Sequence[FatedSuggestion], how: Calibration) -> float:
    """Return the mean negative log-likelihood, in nats."""
    total = 0.0
    for each in seen:
        likely = min(max(recalibrated(each.likelihood, how), _NEAREST), 1 - _NEAREST)
        total -= math.log(likely if each.is_right else 1 - likely)
    return total / len(seen)


def _log_odds(likelihood: float) -> float:
    known = min(max(likelihood, _NEAREST), 1 - _NEAREST)
    return math.log(known / (1 - known))


def _is_sane(how: Calibration) -> bool:
    slope, intercept = _SLOPES, _INTERCEPTS
    is_in_reach = intercept[0] <= how.intercept <= intercept[1]
    return is_in_reach and slope[0] <= how.slope <= slope[1]
