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


@dataclass(frozen=True, slots=True)
class Term:
    """What one word of a query stands for."""

    forms: Mapping[str, float]  # word of the index -> how much an occurrence counts, 1 = fully
    weight: float = 1.0


Found = list[list[tuple[IntArray, FloatArray]]]  # [part][term] -> live documents, occurrences


def find(parts: Sequence[tuple[Segment, Mask]], terms: Sequence[Term]) -> Found:
    """Look the terms up; occurrences of a term's forms add up."""
    return [[_occurrences(segment, alive, term) for term in terms] for segment, alive in parts]


def score(
    parts: Sequence[tuple[Segment, Mask]], terms: Sequence[Term], found: Found
) -> tuple[FloatArray, float]:
    """Return `(documents of all parts,)` float32 scores and the most that any document can score.

    Dead documents score 0.
    """
    live, words = 0, 0.0
    for segment, alive in parts:
        counted = segment.lengths if alive.all() else segment.lengths[alive]
        live += len(counted)
        words += float(counted.sum())
    return _scored(terms, found, [segment.lengths for segment, _ in parts], live, words)


@dataclass(frozen=True, slots=True)
class Owners:
    """The files that the documents of a part belong to; a file lies in one part as a whole."""

    of_document: IntArray  # (documents,), number of the file
    lengths: FloatArray  # (files,), words in the file
    alive: Mask  # (files,)


def score_files(owners: Sequence[Owners], terms: Sequence[Term], found: Found) -> list[FloatArray]:
    """Return for each part `(files,)` float32 scores of whole files, each as one document."""
    by_file = [
        [_by_owner(part.of_document, counted) for counted in counted_terms]
        for part, counted_terms in zip(owners, found, strict=True)
    ]
    live = sum(int(part.alive.sum()) for part in owners)
    words = sum(float(part.lengths[part.alive].sum()) for part in owners)
    lengths = [part.lengths for part in owners]
    scores, _ = _scored(terms, by_file, lengths, live, words)
    return np.split(scores, np.cumsum([len(part) for part in lengths])[:-1]) if lengths else []


def _scored(
    terms: Sequence[Term], found: Found, lengths: Sequence[FloatArray], live: int, words: float
) -> tuple[FloatArray, float]:
    mean_length = words / live if live and words else 1.0
    scores = [np.zeros(len(part), dtype=np.float32) for part in lengths]
    best = 0.0
    for number, term in enumerate(terms):
        frequency = sum(len(part[number][0]) for part in found)
        gain = term.weight * math.log(1 + (live - frequency + 0.5) / (frequency + 0.5)) * (K1 + 1)
        best += gain
        for part, counted in enumerate(found):
            documents, counts = counted[number]
            if len(documents):
                damper = K1 * (1 - B) + (K1 * B / mean_length) * lengths[part][documents]
                scores[part][documents] += gain * counts / (counts + damper)
    return np.concatenate(scores) if scores else np.zeros(0, dtype=np.float32), best


def _occurrences(segment: Segment, alive: Mask, term: Term) -> tuple[IntArray, FloatArray]:
    postings = []
    for form, share in term.forms.items():
        number = segment.vocabulary.get(form)
        if number is not None:
            start, end = segment.starts[number], segment.starts[number + 1]
            counts = segment.counts[start:end]
            postings.append((segment.docs[start:end], counts * share if share != 1 else counts))
    if not postings:
        return _NOWHERE
    documents, counts = postings[0] if len(postings) == 1 else _added_up(postings, segment.size)
    kept = alive[documents]
    return (documents, counts) if kept.all() else (documents[kept], counts[kept])


def _added_up(
    postings: Sequence[tuple[IntArray, FloatArray]], size: int
) -> tuple[IntArray, FloatArray]:
    documents = np.concatenate([one for one, _ in postings])
    counts = np.concatenate([one for _, one in postings])
    if len(documents) * _SPARSE < size:
        unique, inverse = np.unique(documents, return_inverse=True)
        return unique, np.bincount(inverse, weights=counts).astype(np.float32)
    sums = np.bincount(documents, weights=counts, minlength=size).astype(np.float32)
    unique = np.flatnonzero(sums).astype(np.int32)
    return unique, sums[unique]


def _by_owner(owner: IntArray, counted: tuple[IntArray, FloatArray]) -> tuple[IntArray, FloatArray]:
    documents, counts = counted
    if not len(documents):
        return _NOWHERE
    sums = np.bincount(owner[documents], weights=counts).astype(np.float32)
    files = np.flatnonzero(sums).astype(np.int32)
    return files, sums[files]


_SPARSE = 16  # sorting so few of the documents is faster than looking at all
_NOWHERE = (np.zeros(0, dtype=np.int32), np.zeros(0, dtype=np.float32))


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
