"""How well does the search answer queries whose answers are known? NDCG, recall, reciprocal rank.

The metrics are those of the code-search benchmark of MinishLab/semble: a target's rank is that of
the first hit whose path ends with the target's and whose lines overlap; further hits in the same
file use up ranks; all targets have gain 1; the ideal counts the targets whose file is in the index.
"""

from __future__ import annotations

import hashlib
import math
import statistics
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from homespun.indexer.evaluation.queries import Query, Target
from homespun.indexer.types import Hit

Search = Callable[[str], list[Hit]]

_DIGITS = 6  # of a score: what a report keeps equals what was computed


@dataclass(frozen=True, slots=True)
class QueryResult:
    """What one query got. Scores lie between 0 and 1."""

    id: str
    category: str
    ndcg: float
    recall: float  # share of the targets in the index that were found
    rr: float  # 1 / rank of the first target, 0 without one
    ms: float = 0.0  # this and what follows is for people, and never in a report that is kept
    query: str = ""
    found: tuple[str, ...] = ()  # "path:line" of the hits


@dataclass(frozen=True, slots=True)
class CorpusResult:
    """All queries of one indexed folder."""

    name: str
    content: str  # what makes two corpora the same: hash of the files, or of their package
    files: int
    chunks: int
    rows: tuple[QueryResult, ...]
    unanswerable: tuple[str, ...] = ()  # queries without any target in the index; they score 0

    def by_id(self, metric: str) -> dict[str, float]:
        """Return a metric ("ndcg", "recall", "rr", "ms") of each row."""
        return {row.id: getattr(row, metric) for row in self.rows}

    def mean(self, metric: str) -> float:
        """Return the mean of a metric over the queries."""
        return statistics.fmean(self.by_id(metric).values())


def evaluate(
    search: Search,
    queries: Sequence[Query],
    *,
    name: str,
    paths: Collection[str],
    below: str = "",
    content: str = "",
    chunks: int = 0,
    limit: int,
) -> CorpusResult:
    """Ask every query once, after a first one to warm up, and score the best `limit` hits.

    `paths` are the indexed files; `below` is what stands before them in the targets' eyes, for an
    index that begins in a folder of the repository ("src/click").
    """
    indexed = [_full(below, path) for path in paths]
    search(queries[0].text)
    rows, unanswerable = [], []
    for query in queries:
        present = [t for t in query.targets if any(t.is_in(path) for path in indexed)]
        if not present:
            unanswerable.append(query.text)
        began = time.perf_counter()
        hits = search(query.text)[:limit]
        ms = (time.perf_counter() - began) * 1000
        ranks = [rank for t in present if (rank := rank_of(t, hits, below=below)) is not None]
        rows.append(
            QueryResult(
                id=query.id,
                category=query.category,
                ndcg=round(ndcg(ranks, len(present), limit=limit), _DIGITS),
                recall=round(len(ranks) / len(present), _DIGITS) if present else 0.0,
                rr=round(1 / min(ranks), _DIGITS) if ranks else 0.0,
                ms=ms,
                query=query.text,
                found=tuple(f"{hit.path}:{hit.start_line}" for hit in hits),
            )
        )
    return CorpusResult(name, content, len(indexed), chunks, tuple(rows), tuple(unanswerable))


def rank_of(target: Target, hits: Sequence[Hit], *, below: str = "") -> int | None:
    """Return the place (from 1) of the first hit on a target, None without one."""
    for rank, hit in enumerate(hits, start=1):
        if target.is_in(_full(below, hit.path)) and target.overlaps(hit.start_line, hit.end_line):
            return rank
    return None


def ndcg(ranks: Iterable[int], targets: int, *, limit: int) -> float:
    """Return the discounted gain of targets found at these ranks over the best possible one.

    `targets` is how many there are to find; 0 of them give 0.
    """
    ideal = sum(_gain(rank) for rank in range(1, min(targets, limit) + 1))
    return sum(map(_gain, ranks)) / ideal if ideal else 0.0


def percentile(values: Iterable[float], share: float) -> float:
    """Return the value below which that share of the values lies (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def content_of(root: Path, paths: Iterable[str]) -> str:
    """Return one hash of the files' paths and bytes. Raises `OSError` for a file that is gone."""
    digest = hashlib.sha256()
    for path in sorted(paths):
        content = hashlib.sha256((root / path).read_bytes()).hexdigest()
        digest.update(f"{path}\0{content}\n".encode())
    return digest.hexdigest()


def _gain(rank: int) -> float:
    return 1 / math.log2(rank + 1)


def _full(below: str, path: str) -> str:
    return f"{below}/{path}" if below else path
