"""Figures of the acceptance log: shares with their intervals, by retrieval, adapter and kind."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from homespun.server.acceptance.log import Record, Recorded, read
from homespun.server.acceptance.reliability import reliability
from homespun.server.acceptance.survival import HORIZONS_SECONDS
from homespun.stats import wilson

STOOD_MS = 750  # a shorter look is none; the limit of Cody's published acceptance rate
MOSTLY = 0.33  # edit distance of what is "mostly unchanged" (Ziegler et al. 2022)
MAX_DAYS = 36_500
HORIZON_NAMES = ("30 s", "2 min", "10 min")
_NOTHING = "nothing is recorded yet: a suggestion is written down a minute after it has gone"

_Split = tuple[str, Callable[[Record], str]]
_SPLITS: tuple[_Split, ...] = (
    ("retrieval", lambda record: "with sources" if record.sources else "without sources"),
    ("adapter", lambda record: record.adapter),
    ("kind", lambda record: record.kind),
)


def figures(
    directory: Path | None = None, *, since_days: float | None = None, pending: int = 0
) -> dict[str, object]:
    """Read the log and count; JSON. `pending` suggestions are not written down yet."""
    since = ""
    if since_days is not None:
        first = datetime.now(UTC) - timedelta(days=since_days)
        since = first.strftime("%Y-%m-%dT%H:%M:%SZ")
    return counted(read(directory, since=since)) | {"since_days": since_days, "pending": pending}


def counted(recorded: Recorded) -> dict[str, object]:
    """Count records, all of them and by group."""
    records = recorded.records
    groups = [group("all", "all", records)]
    for name, of in _SPLITS:
        by_value: dict[str, list[Record]] = {}
        for record in records:
            by_value.setdefault(of(record), []).append(record)
        groups += [group(name, value, of_value) for value, of_value in sorted(by_value.items())]
    return {
        "message": _sentence(groups[0]) if records else _NOTHING,
        "first": records[0].time if records else None,
        "last": records[-1].time if records else None,
        "broken_lines": recorded.broken,
        "unread_bytes": recorded.unread_bytes,
        "horizons_s": list(HORIZONS_SECONDS),
        "groups": groups,
        "reliability": reliability(records),
    }


def group(by: str, value: str, records: Sequence[Record]) -> dict[str, object]:
    """Count the records of one group."""
    seen = [record for record in records if record.stood_ms >= STOOD_MS or _is_taken(record)]
    taken = [record for record in records if _is_taken(record)]
    in_full = [record for record in taken if record.outcome == "accepted"]
    return {
        "by": by,
        "value": value,
        "shown": len(records),
        "accepted": share(len(taken), len(records)),
        "in_full": share(len(in_full), len(records)),
        "in_part": share(len(taken) - len(in_full), len(records)),
        "typed": share(sum(record.outcome == "typed" for record in records), len(records)),
        "accepted_of_seen": share(len(taken), len(seen)),
        "steps": {
            name: sum(record.steps.count(name) for record in taken)
            for name in ("word", "line", "rest", "all")
        },
        "chars": {
            "suggested": sum(record.chars for record in records),
            "accepted": sum(record.accepted for record in taken),
        },
        "kept": [_kept(name, index, taken) for index, name in enumerate(HORIZON_NAMES)],
        "median_ms": statistics.median(r.ms for r in records) if records else None,
    }


def share(hits: int, count: int) -> dict[str, object]:
    """Return a share with its 95 % interval; nulls where nothing was counted."""
    if not count:
        return {"hits": 0, "of": 0, "share": None, "low": None, "high": None}
    low, high = wilson(hits, count)
    return {
        "hits": hits,
        "of": count,
        "share": round(hits / count, 4),
        "low": round(low, 4),
        "high": round(high, 4),
    }


def _is_taken(record: Record) -> bool:
    return record.outcome in ("partial", "accepted")


def _kept(name: str, index: int, taken: Iterable[Record]) -> dict[str, object]:
    """Count what stood after a horizon, of what was followed for so long."""
    known = []
    for record in taken:
        kept, changed = _at(record.kept, index), _at(record.changed, index)
        if kept is not None and changed is not None:
            known.append((record.accepted, kept, changed))
    accepted = sum(chars for chars, _, _ in known)
    retained = sum(chars * kept for chars, kept, _ in known)
    return {
        "after": name,
        "unchanged": share(sum(changed == 0 for _, _, changed in known), len(known)),
        "mostly_unchanged": share(sum(changed <= MOSTLY for _, _, changed in known), len(known)),
        "chars": round(retained / accepted, 4) if accepted else None,
    }


def _at(shares: Sequence[float | None], index: int) -> float | None:
    return shares[index] if index < len(shares) else None


def _sentence(every: dict[str, object]) -> str:
    """Return the figures that matter most, in words."""
    accepted, kept = every["accepted"], every["kept"]
    assert isinstance(accepted, dict) and isinstance(kept, list)
    told = f"{in_words(accepted)} suggestions were accepted in full or in part"
    for each in reversed(kept):
        if each["mostly_unchanged"]["of"]:
            still = in_words(each["mostly_unchanged"])
            return f"{told}; after {each['after']}, {still} were unchanged or nearly so"
    return told


def in_words(counted: dict[str, object]) -> str:
    """Write a share: "30 of 120 (25 %, 18-33 %)"."""
    percents = [_percent(counted[name]) for name in ("share", "low", "high")]
    return "{} of {} ({} %, {}-{} %)".format(counted["hits"], counted["of"], *percents)


def _percent(value: object) -> str:
    return f"{100 * value:.0f}" if isinstance(value, float | int) else "-"
