"""Query -> hits, as pure functions over a mirror: pools, fusion, rules, hits."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Literal

import numpy as np
import numpy.typing as npt

from homespun.indexer import bm25, ranking
from homespun.indexer.bm25 import Mask
from homespun.indexer.mirror import Mirror
from homespun.indexer.ranking import Candidate
from homespun.indexer.tokens import split_identifiers
from homespun.indexer.types import Hit, Region

Mode = Literal["hybrid", "lexical", "dense"]

RRF_K = 60  # reciprocal rank fusion, as in semble, Tabby and LanceDB
POOL = 5  # candidates a side, in units of the limit
_SMALLEST_POOL = 50
_DENSE_WEIGHT = {"symbol": 0.3, "path": 0.3, "code": 0.5, "prose": 0.5}  # the rest is lexical
_ENDING_WEIGHT = 0.5  # of a word that differs from the query's in its ending only
_ENDINGS = ("ation", "ions", "ings", "ing", "ion", "ers", "ies", "es", "ed", "er", "s", "e", "y")
_QUERY_TERMS = 96  # of a code window; the rarest of them decide anyway


def search(
    mirror: Mirror,
    query: str,
    vector: npt.NDArray[np.float32] | None,
    wanted: Mask,
    *,
    limit: int,
    mode: Mode,
) -> list[Hit]:
    """Return the best `limit` chunks. `vector` is the query's, `(dimensions,)`, None without."""
    kind = ranking.query_kind(query)
    pool = max(POOL * limit, _SMALLEST_POOL)
    lexical: list[int] = []
    dense: list[int] = []
    if mode != "dense" or vector is None:
        lexical = _lexical_pool(mirror, query, kind, wanted, pool)
    if mode != "lexical" and vector is not None:
        dense = _dense_pool(mirror, vector, wanted, pool)
    fused = _fused(lexical, dense, _DENSE_WEIGHT[kind])
    ranked = ranking.rank(query, kind, fused, mirror, wanted)
    return [_hit(mirror, candidate) for candidate in ranking.spread(ranked, mirror, limit)]


def similar(mirror: Mirror, text: str, wanted: Mask, *, limit: int) -> list[Hit]:
    """Return the chunks most like a window of code, by words alone.

    A score is the share of what a chunk could score at most: 0 = nothing in common, towards 1 =
    every word of the window, often.
    """
    weights = _rarest(mirror, dict.fromkeys(split_identifiers(text), 1.0))
    scores, most = bm25.score(mirror.segments, weights)
    if not len(scores) or most <= 0:
        return []
    scores = np.where(wanted, scores / most, 0)
    return [
        _hit(mirror, Candidate(document, {"lexical": float(scores[document])}))
        for document in _top(scores, limit)
    ]


def wanted_documents(
    mirror: Mirror,
    *,
    language: str | None = None,
    glob: str | None = None,
    kind: str | None = None,
    exclude: Sequence[Region] = (),
) -> Mask:
    """Return `(mirror.size,)`: live documents that pass every filter."""
    wanted = mirror.alive
    if language is not None:
        wanted &= np.concatenate([shard.languages == language for shard in mirror.shards])
    if kind is not None:
        wanted &= np.concatenate([shard.kinds == kind for shard in mirror.shards])
    if glob is not None:
        pattern = _glob_pattern(glob)
        for path, documents in mirror.documents.items():
            if not pattern.fullmatch(path):
                wanted[list(documents)] = False
    for region in exclude:
        for document in mirror.documents.get(region.path, ()):
            chunk = mirror.chunk(document)
            if chunk.start_line <= region.end_line and region.start_line <= chunk.end_line:
                wanted[document] = False
    return wanted


def _lexical_pool(mirror: Mirror, query: str, kind: str, wanted: Mask, pool: int) -> list[int]:
    words = dict.fromkeys(ranking.search_words(query, kind), 1.0)
    if kind == "prose" or query.strip().isalpha() and query.strip().islower():
        words = _with_endings(mirror, words)
    scores, _ = bm25.score(mirror.segments, words)
    return _top(np.where(wanted, scores, 0), pool) if len(scores) else []


def _dense_pool(
    mirror: Mirror, vector: npt.NDArray[np.float32], wanted: Mask, pool: int
) -> list[int]:
    nearness = np.full(mirror.size, -np.inf, dtype=np.float32)
    start = 0
    for shard in mirror.shards:
        end = start + len(shard.chunks)
        if shard.vectors is not None and shard.has_vector is not None:
            usable = wanted[start:end] & shard.has_vector
            nearness[start:end] = np.where(usable, shard.vectors @ vector, -np.inf)
        start = end
    return _top(nearness, pool, above=-np.inf)


def _fused(lexical: list[int], dense: list[int], dense_weight: float) -> list[Candidate]:
    """Weighted reciprocal rank fusion; where one side is empty the other has all the weight."""
    if not dense or not lexical:
        dense_weight = 1.0 if dense else 0.0
    candidates: dict[int, Candidate] = {}
    sides = (("lexical", lexical, 1 - dense_weight), ("dense", dense, dense_weight))
    for part, documents, weight in sides:
        for place, document in enumerate(documents, start=1):
            candidate = candidates.setdefault(document, Candidate(document))
            candidate.add(part, weight / (RRF_K + place))
    return list(candidates.values())


def _top(scores: npt.NDArray[np.float32], count: int, *, above: float = 0.0) -> list[int]:
    """Return the documents with the highest scores above a floor, best first, then by number."""
    if len(scores) > count:
        found = np.argpartition(-scores, count - 1)[:count]
        found = np.flatnonzero(scores >= scores[found].min())  # all that tie with the last
    else:
        found = np.arange(len(scores))
    found = found[scores[found] > above]
    order = np.lexsort((found, -scores[found]))
    return [int(document) for document in found[order][:count]]


def _with_endings(mirror: Mirror, words: dict[str, float]) -> dict[str, float]:
    """Add the words of the index that differ from a query's in their ending only."""
    widened = dict(words)
    for word in words:
        stem = _stem(word)
        for other in (stem, *(stem + ending for ending in _ENDINGS)):
            if other not in widened and any(
                other in segment.vocabulary for segment, _ in mirror.segments
            ):
                widened[other] = _ENDING_WEIGHT
    return widened


def _stem(word: str) -> str:
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 4:
            return word.removesuffix(ending)
    return word


def _rarest(mirror: Mirror, weights: dict[str, float]) -> dict[str, float]:
    """Keep the words with the shortest postings: long ones cost most and say least."""
    sizes = {word: _frequency(mirror, word) for word in weights}
    known = sorted((word for word in weights if sizes[word]), key=lambda word: sizes[word])
    return {word: weights[word] for word in known[:_QUERY_TERMS]}


def _frequency(mirror: Mirror, word: str) -> int:
    total = 0
    for segment, _ in mirror.segments:
        term = segment.vocabulary.get(word)
        if term is not None:
            total += int(segment.starts[term + 1] - segment.starts[term])
    return total


def _hit(mirror: Mirror, candidate: Candidate) -> Hit:
    chunk = mirror.chunk(candidate.document)
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


@lru_cache(maxsize=64)
def _glob_pattern(glob: str) -> re.Pattern[str]:
    r"""Translate a path glob: `*` within a folder, `**` across; without "/" it is the file's name.

    A folder stands for everything below it: `src/` is `src/**`.
    """
    glob = glob.removeprefix("./")
    if glob.endswith("/"):
        glob += "**"
    if "/" not in glob:
        glob = "**/" + glob
    parts = {"**/": r"(?:.*/)?", "**": r".*", "*": r"[^/]*", "?": r"[^/]"}
    tokens = re.findall(r"\*\*/|\*\*|\*|\?|\[[^\]]+\]|\{[^}]+\}|.", glob, re.DOTALL)
    pattern = "".join(parts.get(token) or _literal(token) for token in tokens)
    try:
        return re.compile(pattern, re.DOTALL)
    except re.error:  # a set that is none, such as [z-a]: no path is like this
        return re.compile(re.escape(glob))


def _literal(token: str) -> str:
    if len(token) > 1 and token.startswith("["):
        inner = token[1:-1].replace("\\", r"\\")
        return f"[^{inner[1:]}]" if inner.startswith("!") else f"[{inner}]"
    if len(token) > 1 and token.startswith("{"):
        return "(?:" + "|".join(re.escape(option) for option in token[1:-1].split(",")) + ")"
    return re.escape(token)
