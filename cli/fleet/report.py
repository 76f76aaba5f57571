"""What became of a fleet, on one page and as JSON: a row a repository, trouble first.

The page is of the same few elements as a training's, no script runs in it and nothing is fetched;
all text of repositories is escaped.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

from homespun.cli.fleet.outcomes import FleetOutcome
from homespun.indexer.packs.names import REVISION_CHARS
from homespun.showable import showable_line
from homespun.storage import make_private_folder, write_private

PAGE = "fleet.html"
JSON = "fleet.json"
_STATES = ("failed", "missing", "done", "unchanged")  # the order of the page
_GAIN = "house form in what is written"  # the gate's only test of being better
_MAX_TOLD = 300
_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


@dataclass(frozen=True, slots=True)
class FleetReport:
    """The outcomes of a list, or of several shards of it."""

    outcomes: Sequence[FleetOutcome]  # in the order of the names
    missing: Sequence[str] = ()  # names of the list that have none
    troubles: Sequence[str] = ()
    shard: str = ""
    seconds: float = 0.0  # of the whole run, 0 where several are joined
    made: float = field(default_factory=time.time)

    @property
    def counts(self) -> dict[str, int]:
        """How many ended how."""
        found = dict.fromkeys(("done", "unchanged", "failed"), 0)
        for one in self.outcomes:
            found[one.status] += 1
        return found | {"missing": len(self.missing)}

    @property
    def is_well(self) -> bool:
        """Whether every repository of the list is done."""
        counts = self.counts
        return not counts["failed"] and not counts["missing"]

    @property
    def sentence(self) -> str:
        """The counts, for a person."""
        told = [f"{count} {state}" for state, count in self.counts.items() if count]
        return f"{len(self.outcomes) + len(self.missing)} repositories: {', '.join(told)}"

    def to_json(self) -> dict[str, Any]:
        """Return what `--json` prints."""
        return {
            "counts": self.counts,
            "shard": self.shard,
            "seconds": round(self.seconds, 1),
            "made": round(self.made, 1),
            "missing": list(self.missing),
            "troubles": list(self.troubles),
            "repositories": [one.to_json() for one in self.outcomes],
        }

    def rows(self) -> list[dict[str, str]]:
        """Return a row a repository as texts, what wants a person first."""
        rows = [_row(one, self.made) for one in self.outcomes]
        rows += [{"name": name, "status": "missing", "why": "no outcome"} for name in self.missing]
        return sorted(rows, key=lambda row: (_STATES.index(row["status"]), row["name"]))


def write_report(folder: Path, report: FleetReport) -> None:
    """Write the page and the JSON, each in one step. Raises `OSError`."""
    from homespun.training.report.html import filled

    make_private_folder(folder)
    write_private(folder / JSON, json.dumps(report.to_json(), indent=1) + "\n")
    rows = [{**_EMPTY, **row} for row in report.rows()]
    made = datetime.fromtimestamp(report.made).astimezone().isoformat(" ", "minutes")
    is_training = any(one.action == "train" for one in report.outcomes)
    style = files("homespun.training.report") / "templates" / "style.css"
    view = {"report": report, "rows": rows, "made": made, "is_training": is_training}
    view["style"] = style.read_text(encoding="utf-8")
    write_private(folder / PAGE, filled("fleet.html.j2", view, package=__package__))


def lines(report: FleetReport) -> list[str]:
    """Return the report for a terminal: trouble, then what was done, then the counts."""
    told = []
    for row in report.rows():
        said = row.get("why") or row.get("headline") or row.get("told", "")
        if row["status"] != "unchanged":
            told.append(f"{row['status']:<9}  {row['name']}  {showable_line(said)}".rstrip())
    return [*told, report.sentence]


def age_of(seconds: float) -> str:
    """Return an age in its largest unit, e.g. "3 d"."""
    seconds = max(seconds, 0.0)
    size, unit = next(((size, unit) for size, unit in _UNITS if seconds >= size), (1, "s"))
    return f"{seconds / size:.0f} {unit}"


_EMPTY = dict.fromkeys(
    "name status why revision age minutes attempts told headline verdict gain tokens".split(), ""
)


def _row(one: FleetOutcome, now: float) -> dict[str, str]:
    row = {
        "name": one.name,
        "status": one.status,
        "why": one.why[:_MAX_TOLD],
        "revision": one.revision[:REVISION_CHARS],
        "age": age_of(now - one.ended),
        "minutes": f"{one.seconds / 60:.1f}",
        "attempts": str(one.attempts) if one.attempts > 1 else "",
    }
    return row | (_of_training(one) if one.action == "train" else _of_index(one))


def _of_index(one: FleetOutcome) -> dict[str, str]:
    published = _table(one.result.get("published"))
    told = [f"{one.result[what]} {what}" for what in ("files", "chunks") if what in one.result]
    if published:
        told.append(f"{published.get('rows')} rows offered")
    return {"told": ", ".join(told)[:_MAX_TOLD]}


def _of_training(one: FleetOutcome) -> dict[str, str]:
    verdict = _table(one.result.get("verdict"))
    conditions = verdict.get("conditions")
    named = [_table(each) for each in conditions] if isinstance(conditions, list | tuple) else []
    gain = next((each.get("found", "") for each in named if each.get("name") == _GAIN), "")
    tokens = one.result.get("tokens")
    return {
        "verdict": "serves"
        if one.result.get("promoted") is True
        else str(verdict.get("outcome", "")),
        "headline": str(verdict.get("headline") or one.result.get("outcome") or "")[:_MAX_TOLD],
        "gain": str(gain)[:_MAX_TOLD],
        "tokens": f"{tokens:,}" if isinstance(tokens, int) else "",
    }


def _table(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
