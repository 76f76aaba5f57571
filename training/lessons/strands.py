"""Sequences that begin alike -> one tree of ids, in which what is alike stands once.

A model that looks only back gives a token the same meaning in each sequence that begins alike, so
with a mask that hides the other branches the tree computes what the sequences would one by one
(tree attention: Cai et al., "Medusa", arXiv 2401.10774).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from homespun.models.engine.common_prefix import common_prefix
from homespun.training.dataset.examples import EncodedExample, Strand

_MIN_SHARED = (
    0.4  # of a further sequence; one that shares less costs as much as a prompt of its own
)


@dataclass(slots=True)
class Weighed:
    """One sequence, what each of its ids counts, and the rare word that it is part of."""

    ids: list[int]
    weights: list[float]
    rare: list[int]
    hole: int  # where the answer begins


def as_one(sequences: Sequence[Weighed], name: str) -> EncodedExample:
    """Return the first sequence, with what the others have behind their common start with it.

    The others teach their answers alone, so what they share with the first counts once. Those whose
    answer teaches nothing are left out.
    """
    first = sequences[0]
    kept = [
        (common_prefix(first.ids, other.ids), other)
        for other in sequences[1:]
        if any(other.weights)
    ]
    if not kept:
        return EncodedExample(
            first.ids, first.hole, name, tuple(first.weights), tuple(first.rare), ()
        )
    kept.sort(key=lambda pair: pair[0])
    strands, number_at = _trunk(sorted({shared for shared, _ in kept}), len(first.ids))
    ids, weights, rare = list(first.ids), list(first.weights), list(first.rare)
    for shared, other in kept:
        strands.append(Strand(len(ids), len(ids) + len(other.ids) - shared, number_at[shared]))
        ids += other.ids[shared:]
        weights += other.weights[shared:]
        rare += other.rare[shared:]
    return EncodedExample(ids, first.hole, name, tuple(weights), tuple(rare), tuple(strands))


def share_enough(ids: Sequence[int], others: Sequence[int]) -> bool:
    """Tell whether a second sequence is worth its tokens beside a first one."""
    return common_prefix(list(ids), list(others)) >= _MIN_SHARED * len(others)


def _trunk(cuts: Sequence[int], end: int) -> tuple[list[Strand], dict[int, int]]:
    """Cut a sequence where others leave it; return its strands, and which one ends at each cut."""
    strands: list[Strand] = []
    number_at: dict[int, int] = {}
    start = 0
    for cut in [*cuts, end]:
        if cut > start:
            strands.append(Strand(start, cut, len(strands) - 1))
            start = cut
        number_at[cut] = len(strands) - 1
    return strands, number_at
