"""The report of `homespun eval completion` for people."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from homespun.cli.output import print_line, table_console
from homespun.server.completion.failure_sorts import FAILURE_SORTS
from homespun.stats import Paired
from homespun.training.evaluation.report import (
    ALL,
    HEADLINE,
    PRIMARY,
    PRIMARY_METRIC,
    CompletionReport,
    CompletionVerdict,
    paired_json,
)

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

_WIDTH = 118  # columns where the output goes to a file
_NAMES_SHOWN = 12
_COLUMNS = {  # of the first table
    "exact": "whole",
    "similarity": "alike",
    "identifiers": "names",
    "overrun": "over",
    "runs_on": "runs on",
    "parses": "parses",
    "findings": "lint",
    "loss": "loss",
}


def print_report(report: CompletionReport) -> None:
    """Print the arms, the comparisons, the strata, the failures and the speed."""
    console = table_console(_WIDTH)
    counts = report.counts()
    until = report.window["until"][:12]
    window = f"{report.window['since'][:12]}..{until}" if until else "held-out files"
    print_line(
        console,
        f"{report.repo}, {window}: {counts['count']} items of {counts['commits']} commits and "
        f"{counts['files']} files",
    )
    console.print(_arms(report))
    if len(report.arms) > 1:
        console.print(_contrasts(report))
    console.print(_strata(report))
    console.print(_failures(report))
    if report.missing:
        names = ", ".join(list(report.missing)[:_NAMES_SHOWN])
        print_line(console, f"names that retrieval did not show ({len(report.missing)}): {names}")
    _print_endpoint(console, report)


def print_verdict(verdict: CompletionVerdict) -> None:
    """Print the difference to the accepted report."""
    console = table_console(_WIDTH)
    for note in verdict.notes:
        print_line(console, note)
    if verdict.change is not None:
        change = verdict.change
        print_line(
            console,
            f"against the accepted report: {verdict.arm} {signed(change)} over {change.n} items",
        )


def verdict_json(verdict: CompletionVerdict | None) -> dict[str, Any] | None:
    """Return a comparison as a JSON object, None where there was none."""
    if verdict is None:
        return None
    return {
        "failed": verdict.failed,
        "arm": verdict.arm,
        "obstacle": verdict.obstacle,
        "notes": list(verdict.notes),
        "change": paired_json(verdict.change),
    }


def signed(found: Paired) -> str:
    """Return a difference with its interval."""
    low, high = found.difference.low, found.difference.high
    if not math.isfinite(low):
        return f"{found.difference.mean:+.3f} [one commit]"
    return f"{found.difference.mean:+.3f} [{low:+.3f}, {high:+.3f}]"


def _arms(report: CompletionReport) -> Table:
    table = _table("arms; exact is the first line", "arm", "n", "exact", "95 %", *_COLUMNS.values())
    table.add_column("ms", justify="right", no_wrap=True)
    for arm in report.arms:
        exact = report.estimate(arm, PRIMARY_METRIC)
        if exact is None:
            continue
        cells = [_mean(report, arm, metric) for metric in _COLUMNS]
        speed = report.speed(arm)
        table.add_row(
            arm,
            str(int(speed["items"])),
            f"{exact.mean:.3f}",
            _interval(exact.low, exact.high),
            *cells,
            f"{speed['total_ms']:.0f}",
        )
    return table


def _contrasts(report: CompletionReport) -> Table:
    table = _table(
        "differences of exact first lines",
        *("first", "against", "n", "difference", "won : lost", "odds", "McNemar p"),
    )
    for first, second in report.contrasts():
        found = report.compare(first, second, PRIMARY_METRIC)
        if found is None or found.discordance is None:
            continue
        differing = found.discordance
        table.add_row(
            first,
            second,
            str(found.n),
            signed(found),
            f"{differing.wins} : {differing.losses}",
            f"{differing.odds_ratio:.2f}",
            f"{differing.p:.4f}",
        )
    return table


def _strata(report: CompletionReport) -> Table:
    table = _table("exact first lines by stratum", "stratum", "n", *report.arms)
    groups = [*[(name,) for name in report.strata() if name != ALL], HEADLINE]
    for names in groups:
        rows = report.of(*names)
        if rows:
            cells = [_mean(report, arm, PRIMARY_METRIC, *names) for arm in report.arms]
            table.add_row(", ".join(names), str(len(rows)), *cells)
    return table


def _failures(report: CompletionReport) -> Table:
    table = _table(
        "why first lines are not exact", "arm", *(sort.name for sort in FAILURE_SORTS.values())
    )
    for arm in report.arms:
        found = report.failures(arm)
        table.add_row(arm, *(str(found.get(sort, 0)) for sort in FAILURE_SORTS))
    return table


def _print_endpoint(console: Console, report: CompletionReport) -> None:
    for title, found in (("all items", report.primary), (", ".join(HEADLINE), report.headline)):
        if found is not None:
            says = "better" if found.is_better else "worse" if found.is_worse else "not told apart"
            print_line(
                console,
                f"{PRIMARY[0]} against {PRIMARY[1]}, {title} ({found.n}): {signed(found)}, {says}",
            )
    if report.infilling is not None:
        for arm in report.infilling.arms[1:]:
            compared = report.infilling.against_first(arm)
            says = "may have forgotten" if report.infilling.forgets(arm) else "nothing forgotten"
            print_line(console, f"infilling, {arm.name}: {signed(compared)} ({compared.n}), {says}")
    if report.memorised is not None:
        found_copies = report.memorised
        print_line(
            console,
            f"long copies of training text: {found_copies.copies} of {found_copies.outputs} "
            f"completions (as shipped {found_copies.copies_before})",
        )


def _mean(report: CompletionReport, arm: str, metric: str, *strata: str) -> str:
    values = [
        float(value)
        for row in report.of(*strata)
        if arm in row.scores and (value := getattr(row.scores[arm], metric)) is not None
    ]
    if not values:
        return "-"
    mean = sum(values) / len(values)
    return f"{mean:.1f}" if metric == "overrun" else f"{mean:.3f}"


def _interval(low: float, high: float) -> str:
    return f"{low:.3f}-{high:.3f}" if math.isfinite(low) else "one commit"


def _table(title: str, first: str, *columns: str) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(title=title, title_justify="left", box=box.SIMPLE, pad_edge=False)
    table.add_column(first, no_wrap=True)
    for name in columns:
        table.add_column(name, justify="right", no_wrap=True)
    return table
