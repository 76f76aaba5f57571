"""What became of a repository: one file a name, written last, by the attempt that it names.

Attempts may be many: a worker is killed, a task is tried again, a driver is started anew. What
counts is the file that stands at the end, and there is one a repository, so nothing is counted
twice; what a broken attempt has left elsewhere nobody reads.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, get_args

from homespun.cli.errors import Unavailable
from homespun.cli.fleet.states import Action, Status
from homespun.errors import in_words
from homespun.indexer.packs.names import is_repo
from homespun.parsing import read_json
from homespun.storage import make_private_folder, write_private

FORMAT = 1
_MAX_OUTCOME_BYTES = 1_000_000
_MAX_OUTCOMES = 100_000
_SUFFIX = ".json"
OUTCOMES = "outcomes"
_MAX_TEXT = 2_000


@dataclass(frozen=True, slots=True)
class FleetOutcome:
    """How the last attempt at a repository ended."""

    name: str
    action: Action
    status: Status
    attempt: str  # who wrote this; hex
    ended: float  # seconds since 1970
    seconds: float = 0.0
    attempts: int = 1  # of this run: more where a process was killed
    revision: str = ""
    why: str = ""  # of a failure, a sentence
    arguments: tuple[str, ...] = ()  # that it was made with: others are another result
    result: dict[str, Any] = field(default_factory=dict)  # what the command itself printed of it

    def to_json(self) -> dict[str, Any]:
        """Return it for the file and for `--json`."""
        return {"format": FORMAT, **asdict(self), "arguments": list(self.arguments)}


def write_outcome(report: Path, outcome: FleetOutcome) -> None:
    """Put it in place of the one before, in one step. Raises `OSError`."""
    folder = report / OUTCOMES
    make_private_folder(folder)
    path = folder / f"{outcome.name.replace('/', '+')}{_SUFFIX}"
    write_private(path, json.dumps(outcome.to_json(), indent=1), durable=True)


def outcome_of(report: Path, name: str) -> FleetOutcome | None:
    """Return the outcome of a repository; None where there is none that can be believed."""
    try:
        return _read(report / OUTCOMES / f"{name.replace('/', '+')}{_SUFFIX}")
    except (OSError, ValueError, KeyError, TypeError):
        return None


def outcomes_of(report: Path) -> tuple[list[FleetOutcome], list[str]]:
    """Return all outcomes in a report's folder, and a sentence on each file that is none.

    Raises `Unavailable` where the folder is no report.
    """
    folder = report / OUTCOMES
    if not folder.is_dir():
        raise Unavailable(f"{str(report)!r} is no report of a fleet: it has no folder {OUTCOMES!r}")
    found, troubles = [], []
    for path in sorted(folder.glob(f"*{_SUFFIX}"))[:_MAX_OUTCOMES]:
        if path.name.startswith("."):
            continue  # a draft of one that is being written
        try:
            found.append(_read(path))
        except (OSError, ValueError, KeyError, TypeError) as error:
            said = f"{error} is missing" if isinstance(error, KeyError) else in_words(error)
            troubles.append(f"{str(path)!r} is no outcome ({said}), so it is left out")
    return found, troubles


def joined(outcomes: Iterable[FleetOutcome]) -> list[FleetOutcome]:
    """Return one outcome a name, the last one, in the order of the names."""
    last: dict[str, FleetOutcome] = {}
    for one in sorted(outcomes, key=lambda one: (one.ended, one.attempt)):
        last[one.name] = one
    return [last[name] for name in sorted(last)]


def _read(path: Path) -> FleetOutcome:
    body = read_json(path, max_bytes=_MAX_OUTCOME_BYTES)
    if body["format"] != FORMAT:
        raise ValueError("it is of another version")
    outcome = FleetOutcome(
        name=_text(body["name"]),
        action=body["action"],
        status=body["status"],
        attempt=_text(body["attempt"]),
        ended=_number(body["ended"]),
        seconds=_number(body["seconds"]),
        attempts=int(_number(body["attempts"])),
        revision=_text(body["revision"]),
        why=_text(body["why"]),
        arguments=tuple(_text(each) for each in body["arguments"]),
        result=body["result"],
    )
    if not is_repo(outcome.name) or path.stem != outcome.name.replace("/", "+"):
        raise ValueError("it is of another repository")
    if outcome.action not in get_args(Action) or outcome.status not in get_args(Status):
        raise ValueError("its state is none")
    if not isinstance(outcome.result, dict):
        raise ValueError("its result is none")
    return outcome


def _text(value: object) -> str:
    if not isinstance(value, str) or len(value) > _MAX_TEXT:
        raise ValueError("a text in it is none")
    return value


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError("a number in it is none")
    return float(value)
