"""Is the right place found among many repositories? Four arms and their variants, in one run.

The questions of bench/queries/ are asked of all repositories at once; they do not name theirs, so
a part of the loss is inherent. A hit in another repository is a wrong one.
"""

from __future__ import annotations

import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from bench.retrieval.corpora import QueryCorpus
from homespun.indexer.evaluation import evaluate
from homespun.indexer.evaluation.queries import Query
from homespun.indexer.search import retrieve
from homespun.indexer.search.query import Question
from homespun.indexer.table.believed import COLUMNS, Mirror, Row, good_rows, mirror_of
from homespun.indexer.table.candidates import candidates
from homespun.indexer.table.place import TablePlace
from homespun.indexer.table.registry import counted
from homespun.indexer.table.schema import CHUNKS, REPOS
from homespun.models.types import Encoder

LIMIT = 10
_RRF = 60  # the usual constant of reciprocal rank fusion
_BEST_REPOSITORIES = 3

Found = tuple[str, str, int, int]  # repository, path, first and last line
Arm = Callable[[str, str], list[Found]]  # question, its repository (which one arm is told)


@dataclass(slots=True)
class TableBench:
    """A table and all that the arms have in memory."""

    place: TablePlace
    chunks: Any
    builds: dict[str, str]
    encoder: Encoder
    rows: dict[str, list[Row]]  # repository -> all of its rows
    one: Mirror
    each: dict[str, Mirror]

    @classmethod
    def of(cls, place: TablePlace, encoder: Encoder, asked: Sequence[str]) -> TableBench:
        """Read a whole table; `asked` are the repositories that questions are about."""
        chunks = place.table(CHUNKS)
        builds = {row.build: name for name, row in counted(place, place.table(REPOS)).items()}
        rows: dict[str, list[Row]] = defaultdict(list)
        for row in good_rows(chunks.search().select(list(COLUMNS)).to_arrow(), builds):
            rows[row["repository"]].append(row)
        everything = [row for name in sorted(rows) for row in rows[name]]
        each = {name: mirror_of(rows[name]) for name in asked}
        return cls(place, chunks, builds, encoder, rows, mirror_of(everything), each)

    def arms(self) -> dict[str, Arm]:
        """Return the arms by name."""
        return {
            "our ranking, the right repository": lambda q, name: self.ranked(self.each[name], q),
            "our ranking, one mirror of all": lambda q, _: self.ranked(self.one, q),
            "LanceDB, words and vectors by RRF": lambda q, _: self.fused(q),
            "ours over 100 + 100 candidates": lambda q, _: self.over(self.found(q, of_names=0)),
            "ours over 100 + 100 and definitions": lambda q, _: self.over(self.found(q)),
            "the same, then best repositories": lambda q, _: self.again(q),
        }

    def found(self, query: str, **limits: int) -> tuple[str, list[Row]]:
        """Return a question and its candidates."""
        vector = self.encoder.encode([query])[0]
        given = (self.place, self.chunks, Question(query), vector, self.builds)
        return query, candidates(*given, **limits)

    def over(self, found: tuple[str, list[Row]], limit: int = LIMIT) -> list[Found]:
        """Rank candidates by our rules."""
        return self.ranked(mirror_of(found[1]), found[0], limit) if found[1] else []

    def ranked(self, mirror: Mirror, query: str, limit: int = LIMIT) -> list[Found]:
        """Search a mirror."""
        vector = self.encoder.encode([query])[0]
        wanted = retrieve.wanted_documents(mirror.snapshot)
        hits = retrieve.search(mirror.snapshot, query, vector, wanted, limit=limit, mode="hybrid")
        return [(*mirror.places[hit.path], hit.start_line, hit.end_line) for hit in hits]

    def fused(self, query: str) -> list[Found]:
        """Return LanceDB's own two orders, fused by their ranks."""
        scores: dict[Found, float] = defaultdict(float)
        for side in ("of_words", "of_vectors"):
            limits = {"of_words": 0, "of_vectors": 0, "of_names": 0} | {side: 100}
            for rank, row in enumerate(self.found(query, **limits)[1]):
                place = (row["repository"], row["path"], row["start_line"], row["end_line"])
                scores[place] += 1 / (_RRF + rank + 1)
        return sorted(scores, key=lambda place: -scores[place])[:LIMIT]

    def again(self, query: str) -> list[Found]:
        """Take the repositories of the best hits, and ask for candidates of theirs as well."""
        _, rows = self.found(query)
        best = list(dict.fromkeys(hit[0] for hit in self.over((query, rows), limit=60)))
        chosen = set(best[:_BEST_REPOSITORIES])
        builds = {build: name for build, name in self.builds.items() if name in chosen}
        given = (self.place, self.chunks, Question(query), self.encoder.encode([query])[0], builds)
        seen = {(row["repository"], row["path"], row["ordinal"]) for row in rows}
        more = [
            row
            for row in candidates(*given, only=True)
            if (row["repository"], row["path"], row["ordinal"]) not in seen
        ]
        return self.over((query, rows + more))


def measured(bench: TableBench, chosen: Sequence[QueryCorpus]) -> list[dict[str, Any]]:
    """Ask every question in every arm; return a row an arm, NDCG@10 a set of questions."""
    rows = []
    for name, arm in bench.arms().items():
        scores: dict[str, list[float]] = defaultdict(list)
        times = []
        for corpus in chosen:
            paths = {row["path"] for row in bench.rows[corpus.name]}
            for query in corpus.queries:
                began = time.perf_counter()
                found = arm(query.text, corpus.name)
                times.append((time.perf_counter() - began) * 1000)
                scores[corpus.set].append(_ndcg(corpus, query, paths, found))
        row = {
            "arm": name,
            **{key: round(statistics.fmean(values), 4) for key, values in scores.items()},
            "queries": {key: len(values) for key, values in scores.items()},
            "p50_ms": round(statistics.median(times), 1),
        }
        print(row, flush=True)
        rows.append(row)
    return rows


def _ndcg(corpus: QueryCorpus, query: Query, paths: set[str], found: list[Found]) -> float:
    present = [t for t in query.targets if any(t.is_in(_full(corpus, path)) for path in paths)]
    ranks = []
    for target in present:
        for rank, (repository, path, first, last) in enumerate(found[:LIMIT], start=1):
            is_there = repository == corpus.name and target.is_in(_full(corpus, path))
            if is_there and target.overlaps(first, last):
                ranks.append(rank)
                break
    return evaluate.ndcg(ranks, len(present), limit=LIMIT)


def _full(corpus: QueryCorpus, path: str) -> str:
    return f"{corpus.below}/{path}" if corpus.below else path
