"""What both models gave at each place, as columns: all that the gate's intervals are made of.

Column 0 is the model as shipped, column 1 the repository adapter, both with production retrieval.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from homespun.training.evaluation.metrics import Score
from homespun.training.evaluation.report import PRIMARY, CompletionReport, ScoredItem
from homespun.training.safety.forgetting import Infilling

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
MEASURES = ("exact_line", "similarity", "runs_on", "parses", "has_findings", "log_ms")


@dataclass(frozen=True, slots=True)
class WrittenSites:
    """Sites of the house's rules in completions: a row for each place and rule that either has."""

    clusters: Integers  # (rows,) number of the place's cluster
    house: Floats  # (rows, 2) sites in the house's form
    other: Floats  # (rows, 2)
    rules: tuple[str, ...] = ()  # of each row; what the gate says does not depend on it

    @property
    def is_shared(self) -> npt.NDArray[np.bool_]:
        """Return `(rows,)`: whether both models wrote a site of the rule at the place."""
        count = self.house + self.other
        return (count[:, 0] > 0) & (count[:, 1] > 0)

    @property
    def shares(self) -> Floats:
        """Return `(rows, 2)`: the share of house forms; NaN where none was written."""
        count = self.house + self.other
        return np.divide(self.house, count, out=np.full_like(count, np.nan), where=count > 0)

    def by_rule(self) -> Iterator[tuple[str, int, float, float]]:
        """Yield each rule, its shared rows, and the mean share of house forms before and after."""
        rules, shared, shares = np.array(self.rules), self.is_shared, self.shares
        for rule in dict.fromkeys(self.rules):
            rows = shares[shared & (rules == rule)]
            if len(rows):
                before, after = rows.mean(axis=0)
                yield rule, len(rows), float(before), float(after)


@dataclass(frozen=True, slots=True)
class TaskOutcomes:
    """Lines of other people's code."""

    clusters: Integers  # (tasks,) number of the task's function
    exact: Floats  # (tasks, 2)


@dataclass(frozen=True, slots=True)
class PlaceOutcomes:
    """Everything place by place; NaN stands for what was not measured."""

    clusters: Integers  # (places,) number of the commit, without a history of the file
    measures: Mapping[str, Floats]  # each of `MEASURES`, (places, 2)
    sites: WrittenSites | None  # at these places; None: nobody knew the rules of the house
    habits: WrittenSites | None  # where a habit is called for and the document does not show it
    infilling: TaskOutcomes | None

    @property
    def places(self) -> int:
        """How many places both models completed."""
        return len(self.clusters)


def outcomes_of(report: CompletionReport) -> PlaceOutcomes:
    """Return the columns of a report: of the places that both arms of the gate completed."""
    rows, pairs = _compared(report.rows)
    at_habits, habits = _compared(report.habits)
    every = numbered(row.cluster for row in (*rows, *at_habits))
    clusters = every[: len(rows)]
    return PlaceOutcomes(
        clusters=clusters,
        measures={
            name: np.array([[_value(score, name) for score in pair] for pair in pairs]).reshape(
                -1, 2
            )
            for name in MEASURES
        },
        sites=_sites(pairs, clusters),
        habits=_sites(habits, every[len(rows) :]),
        infilling=_tasks(report.infilling),
    )


def sites_of(rows: Iterable[ScoredItem]) -> WrittenSites | None:
    """Return the sites of a report's rows at habits; None where nobody knew the rules."""
    known, pairs = _compared(rows)
    return _sites(pairs, numbered(row.cluster for row in known))


def _compared(rows: Iterable[ScoredItem]) -> tuple[list[ScoredItem], list[tuple[Score, Score]]]:
    """Return the rows that both arms of the gate have, and their scores, before and after."""
    after, before = PRIMARY
    known = [row for row in rows if after in row.scores and before in row.scores]
    return known, [(row.scores[before], row.scores[after]) for row in known]


def numbered(names: Iterable[Hashable]) -> Integers:
    """Return a number for each name, from 0 on, the same for the same."""
    known: dict[Hashable, int] = {}
    return np.array([known.setdefault(name, len(known)) for name in names], np.int64)


def _value(score: Score, name: str) -> float:
    if name == "has_findings":
        return math.nan if score.findings is None else float(score.findings > 0)
    if name == "log_ms":
        whole = score.prefill_ms + score.decode_ms
        return math.log(whole) if whole > 0 else math.nan
    value = getattr(score, name)
    return math.nan if value is None else float(value)


def _sites(pairs: Sequence[tuple[Score, Score]], clusters: Integers) -> WrittenSites | None:
    if all(score.forms is None for pair in pairs for score in pair):
        return None
    found: list[tuple[int, str, list[list[int]]]] = []
    for place, pair in enumerate(pairs):
        forms = [score.forms or {} for score in pair]
        for rule in dict.fromkeys(rule for one in forms for rule in one):
            counts = [list(one[rule]) if rule in one else [0, 0] for one in forms]
            found.append((place, rule, counts))
    counted = np.array([counts for _, _, counts in found], np.float64).reshape(-1, 2, 2)
    return WrittenSites(
        clusters=clusters[[place for place, _, _ in found]],
        house=counted[:, :, 0],
        other=counted[:, :, 1],
        rules=tuple(rule for _, rule, _ in found),
    )


def _tasks(infilling: Infilling | None) -> TaskOutcomes | None:
    if infilling is None:
        return None
    arms = {arm.name: arm for arm in infilling.arms}
    if "repository" not in arms:
        return None
    before, after = infilling.arms[0], arms["repository"]
    exact = [
        [float(old.exact), float(new.exact)]
        for old, new in zip(before.answers, after.answers, strict=True)
    ]
    return TaskOutcomes(numbered(before.clusters), np.array(exact).reshape(-1, 2))
