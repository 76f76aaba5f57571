"""Copies and near copies among texts: MinHash over runs of five tokens, then the exact similarity.

Broder 1997 (resemblance of documents), with the bands of locality-sensitive hashing; the length of
the runs and the threshold are those of BigCode's pipeline. About a millisecond for a file.
"""

from __future__ import annotations

import re
import zlib
from collections import defaultdict
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

SHINGLE_TOKENS = 5
_TOKEN = re.compile(r"\w+|[^\w\s]")
# 21 bands of 3: two texts of similarity .7 meet in one at least with a probability of .9998.
_BANDS, _ROWS = 21, 3
_SEED = 11
_BLOCK = 4_096  # shingles hashed at once: 2 MB
_MIX = np.uint64(0x9E3779B97F4A7C15)

Hashes = npt.NDArray[np.uint64]


def shingles(text: str) -> Hashes:
    """Return the hashes of all runs of `SHINGLE_TOKENS` tokens, (runs,), sorted, each once.

    A text with fewer tokens is one run. The same on every machine and in every run.
    """
    tokens = _TOKEN.findall(text)
    if not tokens:
        return np.empty(0, dtype=np.uint64)
    codes = np.array([zlib.crc32(token.encode("utf-8")) for token in tokens], dtype=np.uint64)
    width = min(SHINGLE_TOKENS, len(codes))
    runs = np.zeros(len(codes) - width + 1, dtype=np.uint64)
    for offset in range(width):
        runs = (runs ^ codes[offset : len(codes) - width + 1 + offset]) * _MIX
        runs ^= runs >> np.uint64(29)
    return np.unique(runs)


def similarity(one: Hashes, other: Hashes) -> float:
    """Return the Jaccard similarity of two sets of shingles, 0 to 1; of two empty ones 0."""
    if not len(one) or not len(other):
        return 0.0
    shared = len(np.intersect1d(one, other, assume_unique=True))
    return shared / (len(one) + len(other) - shared)


def near_duplicates(texts: Sequence[str], *, threshold: float) -> dict[int, int]:
    """Return text -> the earlier text that it repeats, for all that are to be dropped.

    Put first what is to be kept: a text is dropped when one that was kept is at least this similar.
    """
    multipliers, offsets = _permutations()
    kept: dict[bytes, list[int]] = defaultdict(list)  # a band's values -> texts
    all_shingles: list[Hashes] = []
    dropped: dict[int, int] = {}
    for number, text in enumerate(texts):
        own = shingles(text)
        all_shingles.append(own)
        if not len(own):
            continue
        bands = _bands(own, multipliers, offsets)
        candidates = sorted({other for band in bands for other in kept[band]})
        for other in candidates:
            if similarity(own, all_shingles[other]) >= threshold:
                dropped[number] = other
                break
        else:
            for band in bands:
                kept[band].append(number)
    return dropped


def _permutations() -> tuple[Hashes, Hashes]:
    rng = np.random.default_rng(_SEED)
    count = _BANDS * _ROWS
    largest = np.iinfo(np.uint64).max
    multipliers = rng.integers(1, largest, count, dtype=np.uint64) | np.uint64(1)
    return multipliers, rng.integers(0, largest, count, dtype=np.uint64)


def _bands(own: Hashes, multipliers: Hashes, offsets: Hashes) -> list[bytes]:
    """Return each band's number and least hashes, as bytes."""
    least = np.full(len(multipliers), np.iinfo(np.uint64).max, dtype=np.uint64)
    for start in range(0, len(own), _BLOCK):
        block = own[start : start + _BLOCK]
        # Multiply-shift hashing: the high half of the product is well mixed.
        hashed = (block[:, None] * multipliers + offsets) >> np.uint64(32)
        least = np.minimum(least, hashed.min(axis=0))
    rows = least.reshape(_BANDS, _ROWS)
    return [bytes([number]) + row.tobytes() for number, row in enumerate(rows)]
