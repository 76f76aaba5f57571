"""Arms against the model as shipped, by the gate's own statistics, as Markdown tables.

Pure: answers go in, tables come out.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import replace

from homespun.training.evaluation.arms import ArmAnswer
from homespun.training.evaluation.report import PRIMARY, CompletionReport, ScoredItem
from homespun.training.gate.evidence import evidence_of
from homespun.training.gate.measured import Evidence, ShareDifference
from homespun.training.gate.outcomes import outcomes_of

_MIN_PAIRS = 4  # of a rule that is listed by itself


def against(
    arm: str, control: str, rows: Sequence[ScoredItem], habits: Sequence[ScoredItem]
) -> CompletionReport:
    """Return the report of two arms, in the places of those that the gate compares."""
    names = dict(zip(PRIMARY, (arm, control), strict=True))

    def renamed(row: ScoredItem) -> ScoredItem:
        scores = {new: row.scores[old] for new, old in names.items() if old in row.scores}
        return replace(row, scores=scores)

    return CompletionReport(
        repo="",
        window={},
        versions={},
        models={},
        arms=PRIMARY,
        rows=tuple(map(renamed, rows)),
        habits=tuple(map(renamed, habits)),
    )


def evidence(report: CompletionReport) -> Evidence:
    """Return what the gate would look at."""
    return evidence_of(report, training_examples=0, rules=None, parity=None)


def main_table(reports: dict[str, CompletionReport], answers: Iterable[ArmAnswer]) -> str:
    """Return a row an arm: form, house forms written, exact lines, edit similarity, price."""
    answers = list(answers)
    lines = [
        "| arm | form at habits, shipped | with it | points | habits | house forms written "
        "| exact first lines, shipped | with it | points | places | edit similarity, points "
        "| tokens of the prompt, more | ms an answer, shipped | with it |",
        "|---|" + "--:|" * 13,
    ]
    for arm, report in reports.items():
        found = evidence(report)
        written = found.written
        cells = [arm, *_difference(written.shared if written else None)]
        cells.append(f"{written.before} -> {written.after}" if written else "-")
        cells += [*_difference(found.exact), _points(found.similarity), *price(arm, answers)]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def price(arm: str, answers: Sequence[ArmAnswer], control: str = "shipped") -> tuple[str, str, str]:
    """Return the median of tokens more, and of milliseconds before and after, where both answer."""
    given: dict[str, dict[str, ArmAnswer]] = {}
    for answer in answers:
        given.setdefault(answer.item.id, {})[answer.arm] = answer
    pairs = [(by[control], by[arm]) for by in given.values() if control in by and arm in by]
    if not pairs:
        return "-", "-", "-"
    more = statistics.median(
        new.completion.tokens["prompt"] - old.completion.tokens["prompt"] for old, new in pairs
    )
    before, after = (statistics.median(map(_milliseconds, one)) for one in zip(*pairs, strict=True))
    return f"{more:+.0f}", f"{before:.0f}", f"{after:.0f}"


def rules_table(reports: dict[str, CompletionReport]) -> str:
    """Return the share of house forms of each rule that both wrote, arm by arm."""
    lines = ["| rule | arm | sites | shipped | with it |", "|---|---|--:|--:|--:|"]
    for arm, report in reports.items():
        habits = outcomes_of(report).habits
        for rule, sites, before, after in habits.by_rule() if habits else ():
            if sites >= _MIN_PAIRS:
                lines.append(f"| {rule} | {arm} | {sites} | {before:.0%} | {after:.0%} |")
    return "\n".join([*lines[:2], *sorted(lines[2:])])


def _difference(found: ShareDifference | None) -> tuple[str, str, str, str]:
    if found is None:
        return "-", "-", "-", "0"
    return f"{found.before:.1%}", f"{found.after:.1%}", _points(found), str(found.items)


def _points(found: ShareDifference | None) -> str:
    if found is None:
        return "-"
    low, high = found.low * 100, found.high * 100
    ends = f"[{low:+.1f}, {high:+.1f}]" if math.isfinite(low + high) else "[one commit]"
    return f"{found.value * 100:+.1f} {ends}"


def _milliseconds(answer: ArmAnswer) -> float:
    timings = answer.completion.timings_ms
    return timings["prefill"] + timings["decode"]
