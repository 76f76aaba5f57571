"""Reports of `homespun eval` for people: rich tables, and the sentence of a closed gate."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from homespun.cli.output import print_line, table_console
from homespun.indexer.evaluation.evaluate import percentile

if TYPE_CHECKING:
    from rich.table import Table

    from homespun.indexer.evaluation.evaluate import QueryResult
    from homespun.indexer.evaluation.report import RegressionVerdict, Report
    from homespun.stats import Estimate, ScoreChange

_CHANGES = 20  # queries listed; more are counted
_FOUND = 5  # hits named behind a query
_WIDTH = 100  # columns where the output goes to a file


def print_report(report: Report, *, below: float = 0.0) -> None:
    """Print a table: a row a corpus, their mean, a row a category; then queries below a score."""
    console = table_console(_WIDTH)
    console.print(_table(report))
    for corpus in report.corpora:
        for text in corpus.unanswerable:
            print_line(
                console, f"no target of {text!r} is in the index of {corpus.name}; it scores 0"
            )
    for row in _worst(report, below):
        hits = ", ".join(row.found[:_FOUND]) or "nothing"
        print_line(console, f"{row.ndcg:.2f}  {row.query!r} found {hits}")


def print_verdict(
    verdict: RegressionVerdict, report: Report, *, against: str = "the accepted report"
) -> None:
    """Print the difference to another report and the queries that changed."""
    console = table_console(_WIDTH)
    for note in verdict.notes:
        print_line(console, note.replace("the accepted report", against))
    if verdict.comparison is None:
        return
    compared = verdict.comparison
    print_line(
        console,
        f"against {against}: {signed(compared.difference)} over {compared.count} "
        f"queries, {len(compared.worse)} worse, {len(compared.better)} better",
    )
    queries = {row.id: row.query for corpus in report.corpora for row in corpus.rows}
    for title, changes in (("worse", compared.worse), ("better", compared.better)):
        for change in changes[:_CHANGES]:
            print_line(console, f"  {title}  {_changed(change, queries)}")
        if len(changes) > _CHANGES:
            print_line(console, f"  and {len(changes) - _CHANGES} more {title}")


def drop_sentence(verdict: RegressionVerdict) -> str:
    """Say what a significant drop is, and what one can do."""
    assert verdict.comparison is not None
    return (
        f"the search got worse: NDCG {signed(verdict.comparison.difference)} against the accepted "
        f"report ({len(verdict.comparison.worse)} queries are worse); mend it, or take the new "
        "state with --accept"
    )


def verdict_json(verdict: RegressionVerdict | None) -> dict[str, Any] | None:
    """Return a comparison as a JSON object, None where there was none."""
    if verdict is None:
        return None
    body: dict[str, Any] = {
        "failed": verdict.failed,
        "obstacle": verdict.obstacle,
        "notes": list(verdict.notes),
    }
    if verdict.comparison is not None:
        difference = verdict.comparison.difference
        body |= {
            "difference": {
                "mean": round(difference.mean, 6),
                "low": round(difference.low, 6),
                "high": round(difference.high, 6),
            },
            "worse": [_change_json(change) for change in verdict.comparison.worse],
            "better": [_change_json(change) for change in verdict.comparison.better],
        }
    return body


def signed(difference: Estimate) -> str:
    """Return a difference with its interval."""
    return f"{difference.mean:+.3f} [{difference.low:+.3f}, {difference.high:+.3f}]"


def categories(rows: Iterable[QueryResult]) -> dict[str, list[QueryResult]]:
    """Return the rows of each category, by name."""
    grouped: dict[str, list[QueryResult]] = {}
    for row in rows:
        grouped.setdefault(row.category, []).append(row)
    return dict(sorted(grouped.items()))


def mean_of(rows: Iterable[QueryResult], metric: str) -> float:
    """Return the mean of a metric over rows."""
    values = [getattr(row, metric) for row in rows]
    return float(sum(values) / len(values))


def _table(report: Report) -> Table:
    from rich import box
    from rich.table import Table

    title = f"search, {report.mode}, encoder {report.versions['encoder']}"
    if "reranker" in report.versions:
        title += f", reranker {report.versions['reranker']}"
    table = Table(title=title, title_justify="left", box=box.SIMPLE, pad_edge=False)
    table.add_column("", no_wrap=True)
    at = f"@{report.limit}"
    for name in ("queries", f"NDCG{at}", "95 %", f"recall{at}", "MRR", "p50 ms", "p95 ms"):
        table.add_column(name, justify="right", no_wrap=True)
    every = [row for corpus in report.corpora for row in corpus.rows]
    for corpus in report.corpora:
        table.add_row(corpus.name, *_cells(list(corpus.rows), estimate([corpus.rows])))
    if len(report.corpora) > 1:
        table.add_section()
        over = _cells(every, report.estimate())
        for place, metric in ((3, "recall"), (4, "rr")):
            over[place] = f"{report.estimate(metric).mean:.3f}"
        table.add_row("mean over corpora", *over)
    table.add_section()
    for name, rows in categories(every).items():
        table.add_row(name, *_cells(rows, estimate([rows])))
    return table


def estimate(groups: Iterable[Iterable[QueryResult]]) -> Estimate:
    """Return the mean NDCG over groups of rows, with its interval."""
    from homespun.stats import estimate as of_scores

    return of_scores([[row.ndcg for row in rows] for rows in groups])


def _cells(rows: list[QueryResult], ndcg: Estimate) -> list[str]:
    times = [row.ms for row in rows]
    return [
        str(len(rows)),
        f"{ndcg.mean:.3f}",
        f"{_short(ndcg.low)}-{_short(ndcg.high)}",
        f"{mean_of(rows, 'recall'):.3f}",
        f"{mean_of(rows, 'rr'):.3f}",
        f"{percentile(times, 0.5):.1f}",
        f"{percentile(times, 0.95):.1f}",
    ]


def _short(share: float) -> str:
    return f"{share:.3f}".removeprefix("0")


def _worst(report: Report, below: float) -> list[QueryResult]:
    rows = [row for corpus in report.corpora for row in corpus.rows if row.ndcg < below]
    return sorted(rows, key=lambda row: row.ndcg)


def _changed(change: ScoreChange, queries: dict[str, str]) -> str:
    where = f"{change.group}: " if change.group else ""
    return f"{change.before:.2f} -> {change.after:.2f}  {where}{queries[change.id]!r}"


def _change_json(change: ScoreChange) -> dict[str, Any]:
    return {
        "corpus": change.group,
        "id": change.id,
        "before": change.before,
        "after": change.after,
    }
