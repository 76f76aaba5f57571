"""One attempt at one repository, wherever it runs: here, in a thread, or in a worker of Ray.

It never raises: what goes wrong is a line of the report. Done again it comes to the same end: a
clone is whole or none, a pack is named by its bytes, and the pointer moves last.
"""

from __future__ import annotations

import json
import secrets
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from homespun.cli.errors import Unavailable
from homespun.cli.fleet.clones import alone, clone_folder
from homespun.cli.fleet.outcomes import FleetOutcome
from homespun.cli.fleet.process import ProcessEnd, run_command
from homespun.cli.fleet.states import FleetJob, Status
from homespun.errors import HomespunError, in_words
from homespun.indexer.packs.public import What
from homespun.indexer.packs.sharing.publish import is_offered
from homespun.indexer.packs.sharing.revision import revision_of
from homespun.indexer.packs.sharing.stores import open_store
from homespun.indexer.scan.clone import clone_at, local_commit, remote_commit

_NOTHING_TO_DO = 3  # exit status of `homespun train --if-stale`
_KEPT = 4  # the same: trained, and what served before serves
_MAX_WHY = 1_000
# Of what `homespun index` and `homespun train` print; the rest stays where they wrote it.
_TOLD = {
    "index": ("files", "chunks", "symbols", "partial", "published"),
    "train": ("run", "adapter", "promoted", "outcome", "verdict", "report", "seconds", "folder"),
}


@dataclass(slots=True)
class _Found:
    """What is known of a repository so far."""

    folder: Path
    revision: str = ""
    attempts: int = 0


def attempted(job: FleetJob) -> FleetOutcome:
    """Do what is to be done; return how it ended."""
    attempt, began = secrets.token_hex(8), time.monotonic()
    found = _Found(clone_folder(job.repository, job.work))
    result: dict[str, Any] = {}
    status: Status = "failed"
    why = ""
    try:
        with alone(job.repository, job.work, patience_seconds=job.timeout_seconds):
            status, result = _done(job, found)
    except HomespunError as error:
        why = str(error)
    except Exception as error:  # one broken repository is a line, never the end of a fleet
        why = f"{type(error).__name__}: {in_words(error)}"
    return FleetOutcome(
        *(job.repository.name, job.action, status, attempt, time.time()),
        seconds=round(time.monotonic() - began, 2),
        attempts=max(found.attempts, 1),
        revision=found.revision,
        why=why[:_MAX_WHY],
        arguments=job.arguments,
        result=result,
    )


def _done(job: FleetJob, found: _Found) -> tuple[Status, dict[str, Any]]:
    if job.repository.is_remote:
        found.revision = remote_commit(
            job.repository.where,
            job.repository.revision,
            outside=job.work,
            patience_seconds=job.timeout_seconds,
        )
        if _is_unchanged(job, found):  # known without a clone
            return "unchanged", {}
        clone_at(
            job.repository.where,
            found.revision,
            found.folder,
            patience_seconds=job.timeout_seconds,
        )
    else:
        found.folder = Path(job.repository.where)
        found.revision = _commit_of(job, found.folder)
        if _is_unchanged(job, found):
            return "unchanged", {}
    return _commanded(job, found)


def _commit_of(job: FleetJob, folder: Path) -> str:
    """Return the commit of a folder; whoever publishes has no changes. Raises `HomespunError`."""
    if not folder.is_dir():
        raise Unavailable(f"{str(folder)!r} is no folder; mend the list")
    commit = local_commit(folder, job.repository.revision)
    return revision_of(folder).commit if job.publish else commit


def _is_unchanged(job: FleetJob, found: _Found) -> bool:
    """Tell whether this very commit was done already."""
    if job.again or not found.revision:
        return False
    if job.action == "train":
        return job.done_revision == found.revision
    if not job.publish:
        return False  # `homespun index` itself sees what has changed
    what = cast(What, job.what)
    store = open_store(job.publish)
    return is_offered(store, job.repository.name, revision=found.revision, what=what)


def _commanded(job: FleetJob, found: _Found) -> tuple[Status, dict[str, Any]]:
    """Run the command, again where it was killed. Raises `Unavailable` where it failed."""
    for _ in range(job.tries):
        found.attempts += 1
        end = run_command(_arguments(job, found.folder), timeout_seconds=job.timeout_seconds)
        if not end.was_killed:
            break
    if end.status is None:
        raise Unavailable(
            f"it did not end within {job.timeout_seconds:.0f} s and was ended (--timeout)"
        )
    if end.was_killed:
        raise Unavailable(
            f"its process was killed {found.attempts} times (signal {-end.status}); is there "
            "memory enough?"
        )
    if job.action == "train" and end.status == _NOTHING_TO_DO:
        return "unchanged", _told(job, end)
    if end.status not in ((0, _KEPT) if job.action == "train" else (0,)):
        raise Unavailable(end.said)
    return "done", _told(job, end)


def _arguments(job: FleetJob, folder: Path) -> list[str]:
    place = str(folder.absolute())
    if job.action == "train":
        return ["train", place, "--json", *_of_training(job, folder)]
    words = ["index", place, "--json", "--wait", *job.arguments]
    if job.publish:
        words += [f"--publish={job.publish}", f"--name={job.repository.name}"]
        words += [f"--publish-what={job.what}"]
    return words


def _of_training(job: FleetJob, folder: Path) -> tuple[str, ...]:
    """Return `--resume` where a training was not finished, else the options of a new one."""
    from homespun.training.errors import RunUnreadable
    from homespun.training.runs import unfinished

    try:
        return ("--resume",) if unfinished(folder) is not None else job.arguments
    except RunUnreadable:
        return job.arguments


def _told(job: FleetJob, end: ProcessEnd) -> dict[str, Any]:
    """Return what of the printed JSON is kept. Raises `Unavailable` where it is none."""
    try:
        body = json.loads(end.printed)
    except ValueError as error:
        raise Unavailable(f"`homespun {job.action}` printed no JSON ({end.said})") from error
    told = {name: body[name] for name in _TOLD[job.action] if name in body}
    if job.action == "train" and isinstance(told.get("verdict"), dict):
        told |= _cost_of(told)
    return told


def _cost_of(told: dict[str, Any]) -> dict[str, Any]:
    """Return what learning took, as the training's own folder says: tokens and minutes."""
    from homespun.parsing import read_json

    try:
        fit = read_json(Path(str(told["folder"])) / "fit.json", max_bytes=10_000_000)
        return {"tokens": sum(int(step["tokens"]) for step in fit["steps"])}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def killed(job: FleetJob, why: str) -> FleetOutcome:
    """Return the outcome of a job whose worker did not come back."""
    return FleetOutcome(
        *(job.repository.name, job.action, "failed", secrets.token_hex(8), time.time()),
        attempts=job.tries,
        why=why[:_MAX_WHY],
        arguments=job.arguments,
    )
