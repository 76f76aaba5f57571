"""From the reports of an evaluation to what the gate looks at."""

from __future__ import annotations

import math
from collections.abc import Sequence

from homespun.stats import Paired
from homespun.training.evaluation.report import PRIMARY, CompletionReport
from homespun.training.gate.gate import Evidence, RuleProbe, ServedFormLoss, ShareDifference, Speed
from homespun.training.probes.scores import RuleChange
from homespun.training.safety.forgetting import Infilling


def evidence_of(
    report: CompletionReport,
    *,
    training_examples: int,
    rules: Sequence[RuleProbe] | None,
    parity: ServedFormLoss | None,
) -> Evidence:
    """Return what was measured, in the gate's words."""
    primary = report.primary
    return Evidence(
        training_examples=training_examples,
        items=primary.n if primary else 0,
        gain=_difference(primary),
        rules=None if rules is None else tuple(rules),
        forgetting=_forgetting(report.infilling),
        overrun=_difference(report.compare(*PRIMARY, "runs_on")),
        memorised=report.memorised,
        parity=parity,
        speed=_speed(report),
    )


def rule_probes(changes: Sequence[RuleChange]) -> list[RuleProbe]:
    """Return the rules' preference accuracies before and after, in the context "unseen"."""
    return [
        RuleProbe(change.rule, change.sites, change.before, change.after)
        for change in changes
        if change.context == "unseen"
    ]


def _difference(found: Paired | None) -> ShareDifference | None:
    """Turn an infinite bound, of a single cluster, into the widest that a share can have."""
    if found is None:
        return None
    low, high = found.difference.low, found.difference.high
    return ShareDifference(
        before=found.second,
        after=found.first,
        low=low if math.isfinite(low) else -1.0,
        high=high if math.isfinite(high) else 1.0,
        items=found.n,
    )


def _forgetting(infilling: Infilling | None) -> ShareDifference | None:
    if infilling is None:
        return None
    arm = next((arm for arm in infilling.arms if arm.name == "repository"), None)
    return _difference(infilling.against_first(arm)) if arm else None


def _speed(report: CompletionReport) -> Speed | None:
    after, before = (report.speed(arm) for arm in PRIMARY)
    if not after or not before:
        return None
    return Speed(before_ms=before["total_ms"], after_ms=after["total_ms"])
