"""Where the repositories of a fleet are worked on: here, some at a time, the largest first."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Protocol

from homespun.cli.fleet.attempt import attempted
from homespun.cli.fleet.clones import clone_folder
from homespun.cli.fleet.outcomes import FleetOutcome
from homespun.cli.fleet.states import FleetJob

Tell = Callable[[FleetOutcome], None]


class FleetEngine(Protocol):
    """Does jobs, in any order, and tells the outcome of each once, on the caller's thread."""

    def __call__(self, jobs: Sequence[FleetJob], tell: Tell) -> None:
        """Return when all have ended."""


def by_size(jobs: Sequence[FleetJob]) -> list[FleetJob]:
    """Return the jobs, the largest first, so that no large one begins when all others are done.

    How large one is is a guess, the size of git's list of its files; what is not here yet counts as
    the largest.
    """
    return sorted(jobs, key=_size, reverse=True)


def on_local(jobs: Sequence[FleetJob], tell: Tell, *, at_once: int) -> None:
    """Do jobs on this machine, `at_once` at a time, a process each.

    The threads only wait for their processes. They are daemons: where the caller is interrupted
    this process ends without them, and theirs end with it (`process.py`).
    """
    waiting: SimpleQueue[FleetJob] = SimpleQueue()
    ended: SimpleQueue[FleetOutcome] = SimpleQueue()
    for job in by_size(jobs):
        waiting.put(job)
    for number in range(min(at_once, len(jobs))):
        name = f"fleet-{number}"
        threading.Thread(target=_work, args=(waiting, ended), name=name, daemon=True).start()
    for _ in jobs:
        tell(ended.get())


def _work(waiting: SimpleQueue[FleetJob], ended: SimpleQueue[FleetOutcome]) -> None:
    while True:
        try:
            job = waiting.get_nowait()
        except Empty:
            return
        ended.put(attempted(job))


def _size(job: FleetJob) -> float:
    remote = clone_folder(job.repository, job.work)
    folder = remote if job.repository.is_remote else Path(job.repository.where)
    try:
        return (folder / ".git" / "index").stat().st_size
    except OSError:
        return float("inf") if job.repository.is_remote else 0.0
