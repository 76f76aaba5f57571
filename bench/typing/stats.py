"""Figures of a typing replay: pure functions over what each keystroke saw."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

SETTLED_MS = 600.0  # a gap from here on is a pause
SEEN_MS = 200.0  # a suggestion that stood there for less is not taken
_CARRIED_MS = 100.0  # one that is typed along and back within this has never gone


@dataclass(slots=True)
class KeyResult:
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
    right_chars: int = 0  # of the text, where it or its first line ends with the author's line
    seen_ms: float = 0.0  # what is right had stood on the screen for so long
    line: int = 0  # of the session's lines
    taken_chars: int = 0  # that this key put in, when it accepted a suggestion
    package: str = ""
    language: str = ""
    verdict: str = "nothing"  # "right", "cut", "wrong", "unjudged" or "nothing"
    cut_chars: int = 0  # of the text, up to the last sensible end before the first mistake
    probability: float | None = None  # of the text, where the engine says it

    @property
    def shown(self) -> bool:
        """Whether a suggestion was on the screen before the next key."""
        return bool(self.text)

    @property
    def is_right(self) -> bool:
        """Whether the text is right, though the line may go on behind it, or its first line is."""
        return self.verdict == "right" or self.right_chars > 0


def figures(rows: Sequence[KeyResult]) -> dict[str, Any]:
    """Return the figures of one side. Shares are between 0 and 1, times in milliseconds.

    `until_...` leave no key out because its answer came too late: they count until the next thing
    that did come. `in_time_ms` is only over keys whose suggestion was there before the next key.
    """
    answered = [row for row in rows if row.answer_ms is not None]
    shown = [row for row in answered if row.shown]
    judged = [row for row in shown if row.upcoming_chars]
    waits = until(rows, suggestion=True)
    answers = until(rows, suggestion=False)
    settled = [place for place, row in enumerate(rows) if row.gap_ms >= SETTLED_MS]
    return {
        "keys": len(rows),
        "answered": _share(len(answered), len(rows)),
        "shown": _share(len(shown), len(rows)),
        "until_suggestion_ms": _quantiles(waits),
        "until_answer_ms": _quantiles(answers),
        "until_answer_of_model_ms": _quantiles(
            wait for wait, row in zip(answers, rows, strict=True) if not row.cached
        ),
        "settled_ms": _quantiles(waits[place] for place in settled),
        "settled_keys": len(settled),
        "settled_shown": _share(sum(rows[place].shown for place in settled), len(settled)),
        "in_time_ms": _quantiles(row.answer_ms for row in shown),
        "cached": _share(sum(row.cached for row in answered), len(answered)),
        "right": _share(sum(row.right_chars > 0 for row in judged), len(judged)),
        "right_of_keys": _share(sum(row.right_chars > 0 for row in judged), len(rows)),
    }


def until(rows: Sequence[KeyResult], *, suggestion: bool) -> list[float]:
    """Return for each key the time until an answer to it or to a later key was on the screen.

    With `suggestion` until there was text. Keys behind the last one of a session count as long as
    they waited in vain.
    """
    waits = []
    for place, row in enumerate(rows):
        end = row.at_ms + row.gap_ms
        for later in rows[place:]:
            if later.session != row.session:
                break
            end = later.at_ms + later.gap_ms
            if later.answer_ms is not None and (later.shown or not suggestion):
                end = later.at_ms + later.answer_ms
                break
        waits.append(end - row.at_ms)
    return waits


def saved_chars(rows: Sequence[KeyResult]) -> int:
    """Return the characters that accepted suggestions saved, the accepting key paid."""
    return sum(row.taken_chars - 1 for row in rows if row.kind == "accept")


def could_save_chars(rows: Sequence[KeyResult]) -> int:
    """Return what a user saves who takes, on each line, the first right suggestion that is seen."""
    saved = 0
    done: set[tuple[str, int]] = set()
    for row in rows:
        if (row.session, row.line) not in done and can_take(row):
            done.add((row.session, row.line))
            saved += min(row.right_chars, row.upcoming_chars) - 1
    return saved


def seen_ms(row: KeyResult, before: KeyResult | None) -> float:
    """Return how long what is right of a row has stood there; `before` is the session's last row.

    That one has its own time already.
    """
    if not row.is_right or row.answer_ms is None:
        return 0.0
    if before is not None and before.is_right and row.answer_ms <= _CARRIED_MS:
        return before.seen_ms + row.gap_ms
    return row.gap_ms - row.answer_ms


def can_take(row: KeyResult) -> bool:
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


RATIOS = ("until_suggestion_ms", "until_answer_of_model_ms", "settled_ms", "in_time_ms")


def ratios(theirs: dict[str, Any], ours: dict[str, Any]) -> dict[str, float | None]:
    """Return how many times faster our side is, from two sides' figures."""
    return {
        f"{measure.removesuffix('_ms')} {share}": ratio(
            theirs[measure][share], ours[measure][share]
        )
        for measure in RATIOS
        for share in ("p50", "p95")
    }


HEADER = (
    "side",
    "key to suggestion, p50 / p95 ms",
    "the same before a pause",
    "key to the model's answer",
    "shown before the next key",
    "from cache",
    "tokens read a key (reused)",
    "processor s a key",
    "right",
    "characters saved",
)


def table_rows(report: dict[str, Any]) -> list[tuple[str, ...]]:
    """Return the table of a report, its header first, the ratios last."""
    rows: list[tuple[str, ...]] = [HEADER]
    for name, side in report["sides"].items():
        typed, work = side["typing"], side["work"]
        seconds = work["processor_seconds_per_key"]
        rows.append(
            (
                name,
                _pair(typed["until_suggestion_ms"].values(), 0),
                _pair(typed["settled_ms"].values(), 0),
                _pair(typed["until_answer_of_model_ms"].values(), 0),
                _percent(typed["shown"]),
                _percent(typed["cached"]),
                f"{work['computed_per_key']:.0f} ({_percent(work['reused'])})",
                "-" if seconds is None else f"{seconds:.2f}",
                _percent(typed["right"]),
                f"{_percent(side['could_save'])}; {_percent(side['saved'])} taken",
            )
        )
    for name, ratio_of in report["ratios"].items():
        pairs = [
            _pair((ratio_of[f"{measure} p50"], ratio_of[f"{measure} p95"]), 1)
            for measure in ("until_suggestion", "settled", "until_answer_of_model")
        ]
        rows.append((f"{name}: theirs / ours", *pairs, *[""] * (len(HEADER) - 4)))
    return rows


def markdown(rows: Sequence[Sequence[str]]) -> str:
    """Render a table whose first row is the header."""
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([lines[0], "|---|" + "--:|" * (len(rows[0]) - 1), *lines[1:]])


def _pair(values: Iterable[float | None], digits: int) -> str:
    return " / ".join("-" if value is None else f"{value:.{digits}f}" for value in values)


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share * 100:.0f} %"
