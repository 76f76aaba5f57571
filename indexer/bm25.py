"""Okapi BM25 over numpy postings: segments that never change, liveness masks that do.

Scores of a set of segments are exactly those of one fresh segment over the live documents: document
frequency and mean length count live documents only. So an index updated file by file ranks as a
rebuilt one does.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

K1 = 1.5  # term frequency saturation; with B the usual values, also semble's and zoekt's
B = 0.75  # how much long documents are damped

IntArray = npt.NDArray[np.int32]
LongArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class TokenBlock:
    """The words of some documents, in document order."""

    terms: list[str]  # vocabulary
    ids: IntArray  # (tokens,), indexes into `terms`
    offsets: LongArray  # (documents + 1,), document d holds ids[offsets[d]:offsets[d + 1]]


@dataclass(frozen=True, slots=True)
class Segment:
    """Postings of some documents: term t is in docs[starts[t]:starts[t + 1]]."""

    vocabulary: dict[str, int]
    starts: LongArray  # (terms + 1,)
    docs: IntArray  # (postings,), ascending within a term
    counts: FloatArray  # (postings,), term frequency
    lengths: FloatArray  # (documents,), words in the document

    @property
    def size(self) -> int:
        """Number of documents, dead ones included."""
        return len(self.lengths)


def build(block: TokenBlock) -> Segment:
    """Invert a block of documents."""
    lengths = np.diff(block.offsets)
    docs = np.repeat(np.arange(len(lengths), dtype=np.int64), lengths)
    pairs, counts = np.unique(
        block.ids.astype(np.int64) * max(len(lengths), 1) + docs, return_counts=True
    )
    return _segment(block.terms, pairs, counts.astype(np.float32), lengths.astype(np.float32))


def join(parts: Sequence[tuple[Segment, Mask]]) -> Segment:
    """Return one segment of the live documents of all parts, in order."""
    vocabulary: dict[str, int] = {}
    terms_of: list[LongArray] = []
    docs_of: list[LongArray] = []
    counts_of: list[FloatArray] = []
    lengths_of: list[FloatArray] = []
    base = 0
    for segment, alive in parts:
        renumbered = np.cumsum(alive) - 1 + base
        kept = alive[segment.docs]
        to_joint = np.fromiter(
            (vocabulary.setdefault(term, len(vocabulary)) for term in segment.vocabulary),
            dtype=np.int64,
            count=len(segment.vocabulary),
        )
        owner = np.repeat(to_joint, np.diff(segment.starts))
        terms_of.append(owner[kept])
        docs_of.append(renumbered[segment.docs[kept]])
        counts_of.append(segment.counts[kept])
        lengths_of.append(segment.lengths[alive])
        base += int(alive.sum())
    pairs = np.concatenate(terms_of) * max(base, 1) + np.concatenate(docs_of)
    order = np.argsort(pairs, kind="stable")
    counts = np.concatenate(counts_of)[order]
    return _segment(list(vocabulary), pairs[order], counts, np.concatenate(lengths_of))


def score(
    parts: Sequence[tuple[Segment, Mask]], query: Mapping[str, float]
) -> tuple[FloatArray, float]:
    """Return `(documents of all parts,)` float32 scores and the most that any document can score.

    `query` maps a word to its weight. Dead documents score 0.
    """
    live = sum(int(alive.sum()) for _, alive in parts)
    words = sum(float(segment.lengths[alive].sum()) for segment, alive in parts)
    mean_length = words / live if live and words else 1.0
    found = [_postings(segment, alive, query) for segment, alive in parts]
    scores = [np.zeros(segment.size, dtype=np.float32) for segment, _ in parts]
    dampers = [K1 * (1 - B + B * segment.lengths / mean_length) for segment, _ in parts]
    best = 0.0
    for word, weight in query.items():
        frequency = sum(len(postings[word][0]) for postings in found if word in postings)
        gain = weight * math.log(1 + (live - frequency + 0.5) / (frequency + 0.5)) * (K1 + 1)
        best += gain
        for part, postings in enumerate(found):
            if word in postings:
                docs, counts = postings[word]
                scores[part][docs] += gain * counts / (counts + dampers[part][docs])
    return np.concatenate(scores) if scores else np.zeros(0, dtype=np.float32), best


def _segment(
    terms: list[str], pairs: LongArray, counts: FloatArray, lengths: FloatArray
) -> Segment:
    """Build from sorted keys `term * documents + document`."""
    width = max(len(lengths), 1)
    starts = np.searchsorted(pairs, np.arange(len(terms) + 1, dtype=np.int64) * width)
    return Segment(
        vocabulary={term: number for number, term in enumerate(terms)},
        starts=starts.astype(np.int64),
        docs=(pairs % width).astype(np.int32),
        counts=counts,
        lengths=lengths,
    )


def _postings(
    segment: Segment, alive: Mask, query: Mapping[str, float]
) -> dict[str, tuple[IntArray, FloatArray]]:
    """Return the live postings of the query's words."""
    all_alive = bool(alive.all())
    found = {}
    for word in query:
        term = segment.vocabulary.get(word)
        if term is None:
            continue
        start, end = segment.starts[term], segment.starts[term + 1]
        docs, counts = segment.docs[start:end], segment.counts[start:end]
        if not all_alive:
            kept = alive[docs]
            docs, counts = docs[kept], counts[kept]
        if len(docs):
            found[word] = (docs, counts)
    return found
