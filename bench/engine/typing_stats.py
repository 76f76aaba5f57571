"""Figures of a typing replay: pure functions over what each keystroke saw."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

SETTLED_MS = 600.0  # a gap from here on is a pause
SEEN_MS = 200.0  # a suggestion that stood there for less is not taken


@dataclass(slots=True)
class Row:
    """One keystroke of one side. Times in milliseconds, `at_ms` from the session's first key."""

    side: str
    session: str
    takes: bool  # the user of this session accepts right suggestions
    kind: str
    at_ms: float
    gap_ms: float  # until the next key
    upcoming_chars: int  # of the line, still to be typed
    answer_ms: float | None = None  # from the key to the answer, None when the next key was faster
    text: str = ""  # on the screen when the next key came
    cached: bool = False
    why: str = ""
    right_chars: int = 0  # of the text
    seen_ms: float = 0.0  # the right text had stood on the screen for so long
    line: int = 0  # of the session's lines
    taken_chars: int = 0  # that this key put in, when it accepted a suggestion

    @property
    def shown(self) -> bool:
        """Whether a suggestion was on the screen before the next key."""
        return bool(self.text)


def figures(rows: Sequence[Row]) -> dict[str, Any]:
    """Return the figures of one side. Shares are between 0 and 1, times in milliseconds."""
    answered = [row for row in rows if row.answer_ms is not None]
    shown = [row for row in answered if row.shown]
    settled = [row for row in rows if row.gap_ms >= SETTLED_MS]
    judged = [row for row in shown if row.upcoming_chars]
    return {
        "keys": len(rows),
        "answered": _share(len(answered), len(rows)),
        "shown": _share(len(shown), len(rows)),
        "latency_ms": _quantiles(row.answer_ms for row in shown),
        "answer_ms": _quantiles(row.answer_ms for row in answered),
        "settled": {
            "keys": len(settled),
            "shown": _share(sum(row.shown for row in settled), len(settled)),
            "latency_ms": _quantiles(row.answer_ms for row in settled if row.shown),
        },
        "until_suggestion_ms": _quantiles(until_suggestion(rows)),
        "cached": _share(sum(row.cached for row in answered), len(answered)),
        "right": _share(sum(row.right_chars > 0 for row in judged), len(judged)),
        "right_of_keys": _share(sum(row.right_chars > 0 for row in judged), len(rows)),
    }


def until_suggestion(rows: Sequence[Row]) -> list[float]:
    """Return, for each key, the time until a suggestion stood on the screen, for it or a later one.

    Nothing is left out because it came too late: this is what one waits. Keys behind the last
    suggestion of a session count as long as they waited in vain.
    """
    waits = []
    for place, row in enumerate(rows):
        end = row.at_ms + row.gap_ms
        for later in rows[place:]:
            if later.session != row.session:
                break
            end = later.at_ms + later.gap_ms
            if later.shown and later.answer_ms is not None:
                end = later.at_ms + later.answer_ms
                break
        waits.append(end - row.at_ms)
    return waits


def saved_chars(rows: Sequence[Row]) -> int:
    """Return the characters that accepted suggestions saved, the accepting key paid."""
    return sum(row.taken_chars - 1 for row in rows if row.kind == "accept")


def could_save_chars(rows: Sequence[Row]) -> int:
    """Return what a user saves who takes, on each line, the first right suggestion that is seen."""
    saved = 0
    done: set[tuple[str, int]] = set()
    for row in rows:
        if (row.session, row.line) not in done and can_take(row):
            done.add((row.session, row.line))
            saved += min(row.right_chars, row.upcoming_chars) - 1
    return saved


def can_take(row: Row) -> bool:
    """Say whether a right suggestion stood there long enough to be taken."""
    return row.right_chars > 1 and row.seen_ms >= SEEN_MS


def _quantiles(values: Iterable[float | None]) -> dict[str, float | None]:
    known = sorted(value for value in values if value is not None)
    return {"p50": quantile(known, 0.5), "p95": quantile(known, 0.95)}


def quantile(ordered: Sequence[float], share: float) -> float | None:
    """Return the smallest value that at least this share of the values does not exceed."""
    if not ordered:
        return None
    return round(ordered[max(math.ceil(share * len(ordered)) - 1, 0)], 2)


def ratio(theirs: float | None, ours: float | None) -> float | None:
    """Return how many times ours goes into theirs; None where one of them is not known."""
    return round(theirs / ours, 2) if theirs is not None and ours else None


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


HEADER = (
    "side",
    "suggestion p50 / p95 ms",
    "until one p50 / p95 ms",
    "after a pause p50 / p95 ms",
    "before the next key",
    "from cache",
    "tokens read a key (reused)",
    "right",
    "saved",
)


def table_rows(report: dict[str, Any]) -> list[tuple[str, ...]]:
    """Return the table of a report, its header first."""
    rows: list[tuple[str, ...]] = [HEADER]
    for name, side in report["sides"].items():
        typed, work = side["typing"], side["work"]
        rows.append(
            (
                name,
                _pair(typed["latency_ms"]),
                _pair(typed["until_suggestion_ms"]),
                _pair(typed["settled"]["latency_ms"]),
                f"{_percent(typed['shown'])} ({_percent(typed['answered'])} answered)",
                _percent(typed["cached"]),
                f"{work['computed_per_key']:.0f} ({_percent(work['reused'])})",
                _percent(typed["right"]),
                f"{_percent(side['could_save'])}; {_percent(side['saved'])} taken",
            )
        )
    return rows


def markdown(rows: Sequence[Sequence[str]]) -> str:
    """Render a table whose first row is the header."""
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([lines[0], "|---|" + "--:|" * (len(rows[0]) - 1), *lines[1:]])


def _pair(values: dict[str, float | None]) -> str:
    return " / ".join("-" if value is None else f"{value:.0f}" for value in values.values())


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share * 100:.0f} %"
