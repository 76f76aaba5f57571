"""A whole run: the list, the part of it that is ours, the jobs, their outcomes, the report."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from homespun.cli.fleet.engines import FleetEngine
from homespun.cli.fleet.outcomes import (
    OUTCOMES,
    FleetOutcome,
    joined,
    outcome_of,
    outcomes_of,
    write_outcome,
)
from homespun.cli.fleet.report import FleetReport, write_report
from homespun.cli.fleet.repositories import FleetRepository, read_list
from homespun.cli.fleet.shards import WHOLE, FleetShard
from homespun.cli.fleet.states import Action, FleetJob
from homespun.progress import TrainProgress
from homespun.storage import make_private_folder, writing

_REPORT_SECONDS = 10.0  # between two writings of the page while work goes on


@dataclass(frozen=True, slots=True)
class FleetPlan:
    """What is asked of every repository of a list."""

    action: Action
    work: Path
    report: Path
    shard: FleetShard = WHOLE
    publish: str = ""
    what: str = "definitions"
    arguments: tuple[str, ...] = ()
    timeout_seconds: float = 3600.0
    tries: int = 2
    again: bool = False

    def job(self, repository: FleetRepository) -> FleetJob:
        """Return what is to be done with one repository."""
        earlier = outcome_of(self.report, repository.name)
        is_same = (
            earlier is not None
            and earlier.action == self.action
            and earlier.status != "failed"
            and earlier.arguments == self.arguments
        )
        return FleetJob(
            repository,
            *(self.action, self.work, self.publish, self.what, self.arguments),
            timeout_seconds=self.timeout_seconds,
            tries=self.tries,
            again=self.again,
            done_revision=earlier.revision if is_same and earlier is not None else "",
        )


def run_fleet(
    plan: FleetPlan,
    repositories: Sequence[FleetRepository],
    engine: FleetEngine,
    progress: TrainProgress,
) -> FleetReport:
    """Do what is planned for every repository of our shard; keep the report as they end.

    Raises `StorageFull`, and what an engine raises that cannot begin.
    """
    ours = plan.shard.of_list(repositories)
    kept = _Kept(plan, progress)
    with writing(plan.report):
        make_private_folder(plan.work)
        make_private_folder(plan.report / OUTCOMES)  # also of a shard that is empty
    progress.start("repositories", len(ours), "repositories")
    if ours:
        engine([plan.job(one) for one in ours], kept.tell)
    progress.finish()
    return kept.written()


def joined_report(folders: Sequence[Path], names: Sequence[str] | None) -> FleetReport:
    """Join the outcomes of several reports; `names` are those that should be there, if known.

    Raises `Unavailable` where a folder is no report.
    """
    found: list[FleetOutcome] = []
    troubles: list[str] = []
    for folder in folders:
        outcomes, said = outcomes_of(folder)
        found += outcomes
        troubles += said
    outcomes = joined(found)
    if names is None:
        return FleetReport(outcomes, troubles=troubles)
    wanted = set(names)
    left = sorted(wanted - {one.name for one in outcomes})
    return FleetReport([one for one in outcomes if one.name in wanted], left, troubles)


def names_of(path: str | None) -> list[str] | None:
    """Return the names of a list. Raises `UsageError`."""
    return None if path is None else [one.name for one in read_list(Path(path))]


class _Kept:
    """The outcomes so far: a file each at once, the page now and then and at the end."""

    def __init__(
        self,
        plan: FleetPlan,
        progress: TrainProgress,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._plan, self._progress, self._clock = plan, progress, clock
        self._began = self._wrote = clock()
        self._outcomes: list[FleetOutcome] = []

    def tell(self, outcome: FleetOutcome) -> None:
        """Keep an outcome, the last one of its name."""
        outcome = self._with_what_was_known(outcome)
        with writing(self._plan.report):
            write_outcome(self._plan.report, outcome)
        self._outcomes.append(outcome)
        if outcome.status == "failed":
            self._progress.say(f"{outcome.name}: {outcome.why}")
        self._progress.advance(1)
        if self._clock() - self._wrote > _REPORT_SECONDS:
            self.written()

    def written(self) -> FleetReport:
        """Write the report of what has ended so far, and return it."""
        shard = "" if self._plan.shard == WHOLE else str(self._plan.shard)
        self._wrote = self._clock()
        seconds = self._wrote - self._began
        report = FleetReport(joined(self._outcomes), shard=shard, seconds=seconds)
        with writing(self._plan.report):
            write_report(self._plan.report, report)
        return report

    def _with_what_was_known(self, outcome: FleetOutcome) -> FleetOutcome:
        """Let what is unchanged keep what an earlier run has told of that commit."""
        if outcome.status != "unchanged" or outcome.result:
            return outcome
        earlier = outcome_of(self._plan.report, outcome.name)
        if earlier is None or earlier.revision != outcome.revision:
            return outcome
        return replace(outcome, result=earlier.result)
