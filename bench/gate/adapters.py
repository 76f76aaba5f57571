"""Adapters whose truth is known, as columns of outcomes, drawn like the ones that we measured.

What two real adapters changed at 852 places (bench/results/tuning-*.json.gz) is drawn by whole
commits, all measures of a place together, so that discordance, the likeness of places of one commit
and the correlations between measures are the real ones. An adapter that *does nothing* has the
sides of a whole commit changed at random: it differs as often, and in no direction. Harm is added
on top. What those runs did not keep, sites in completions and single lines of the infilling, is
drawn from rates (`Rates`).
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from homespun.training.evaluation.report import CompletionReport
from homespun.training.gate.measured import RuleProbe
from homespun.training.gate.outcomes import (
    MEASURES,
    PlaceOutcomes,
    TaskOutcomes,
    WrittenSites,
    outcomes_of,
)

RESULTS = Path(__file__).parents[1] / "results"
MEASURED = ("python-sdk", "openai-agents-python")
TASKS, FUNCTIONS = 1_033, 164  # of HumanEval single-line infilling
# Measured with the model as shipped at 277 places and 90 lines with habits of python-sdk.
_SITES_A_PLACE, _HOUSE_IN_SIGHT, _SHARED_IN_SIGHT = 0.4, 0.97, 0.7
_SHARED_HABITS = 0.5
Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Rates:
    """What is drawn from rates; each for a site, task or pair."""

    house: float = 0.91  # of the habits, in what the model as shipped writes
    won: float = 0.03  # of the habits: from the other form to the house's
    lost: float = 0.03  # from the house's to the other
    silent: float = 0.0  # of the adapter's sites: not written any more
    likeness: float = 0.15  # of the habits: share the fate of their commit
    task_won: float = 0.0275  # of the infilling's lines
    task_lost: float = 0.0275
    pair_won: float = 0.05  # of minimal pairs
    pair_lost: float = 0.05


@dataclass(frozen=True, slots=True)
class KnownAdapter:
    """What is true of an adapter."""

    name: str
    is_real: bool = False  # changes what the measured ones changed; else as much, in no direction
    rates: Rates = Rates()
    harm: Mapping[str, float] = field(default_factory=dict)  # measure -> points that are lost


NOTHING = KnownAdapter("does nothing")
# The measured ones moved the house's form from 78 to 91 and from 83 to 92 % of the minimal pairs.
_AS_MEASURED = Rates(task_won=0.025, task_lost=0.030, pair_won=0.13, pair_lost=0.02)
GOOD = (
    KnownAdapter(
        "as measured, form 91 to 96 %",
        is_real=True,
        rates=replace(_AS_MEASURED, won=0.06, lost=0.01),
    ),
    KnownAdapter(
        "as measured, form 83 to 91 %",
        is_real=True,
        rates=replace(_AS_MEASURED, house=0.83, won=0.10, lost=0.02),
    ),
    KnownAdapter(
        "as measured, form 78 to 91 %",
        is_real=True,
        rates=replace(_AS_MEASURED, house=0.78, won=0.15, lost=0.02),
    ),
)
HALF_AS_GOOD = KnownAdapter(
    "half as good, form 91 to 93 %", is_real=True, rates=replace(_AS_MEASURED, won=0.04, lost=0.02)
)
# Form as good as it gets, so that the harm alone can stop them; points of each measure.
_GOOD_FORM = GOOD[1].rates
HARMFUL = (
    KnownAdapter("3 points fewer exact lines", rates=_GOOD_FORM, harm={"exact_line": 0.03}),
    KnownAdapter("4 points more running on", rates=_GOOD_FORM, harm={"runs_on": 0.04}),
    KnownAdapter("5 points fewer files parse", rates=_GOOD_FORM, harm={"parses": 0.05}),
    KnownAdapter("6 points more with a finding", rates=_GOOD_FORM, harm={"has_findings": 0.06}),
    KnownAdapter("edit similarity 3 points lower", rates=_GOOD_FORM, harm={"similarity": 0.03}),
    KnownAdapter(
        "forgets 4 points",
        rates=replace(_GOOD_FORM, task_won=0.025, task_lost=0.065),
    ),
    KnownAdapter("20 % slower", rates=_GOOD_FORM, harm={"log_ms": 0.18}),
    KnownAdapter("form 5 points worse", rates=Rates(won=0.02, lost=0.07)),
    KnownAdapter("silent at every fourth site", rates=replace(_GOOD_FORM, silent=0.25)),
)


@dataclass(frozen=True, slots=True)
class MeasuredPlaces:
    """What real adapters changed."""

    commits: tuple[Integers, ...]  # the places of each
    measures: Mapping[str, Floats]  # (places, 2)

    @property
    def places(self) -> int:
        """How many there are."""
        return sum(map(len, self.commits))


@cache
def measured() -> MeasuredPlaces:
    """Read the places of both repositories; commits of different ones are different clusters."""
    commits: list[Integers] = []
    columns: dict[str, list[Floats]] = {name: [] for name in MEASURES}
    first = 0
    for name in MEASURED:
        found = outcomes_of(_report(name))
        for number in range(int(found.clusters.max()) + 1):
            commits.append(np.flatnonzero(found.clusters == number) + first)
        for measure in MEASURES:
            columns[measure].append(found.measures[measure])
        first += found.places
    return MeasuredPlaces(
        tuple(commits), {name: np.concatenate(parts) for name, parts in columns.items()}
    )


def outcomes(
    adapter: KnownAdapter, places: int, habits: int, rng: np.random.Generator
) -> PlaceOutcomes:
    """Draw what an adapter and the model as shipped give at about so many places and habits."""
    known = measured()
    count = round(places * len(known.commits) / known.places)
    drawn = rng.integers(0, len(known.commits), count)
    rows = np.concatenate([known.commits[commit] for commit in drawn])
    clusters = np.repeat(np.arange(count), [len(known.commits[commit]) for commit in drawn])
    turned = np.zeros(count, bool) if adapter.is_real else rng.random(count) < 0.5
    measures = {}
    for name in MEASURES:
        pairs = known.measures[name][rows]
        pairs = np.where(turned[clusters][:, None], pairs[:, ::-1], pairs)
        measures[name] = _harmed(name, pairs, adapter.harm.get(name, 0.0), rng)
    return PlaceOutcomes(
        clusters=clusters,
        measures=measures,
        sites=_sites(clusters, adapter.rates, rng),
        habits=_habits(rng.integers(0, count, habits), count, adapter.rates, rng),
        infilling=_tasks(adapter.rates, rng),
    )


def probes(adapter: KnownAdapter, rng: np.random.Generator) -> list[RuleProbe]:
    """Draw minimal pairs of the rules that the second repository has."""
    found = []
    for rule, sites, share in _rules():
        true = min(share, 0.97)  # where all of a few pairs were right, some others would not be
        before = rng.random(sites) < true
        won = rng.random(sites) < min(adapter.rates.pair_won / (1 - true), 1.0)
        lost = rng.random(sites) < min(adapter.rates.pair_lost, 1 - true) / true
        after = np.where(before, ~lost, won)
        found.append(RuleProbe(rule, sites, float(before.mean()), float(after.mean())))
    return found


def _harmed(name: str, pairs: Floats, points: float, rng: np.random.Generator) -> Floats:
    """Let the adapter lose so many points of a measure at places drawn by chance."""
    if not points:
        return pairs
    pairs = pairs.copy()
    if name in ("similarity", "log_ms"):
        pairs[:, 1] += points if name == "log_ms" else -points
        return pairs
    bad = 1.0 if name in ("runs_on", "has_findings") else 0.0
    can_fall = pairs[:, 1] == 1 - bad
    share = points * np.count_nonzero(~np.isnan(pairs[:, 1])) / max(can_fall.sum(), 1)
    pairs[can_fall & (rng.random(len(pairs)) < share), 1] = bad
    return pairs


def _sites(clusters: Integers, rates: Rates, rng: np.random.Generator) -> WrittenSites:
    """Draw the sites at ordinary places; there the file shows the habit, and both copy it."""
    rows = np.repeat(clusters, rng.poisson(_SITES_A_PLACE, len(clusters)))
    before, after = rng.random((2, len(rows))) < _HOUSE_IN_SIGHT
    return _written(rows, before, after, _SHARED_IN_SIGHT, rates.silent, rng)


def _habits(rows: Integers, commits: int, rates: Rates, rng: np.random.Generator) -> WrittenSites:
    """Draw habits; with the probability `likeness` one shares the fate of its commit."""

    def chance() -> Floats:
        own, of_commit = rng.random(len(rows)), rng.random(commits)
        return np.where(rng.random(len(rows)) < rates.likeness, of_commit[rows], own)

    before, fate = chance() < rates.house, chance()
    after = np.where(before, fate >= rates.lost / rates.house, fate < rates.won / (1 - rates.house))
    return _written(rows, before, after, _SHARED_HABITS, rates.silent, rng)


def _written(
    rows: Integers,
    before: npt.NDArray[np.bool_],
    after: npt.NDArray[np.bool_],
    shared: float,
    silent: float,
    rng: np.random.Generator,
) -> WrittenSites:
    """Let each model write its form in most rows, in the others one of them alone."""
    kind = rng.random(len(rows))
    middle = (1 + shared) / 2
    is_there = [kind < middle, (kind < shared) | (kind >= middle)]
    is_there[1] &= rng.random(len(rows)) >= silent
    written, is_house = np.stack(is_there, axis=1), np.stack([before, after], axis=1)
    house, other = written & is_house, written & ~is_house
    return WrittenSites(rows, house.astype(np.float64), other.astype(np.float64))


def _tasks(rates: Rates, rng: np.random.Generator) -> TaskOutcomes:
    clusters = np.arange(TASKS) * FUNCTIONS // TASKS
    before = rng.random(TASKS) < 0.632
    fate = rng.random(TASKS)
    after = np.where(before, fate >= rates.task_lost / 0.632, fate < rates.task_won / 0.368)
    return TaskOutcomes(clusters, np.stack([before, after], axis=1).astype(np.float64))


@cache
def _rules() -> tuple[tuple[str, int, float], ...]:
    rules = _body(MEASURED[1])["rules"]
    return tuple((rule["rule"], rule["sites"], rule["before"]) for rule in rules)


def _report(name: str) -> CompletionReport:
    return CompletionReport.from_json(_body(name)["evaluation"])


def _body(name: str) -> dict[str, object]:
    packed = (RESULTS / f"tuning-{name}.json.gz").read_bytes()
    body: dict[str, object] = json.loads(gzip.decompress(packed))
    return body
