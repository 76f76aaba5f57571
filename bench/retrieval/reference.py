"""The public benchmark by language, beside the figures that it publishes.

Ours is measured on packages of registries and the published figures on repositories at a revision,
so a corpus is nearly the same and not quite: `adopt.py` says which queries are kept. The published
figures are averaged over the very corpora that ours are.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

from bench.common import provenance
from bench.retrieval.adopt import PUBLISHED
from bench.retrieval.corpora import QUERIES, REST, QueryCorpus
from homespun.indexer.evaluation.report import Report

PAGE = provenance.ROOT / "bench" / "README.md"
SYSTEMS = {"semble": "semble (published)", "coderankembed": "CodeRankEmbed + BM25 (published)"}
_MARKED = re.compile(r"(<!-- reference -->\n).*?(<!-- /reference -->)", re.DOTALL)


def published() -> dict[str, dict[str, Any]]:
    """Return each of the benchmark's repositories: its language and published NDCG@10."""
    found: dict[str, dict[str, Any]] = json.loads(
        (QUERIES / REST / PUBLISHED).read_text(encoding="utf-8")
    )
    return found


def table(reports: Sequence[Report], known: Mapping[str, Mapping[str, Any]]) -> str:
    """Return a row a language, the lowest hybrid first, a row for all, and one without `dev`."""
    ours = {r.mode: {c.name: fmean(row.ndcg for row in c.rows) for c in r.corpora} for r in reports}
    counts = {corpus.name: len(corpus.rows) for corpus in reports[-1].corpora}
    names = [name for name in counts if name in known]
    head = ["language", "corpora", "queries", *ours, *SYSTEMS.values()]
    lines = [_line(head), "|---|--:|--:|" + "--:|" * (len(ours) + len(SYSTEMS))]

    def row(title: str, among: Sequence[str], total: int) -> str:
        of = f"{len(among)} of {total}"
        cells = [_share(fmean(scores[name] for name in among)) for scores in ours.values()]
        cells += [_share(fmean(known[name][system] for name in among)) for system in SYSTEMS]
        return _line([title, of, str(sum(counts[name] for name in among)), *cells])

    languages = {known[name]["language"] for name in names}
    last = ours[reports[-1].mode]

    def height(language: str) -> float:
        return fmean(last[name] for name in names if known[name]["language"] == language)

    for language in sorted(languages, key=height):
        among = [name for name in names if known[name]["language"] == language]
        lines.append(row(language, among, sum(k["language"] == language for k in known.values())))
    lines.append(row("**all**", names, len(known)))
    return "\n".join(lines) + "\n"


def corpora_table(
    chosen: Sequence[QueryCorpus],
    reports: Sequence[Report],
    known: Mapping[str, Mapping[str, Any]],
) -> str:
    """Return a row a corpus, with the version of the package that stands for the repository."""
    head = ["corpus", "language", "version", "queries", *(r.mode for r in reports), *SYSTEMS]
    lines = [_line(head), "|---|---|---|--:|" + "--:|" * (len(reports) + len(SYSTEMS))]
    scores = [{c.name: fmean(row.ndcg for row in c.rows) for c in r.corpora} for r in reports]
    for corpus in sorted(chosen, key=lambda corpus: (corpus.language, corpus.name)):
        if corpus.name in scores[0] and corpus.name in known:
            name = corpus.name + " (dev)" * (corpus.split == "dev")
            cells = [_share(found[corpus.name]) for found in scores]
            cells += [_share(known[corpus.name][system]) for system in SYSTEMS]
            queries = str(len(corpus.queries))
            lines.append(_line([name, corpus.language, corpus.package.version, queries, *cells]))
    return "\n".join(lines) + "\n"


def write(chosen: Sequence[QueryCorpus], reports: Sequence[Report]) -> None:
    """Write the page's table and bench/results/reference.json."""
    facts = provenance.facts(reports[-1].versions["encoder"], threads=0)
    known = published()
    text = f"{table(reports, known)}\n{corpora_table(chosen, reports, known)}"
    page = PAGE.read_text(encoding="utf-8")
    if not _MARKED.search(page):
        raise SystemExit(f"{PAGE.name} has no place <!-- reference --> to write to")
    PAGE.write_text(_MARKED.sub(lambda m: m[1] + text + m[2], page), encoding="utf-8")
    body = {"run": facts, "reports": [report.to_json(kept=True) for report in reports]}
    provenance.write("reference", body)


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _share(value: float) -> str:
    return f"{value:.3f}".removeprefix("0")
