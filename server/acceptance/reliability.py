"""Do suggestions come true as often as was said? By the log, and learned from it."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from homespun.server.acceptance.log import Record, read
from homespun.server.confidence.learned import (
    FatedSuggestion,
    Recalibration,
    forget,
    learn,
    recalibrated,
    store,
)

logger = logging.getLogger(__name__)

_BINS = 5
_DAYS = 90  # what is older was another user's code, or another model
_MAX_SUGGESTIONS = 5_000  # suggestions; some tenths of a second


def seen_in(records: Sequence[Record]) -> list[FatedSuggestion]:
    """Return the suggestions of which was said how likely they are, the oldest first.

    One is right when all of it came to stand there: taken whole, or typed to its end.
    """
    return [
        FatedSuggestion(record.likelihood, is_right(record))
        for record in records
        if record.likelihood is not None
    ][-_MAX_SUGGESTIONS:]


def is_right(record: Record) -> bool:
    """Tell whether a suggestion turned out to be what its user wanted."""
    return record.outcome == "accepted" or record.accepted + record.typed >= record.chars


def reliability(records: Sequence[Record]) -> dict[str, object]:
    """Return what was said and what came true, before and after learning from it; JSON."""
    seen = seen_in(records)
    learned = learn(seen)
    bins = []
    for number in range(_BINS):
        ends = number / _BINS, (number + 1) / _BINS
        inside = [s for s in seen if ends[0] <= s.likelihood < ends[1] + (number == _BINS - 1)]
        if inside:
            bins.append(_bin(inside, learned))
    return {
        "shown": len(seen),
        "bins": bins,
        "learned": None if learned is None else _facts(learned),
    }


def learn_from_log(directory: Path | None = None) -> Recalibration | None:
    """Learn from the last months and keep it where it is better; what fails costs nothing else."""
    began = time.perf_counter()
    first = datetime.now(UTC) - timedelta(days=_DAYS)
    learned = None
    try:
        records = read(directory, since=first.strftime("%Y-%m-%dT%H:%M:%SZ")).records
        learned = learn(seen_in(records))
        if learned is not None and learned.is_kept:
            store(learned)
        else:
            forget()
    except OSError as error:
        logger.warning("what suggestions teach cannot be kept: %s", error)
    logger.debug("learned of the acceptance log in %.2f s", time.perf_counter() - began)
    return learned


def _bin(inside: Sequence[FatedSuggestion], learned: Recalibration | None) -> dict[str, object]:
    said = sum(each.likelihood for each in inside) / len(inside)
    after = None
    if learned is not None:
        changed = [recalibrated(each.likelihood, learned.calibration) for each in inside]
        after = round(sum(changed) / len(changed), 4)
    return {
        "suggestions": len(inside),
        "said": round(said, 4),
        "said_after": after,
        "right": round(sum(each.is_right for each in inside) / len(inside), 4),
    }


def _facts(learned: Recalibration) -> dict[str, object]:
    return {
        "kept": learned.is_kept,
        "slope": round(learned.calibration.slope, 4),
        "intercept": round(learned.calibration.intercept, 4),
        "loss_before": round(learned.before, 4),
        "loss_after": round(learned.after, 4),
    }
