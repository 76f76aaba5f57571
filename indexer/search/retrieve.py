"""Query -> hits, functions over a snapshot: words and vectors find candidates, rules rank them."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from homespun.indexer.memory.snapshot import Shard, Snapshot
from homespun.indexer.scan.globs import path_pattern
from homespun.indexer.search import ranking
from homespun.indexer.search.query import Question
from homespun.indexer.search.ranking import Candidate, PathMatch, Pool
from homespun.indexer.search.weights import WEIGHTS, Weights
from homespun.indexer.types import Hit, Region
from homespun.indexer.words import bm25
from homespun.indexer.words.bm25 import FloatArray, Mask, Owners, Term
from homespun.indexer.words.tokens import split_identifiers
from homespun.indexer.words.word_forms import ABBREVIATIONS, other_endings, stem
from homespun.traces.traced import traced

Mode = Literal["hybrid", "lexical", "dense"]

_CANDIDATES = 50  # a side, whatever the limit: ranking compares the candidates with each other
_MORE_CANDIDATES = 5  # times as many, once those are all hits and more are wanted
_WHOLE_FILES = 20  # candidates for the words that they have as a whole
_MAX_FILES_OF_A_WORD = 20  # a path's word that more files have brings none into the pool
_MIN_PATH_SHARE = 0.3  # of the query's words, to come into the pool by the path alone
_BLOCK = 32  # scores, of which only the best is looked at first
_MAX_QUERY_CHARS = 20_000  # a megabyte by mistake takes seconds and says no more
_QUERY_TERMS = 96  # of a code window; the rarest of them decide anyway
# Words on the line in focus weigh 1 + _FOCUS, four lines away a third of that; hits then hold lines
# that are more like the next one (bench/completion/similar_lines.py).
_FOCUS = 8.0
_FOCUS_LINES = 4.0


@traced("search.rank")
def search(
    snapshot: Snapshot,
    query: str,
    vector: npt.NDArray[np.float32] | None,
    wanted: Mask,
    *,
    limit: int,
    mode: Mode,
    weights: Weights = WEIGHTS,
) -> list[Hit]:
    """Return the best `limit` chunks. `vector` is the query's, `(dimensions,)`, None without.

    A smaller limit gives the beginning of what a larger one gives.
    """
    question = Question(query[:_MAX_QUERY_CHARS])
    evidence = _Evidence(snapshot, wanted)
    if mode != "dense" or vector is None:
        evidence.read_words(question, weights)
    if mode != "lexical" and vector is not None:
        evidence.read_vectors(vector)
    pools = _pools(evidence, Pool(question, snapshot, wanted, weights))
    return [_hit(snapshot, candidate) for candidate in ranking.ranked(pools, limit)]


def _pools(evidence: _Evidence, first: Pool) -> Iterator[Pool]:
    """Yield the candidates of a question, then the next best ones, until there are no more."""
    question, weights = first.question, first.weights
    count = _CANDIDATES
    for document in evidence.candidates(question, weights, count):
        first.candidate(document)
    ranking.add_definitions(first)
    if question.kind == "path":
        ranking.add_whole_paths(first)
    evidence.share_out(first)
    yield first
    seen = set(first.candidates)
    while count < evidence.reach:
        count *= _MORE_CANDIDATES
        pool = Pool(question, first.snapshot, first.wanted, weights)
        for document in evidence.candidates(question, weights, count):
            if document not in seen:
                pool.candidate(document)
        evidence.share_out(pool)
        yield pool
        seen.update(pool.candidates)


def similar(
    snapshot: Snapshot, text: str, wanted: Mask, *, limit: int, focus: int | None = None
) -> list[Hit]:
    """Return the chunks most like a window of code, by words alone.

    `focus` is the line of the window (from 0) that matters most, the lines around it less and less;
    without it all count the same. A score is the share of what a chunk could score at most: 0 =
    nothing in common, towards 1 = every word of the window, often.
    """
    terms = _rarest(snapshot, _weighted_words(text, focus))
    parts = snapshot.segments
    scores, most = bm25.score(parts, terms, bm25.find(parts, terms))
    if not len(scores) or most <= 0:
        return []
    scores = np.where(wanted, scores / most, 0)
    return [
        _hit(snapshot, Candidate(document, {"lexical": float(scores[document])}))
        for document in _top(scores, limit)
    ]


def _weighted_words(text: str, focus: int | None) -> dict[str, float]:
    """Return word -> weight; a word of several lines has that of its best."""
    weights: dict[str, float] = {}
    for row, line in enumerate(text.split("\n")):
        weight = 1.0 if focus is None else 1 + _FOCUS * math.exp(-abs(row - focus) / _FOCUS_LINES)
        for word in split_identifiers(line):
            if weight > weights.get(word, 0.0):
                weights[word] = weight
    return weights


class _Evidence:
    """What words and vectors say about every document."""

    def __init__(self, snapshot: Snapshot, wanted: Mask) -> None:
        self._snapshot = snapshot
        self._wanted = wanted
        self._text: FloatArray | None = None  # (documents,)
        self._files: list[FloatArray] = []  # for each shard (files,)
        self._nearness: FloatArray | None = None  # (documents,), -inf where there is no vector

    def read_words(self, question: Question, weights: Weights) -> None:
        """Score all documents, and all files as a whole, by their words."""
        parts = self._snapshot.segments
        terms = [_term(word, question, self._snapshot, weights) for word in question.words]
        found = bm25.find(parts, terms)
        scores, _ = bm25.score(parts, terms, found)
        self._text = np.where(self._wanted, scores, np.float32(0))
        if weights.whole_file:
            owners = [_owners(shard) for shard in self._snapshot.shards]
            self._files = bm25.score_files(owners, terms, found)

    def read_vectors(self, vector: npt.NDArray[np.float32]) -> None:
        """Compare the query with all documents that have a vector."""
        nearness = np.full(self._snapshot.size, -np.inf, dtype=np.float32)
        start = 0
        for shard in self._snapshot.shards:
            end = start + len(shard.chunks)
            if shard.vectors is not None and shard.has_vector is not None:
                usable = self._wanted[start:end] & shard.has_vector
                nearness[start:end] = np.where(usable, shard.vectors.nearness(vector), -np.inf)
            start = end
        self._nearness = nearness

    @property
    def reach(self) -> int:
        """Return how many documents one side says anything about, at most."""
        worded = 0 if self._text is None else int((self._text > 0).sum())
        near = 0 if self._nearness is None else int((self._nearness > -np.inf).sum())
        return max(worded, near)

    def candidates(self, question: Question, weights: Weights, count: int) -> list[int]:
        """Return the documents that are worth a closer look."""
        found: dict[int, None] = {}
        if self._text is not None:
            found.update(dict.fromkeys(_top(self._text, count)))
            found.update(dict.fromkeys(self._by_whole_files()))
        if self._nearness is not None:
            found.update(dict.fromkeys(_top(self._nearness, count, above=-np.inf)))
        if weights.path and question.kind != "path":
            found.update(dict.fromkeys(self._by_paths(question, weights)))
        return list(found)

    def share_out(self, pool: Pool) -> None:
        """Give every candidate its shares of the evidence."""
        self._share_text(pool)
        self._share_nearness(pool)

    def _share_text(self, pool: Pool) -> None:
        if self._text is None or not len(self._text):
            return
        weights = pool.weights
        best = float(self._text.max())
        best_file = max((float(part.max()) for part in self._files if len(part)), default=0.0)
        for document, candidate in pool.candidates.items():
            score = float(self._text[document])
            if score > 0:
                candidate.add("lexical", weights.text * (score / best) ** weights.text_power)
            if best_file > 0:
                number, file = self._file_of(document)
                whole = float(self._files[number][file])
                if whole > 0:
                    candidate.add("file", weights.whole_file * whole / best_file)

    def _share_nearness(self, pool: Pool) -> None:
        if self._nearness is None or not len(self._nearness):
            return
        best = float(self._nearness.max())
        is_name = pool.question.kind in ("symbol", "path")
        weight = pool.weights.dense_for_names if is_name else pool.weights.dense
        for document, candidate in pool.candidates.items():
            nearness = float(self._nearness[document])
            if nearness > 0 and weight:
                candidate.add("dense", weight * nearness / best)

    def _by_whole_files(self) -> list[int]:
        found = []
        start = 0
        for shard, scores in zip(self._snapshot.shards, self._files, strict=False):
            for file in _top(scores, _WHOLE_FILES):
                found += self._best_of(shard.files.paths[file])
            start += len(shard.chunks)
        return found

    def _by_paths(self, question: Question, weights: Weights) -> list[int]:
        match = PathMatch(question, weights)
        found = []
        for shard in self._snapshot.shards:
            files: set[int] = set()
            for word in question.path_words:
                having = shard.files.by_stem.get(stem(word), ())
                if len(having) <= _MAX_FILES_OF_A_WORD:
                    files.update(having)
            for file in sorted(files):
                path = shard.files.paths[file]
                if match.share(path) >= _MIN_PATH_SHARE:
                    found += self._best_of(path)
        return found

    def _best_of(self, path: str) -> list[int]:
        """Return the file's wanted document with the most of the query's words, if any."""
        wanted = [d for d in self._snapshot.documents.get(path, ()) if self._wanted[d]]
        if self._text is None:
            return wanted[:1]
        text = self._text
        return [max(wanted, key=lambda document: (text[document], -document))] if wanted else []

    def _file_of(self, document: int) -> tuple[int, int]:
        for number, shard in enumerate(self._snapshot.shards):
            if document < len(shard.chunks):
                return number, int(shard.files.of_document[document])
            document -= len(shard.chunks)
        raise IndexError(f"there is no document {document} behind the last")


def wanted_documents(
    snapshot: Snapshot,
    *,
    language: str | None = None,
    glob: str | None = None,
    kind: str | None = None,
    symbol: str | None = None,
    exclude: Sequence[Region] = (),
) -> Mask:
    """Return `(snapshot.size,)`: live documents that pass every filter.

    `symbol` leaves what belongs to definitions of that name ("Session", "Session.send").
    """
    wanted = snapshot.alive
    if language is not None:
        wanted &= np.concatenate([shard.languages == language for shard in snapshot.shards])
    if kind is not None:
        wanted &= np.concatenate([shard.kinds == kind for shard in snapshot.shards])
    if glob is not None:
        pattern = _glob_pattern(glob)
        wanted &= np.concatenate([shard.files.matching(pattern) for shard in snapshot.shards])
    if symbol is not None:
        wanted &= _in_definitions(snapshot, symbol)
    for region in exclude:
        for document in snapshot.documents.get(region.path, ()):
            chunk = snapshot.chunk(document)
            if chunk.start_line <= region.end_line and region.start_line <= chunk.end_line:
                wanted[document] = False
    return wanted


def _in_definitions(snapshot: Snapshot, name: str) -> Mask:
    inside = np.zeros(snapshot.size, dtype=np.bool_)
    for symbol in snapshot.definitions(name):
        for document in snapshot.documents.get(symbol.path, ()):
            chunk = snapshot.chunk(document)
            if chunk.start_line <= symbol.end_line and symbol.start_line <= chunk.end_line:
                inside[document] = True
    return inside


def _top(scores: FloatArray, count: int, *, above: float = 0.0) -> list[int]:
    """Return the documents with the highest scores above a floor, best first, then by number."""
    floor = _floor(scores, count)
    found = np.flatnonzero((scores >= floor) & (scores > above))
    order = np.lexsort((found, -scores[found]))
    return [int(document) for document in found[order[:count]]]


def _floor(scores: FloatArray, count: int) -> float:
    """Return a score that the best `count` all reach, and few others: faster than a partition."""
    blocks = len(scores) // _BLOCK
    if blocks <= count:
        return -np.inf
    best = scores[: blocks * _BLOCK].reshape(blocks, _BLOCK).max(axis=1)
    return float(np.partition(best, blocks - count)[blocks - count])


def _owners(shard: Shard) -> Owners:
    files = shard.files
    return Owners(files.of_document, files.lengths, shard.alive[files.first_document])


def _term(word: str, question: Question, snapshot: Snapshot, weights: Weights) -> Term:
    """Return a word with what else means the same in this index."""
    forms = {word: 1.0}
    if question.is_topic:
        vocabularies = [shard.words.vocabulary for shard in snapshot.shards]

        def is_known(other: str) -> bool:
            return any(other in vocabulary for vocabulary in vocabularies)

        if weights.ending:
            forms |= dict.fromkeys(other_endings(word, is_known), weights.ending)
        if weights.abbreviation:
            for other in sorted(ABBREVIATIONS.get(word, ())):
                forms.setdefault(other, weights.abbreviation)
    return Term(forms)


def _rarest(snapshot: Snapshot, words: Mapping[str, float]) -> list[Term]:
    """Keep the words with the shortest postings: long ones cost most and say least."""
    sizes = {word: _frequency(snapshot, word) for word in words}
    known = sorted((word for word in words if sizes[word]), key=lambda word: sizes[word])
    return [Term({word: 1.0}, words[word]) for word in known[:_QUERY_TERMS]]


def _frequency(snapshot: Snapshot, word: str) -> int:
    total = 0
    for segment, _ in snapshot.segments:
        term = segment.vocabulary.get(word)
        if term is not None:
            total += int(segment.starts[term + 1] - segment.starts[term])
    return total


def _hit(snapshot: Snapshot, candidate: Candidate) -> Hit:
    chunk = snapshot.chunk(candidate.document)
    return Hit(
        path=chunk.path,
        start_line=chunk.start_line,
        end_line=chunk.end_line,
        symbol=chunk.symbol,
        kind=chunk.kind,
        language=chunk.language,
        score=candidate.score,
        why=dict(candidate.shares),
        text=chunk.text,
    )


def _glob_pattern(glob: str) -> re.Pattern[str]:
    """Translate a path glob; without "/" it is the file's name.

    A folder stands for everything below it: `src/` is `src/**`.
    """
    glob = glob.removeprefix("./")
    if glob.endswith("/"):
        glob += "**"
    return path_pattern(glob if "/" in glob else "**/" + glob)
