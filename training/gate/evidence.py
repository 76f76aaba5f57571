"""From what an evaluation gave at each place to what the gate looks at.

All intervals are those of `homespun.stats`: paired by place, 95 %, whole commits drawn (without a
history whole files; functions for other people's code).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from homespun.stats import RESAMPLES, Estimate, cluster_ratio
from homespun.training.evaluation.report import CompletionReport, ScoredItem
from homespun.training.gate.measured import (
    Evidence,
    RuleProbe,
    ServedFormLoss,
    ShareDifference,
    Speed,
    WrittenForm,
)
from homespun.training.gate.outcomes import (
    Floats,
    Integers,
    PlaceOutcomes,
    WrittenSites,
    outcomes_of,
    sites_of,
)
from homespun.training.probes.scores import RuleChange
from homespun.training.safety.memorisation import Memorised


def evidence_of(
    report: CompletionReport,
    *,
    training_examples: int,
    rules: Sequence[RuleProbe] | None,
    parity: ServedFormLoss | None,
) -> Evidence:
    """Return what an evaluation found, in the gate's words."""
    found = evidence_from(
        outcomes_of(report),
        training_examples=training_examples,
        rules=rules,
        memorised=report.memorised,
        parity=parity,
    )
    return replace(found, is_cut_short=not report.rows)


def form_at_habits(rows: Iterable[ScoredItem]) -> ShareDifference | None:
    """Compare the forms at a report's habits alone, before anything else is known."""
    sites = sites_of(rows)
    return None if sites is None else form_of(sites)


def form_of(sites: WrittenSites, *, resamples: int = RESAMPLES) -> ShareDifference | None:
    """Compare the forms over these sites and their commits alone; None where none is shared."""
    commits, clusters = np.unique(sites.clusters, return_inverse=True)
    return _difference(clusters, sites.shares, len(commits), resamples)


def evidence_from(
    outcomes: PlaceOutcomes,
    *,
    training_examples: int,
    rules: Sequence[RuleProbe] | None,
    memorised: Memorised | None,
    parity: ServedFormLoss | None,
    resamples: int = RESAMPLES,
) -> Evidence:
    """Return what the columns say, in the gate's words."""
    clusters, tasks = outcomes.clusters, outcomes.infilling
    commits = int(clusters.max()) + 1 if len(clusters) else 0
    all_sites = [sites for sites in (outcomes.sites, outcomes.habits) if sites is not None]
    every = max([commits, *(int(s.clusters.max()) + 1 for s in all_sites if len(s.clusters))])

    def measured(name: str) -> ShareDifference | None:
        return _difference(clusters, outcomes.measures[name], commits, resamples)

    forgetting = None
    if tasks is not None and len(tasks.exact):
        functions = int(tasks.clusters.max()) + 1
        forgetting = _difference(tasks.clusters, tasks.exact, functions, resamples)
    return Evidence(
        training_examples=training_examples,
        places=outcomes.places,
        commits=commits,
        written=_written(outcomes.habits, all_sites, every, resamples),
        exact=measured("exact_line"),
        similarity=measured("similarity"),
        overrun=measured("runs_on"),
        parses=measured("parses"),
        findings=measured("has_findings"),
        rules=None if rules is None else tuple(rules),
        forgetting=forgetting,
        memorised=memorised,
        parity=parity,
        speed=_speed(clusters, outcomes.measures["log_ms"], commits, resamples),
    )


def rule_probes(changes: Sequence[RuleChange]) -> list[RuleProbe]:
    """Return the rules' preference accuracies before and after, in the context "unseen"."""
    return [
        RuleProbe(change.rule, change.sites, change.before, change.after)
        for change in changes
        if change.context == "unseen"
    ]


def _written(
    habits: WrittenSites | None, all_sites: Sequence[WrittenSites], size: int, resamples: int
) -> WrittenForm | None:
    """Compare the forms; `size` is the number of clusters that any of the sites are from."""
    if not all_sites:
        return None
    house = np.concatenate([sites.house for sites in all_sites])
    other = np.concatenate([sites.other for sites in all_sites])
    clusters = np.concatenate([sites.clusters for sites in all_sites])
    before, after = (int(count) for count in house.sum(axis=0))
    ratio = Estimate(0.0, 0.0, math.inf)
    if before:
        totals, counts = (_summed(clusters, house[:, column], size) for column in (1, 0))
        ratio = cluster_ratio(totals, counts, resamples=resamples)
    all_before, all_after = house.sum(axis=0) / np.maximum((house + other).sum(axis=0), 1)
    return WrittenForm(
        shared=_difference(habits.clusters, habits.shares, size, resamples) if habits else None,
        before=before,
        after=after,
        ratio_low=max(0.0, ratio.low),
        ratio_high=ratio.high,
        all_before=float(all_before),
        all_after=float(all_after),
    )


def _difference(
    clusters: Integers, pairs: Floats, size: int, resamples: int
) -> ShareDifference | None:
    """Compare column 1 with column 0 in the rows that have both; None where no row has."""
    known = ~np.isnan(pairs).any(axis=1)
    if not known.any():
        return None
    found = _mean_change(clusters[known], pairs[known], size, resamples)
    before, after = pairs[known].mean(axis=0)
    # Of a single cluster the bounds are infinite: the widest that a share can have.
    low, high = max(-1.0, found.low), min(1.0, found.high)
    return ShareDifference(float(before), float(after), low, high, int(known.sum()))


def _speed(clusters: Integers, pairs: Floats, size: int, resamples: int) -> Speed | None:
    known = ~np.isnan(pairs).any(axis=1)
    if not known.any():
        return None
    found = _mean_change(clusters[known], pairs[known], size, resamples)
    before, after = np.exp(np.median(pairs[known], axis=0))
    return Speed(
        before_ms=float(before),
        after_ms=float(after),
        ratio=math.exp(found.mean),
        low=math.exp(found.low),
        high=math.exp(found.high),
    )


def _mean_change(clusters: Integers, pairs: Floats, size: int, resamples: int) -> Estimate:
    totals = _summed(clusters, pairs[:, 1] - pairs[:, 0], size)
    counts = _summed(clusters, np.ones(len(clusters)), size)
    return cluster_ratio(totals, counts, resamples=resamples)


def _summed(clusters: Integers, values: Floats, size: int) -> Floats:
    """Return `(size,)`: the sum of the values of each cluster."""
    return np.bincount(clusters, values, minlength=size).astype(np.float64)
