"""Tables and plot of retrieval quality for bench/README.md, from the reports of a run.

What stands between `<!-- retrieval -->` and `<!-- /retrieval -->` in the page is written anew, and
the scores, with machine, versions, commit and date, go to bench/results/retrieval.json.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from bench.common import provenance
from bench.retrieval import plot
from bench.retrieval.corpora import QueryCorpus
from homespun.cli.verbs.eval.retrieval_tables import categories, mean_of
from homespun.indexer.evaluation.evaluate import CorpusResult, QueryResult, percentile
from homespun.indexer.evaluation.report import Report
from homespun.stats import Estimate, estimate

PAGE = provenance.ROOT / "bench" / "README.md"
_KINDS = {
    "python": "semble-dev, the five Python packages",
    "javascript": "semble-dev, the two JavaScript packages",
    "dev": "own, `dev`",
    "held": "own, `held`",
}


def write(chosen: Sequence[QueryCorpus], reports: Sequence[Report]) -> None:
    """Write the page's tables, bench/results/retrieval.json and the plot."""
    facts = provenance.facts(reports[-1].versions["encoder"], threads=0)
    text = tables(chosen, reports)
    text = f"{_where(facts, reports[-1].versions)}\n\n{text}"
    page = PAGE.read_text(encoding="utf-8")
    pattern = re.compile(r"(<!-- retrieval -->\n).*?(<!-- /retrieval -->)", re.DOTALL)
    if not pattern.search(page):
        raise SystemExit(f"{PAGE.name} has no place <!-- retrieval --> to write to")
    PAGE.write_text(pattern.sub(lambda m: m[1] + text + m[2], page), encoding="utf-8")
    body = {"run": facts, "reports": [report.to_json(kept=True) for report in reports]}
    provenance.write("retrieval", body)
    plot.write(chosen, reports, provenance.RESULTS / "retrieval.svg")


def tables(chosen: Sequence[QueryCorpus], reports: Sequence[Report]) -> str:
    """Return a row a corpus, then a row a group of corpora and a row a category."""
    modes = [report.mode for report in reports]
    head = "| corpus | language | files | chunks | queries | " + " | ".join(
        f"{mode} | recall | p50 / p95 ms" for mode in modes
    )
    lines = [head + " |", "|---|---|--:|--:|--:|" + "--:|--:|--:|" * len(modes)]
    for corpus in chosen:
        found = [_named(report, corpus.name) for report in reports]
        if all(found):
            lines.append(_corpus_row(corpus, [result for result in found if result]))
    lines += ["", "| mean over corpora | corpora | queries | " + " | ".join(modes) + " |"]
    lines += ["|---|--:|--:|" + "--:|" * len(modes)]
    for kind, title in _KINDS.items():
        names = {corpus.name for corpus in chosen if _kind(corpus) == kind}
        lines += _group_row(title, names, reports)
    lines += _group_row("all", {corpus.name for corpus in chosen}, reports)
    lines += ["", "| queries | number | " + " | ".join(modes) + " |"]
    lines += ["|---|--:|" + "--:|" * len(modes)]
    grouped = [categories(_rows(report.corpora)) for report in reports]
    for name in grouped[0]:
        cells = [_interval(estimate([[row.ndcg for row in rows[name]]])) for rows in grouped]
        lines.append(f"| {name} | {len(grouped[0][name])} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _corpus_row(corpus: QueryCorpus, results: Sequence[CorpusResult]) -> str:
    first = results[0]
    name = corpus.name + " (held)" * (corpus.split == "held")
    cells = [
        f"{_interval(estimate([[row.ndcg for row in result.rows]]))} | "
        f"{_share(mean_of(result.rows, 'recall'))} | {_times(result.rows)}"
        for result in results
    ]
    return (
        f"| {name} | {corpus.language} | {first.files} | {first.chunks} | {len(first.rows)} | "
        + " | ".join(cells)
        + " |"
    )


def _group_row(title: str, names: set[str], reports: Sequence[Report]) -> list[str]:
    found = [[corpus for corpus in report.corpora if corpus.name in names] for report in reports]
    if not found[0]:
        return []
    cells = [
        _interval(estimate([[row.ndcg for row in corpus.rows] for corpus in corpora]))
        for corpora in found
    ]
    counts = f"{len(found[0])} | {len(_rows(found[0]))}"
    return [f"| {title} | {counts} | " + " | ".join(cells) + " |"]


def _kind(corpus: QueryCorpus) -> str:
    return corpus.split if corpus.set == "own" else corpus.language


def _named(report: Report, name: str) -> CorpusResult | None:
    return next((corpus for corpus in report.corpora if corpus.name == name), None)


def _rows(corpora: Iterable[CorpusResult]) -> list[QueryResult]:
    return [row for corpus in corpora for row in corpus.rows]


def _times(rows: Iterable[QueryResult]) -> str:
    times = [row.ms for row in rows]
    return f"{percentile(times, 0.5):.1f} / {percentile(times, 0.95):.1f}"


def _interval(found: Estimate) -> str:
    return f"{_share(found.mean)} [{_share(found.low)}, {_share(found.high)}]"


def _share(value: float) -> str:
    return f"{value:.3f}".removeprefix("0")


def _where(facts: dict[str, object], versions: Mapping[str, str]) -> str:
    machine = facts["machine"]
    assert isinstance(machine, dict)
    changes = " with changes" * bool(facts["changed"])
    return (
        f"Encoder `{versions['encoder']}` (weights {versions['weights']}), chunker "
        f"{versions['chunker']}, tokenizer {versions['tokenizer']}; {machine['processor']} "
        f"({machine['cores']} cores), {machine['system']}; {facts['date']}, "
        f"commit {facts['commit']}{changes}; load average {machine['load']}."
    )
