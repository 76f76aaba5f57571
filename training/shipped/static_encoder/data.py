"""A corpus of pairs -> what training reads: a vocabulary, bags of words, batches.

A text becomes a bag: each word of the vocabulary once, weighted by 1 + ln(how often). A word that
is not in the vocabulary is a name whose parts stand beside it, and is dropped.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from homespun.training.shipped.static_encoder.corpus import Corpus

_TEXTS_AT_ONCE = 50_000


@dataclass(frozen=True, slots=True)
class Bags:
    """Words of texts; text t has words[starts[t]:starts[t + 1]] with those weights."""

    words: npt.NDArray[np.uint16]
    weights: npt.NDArray[np.float32]
    starts: npt.NDArray[np.int64]  # (texts + 1,)

    def take(
        self, texts: npt.NDArray[np.int64]
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32], npt.NDArray[np.int64]]:
        """Return the words, weights and starts `(len(texts),)` of some texts in order."""
        lengths = self.starts[texts + 1] - self.starts[texts]
        starts = np.concatenate([[0], np.cumsum(lengths)[:-1]]).astype(np.int64)
        places = np.arange(int(lengths.sum())) - np.repeat(starts - self.starts[texts], lengths)
        return self.words[places].astype(np.int64), self.weights[places], starts


def vocabulary(corpus: Corpus, size: int, *, fewest_packages: int = 2) -> list[str]:
    """Return the words that most packages use, then those used most often.

    Counting packages keeps the private names of a few large ones out.
    """
    width = len(corpus.terms)
    packages = np.zeros(width, np.int64)
    times = np.zeros(width, np.int64)
    order = np.argsort(corpus.pairs[:, 4], kind="stable")
    owners = corpus.pairs[order, 4]
    bounds = np.flatnonzero(np.diff(owners)) + 1
    for rows in np.split(order, bounds):
        texts = corpus.pairs[rows, 1:3].astype(np.int64).ravel()
        words = _words_of(corpus, texts)
        counts = np.bincount(words, minlength=width)
        packages += counts > 0
        times += counts
    kept = np.flatnonzero(packages >= fewest_packages)
    best = kept[np.lexsort((kept, -times[kept], -packages[kept]))][:size]
    return [corpus.terms[word] for word in best]


def bags(corpus: Corpus, words: list[str]) -> Bags:
    """Return every text of a corpus as a bag."""
    known = {word: row for row, word in enumerate(words)}
    row_of = np.array([known.get(term, -1) for term in corpus.terms], np.int64)
    width = len(words)
    found, weights, counts = [], [], []
    texts = len(corpus.offsets) - 1
    for first in range(0, texts, _TEXTS_AT_ONCE):
        last = min(texts, first + _TEXTS_AT_ONCE)
        ids = corpus.ids[corpus.offsets[first] : corpus.offsets[last]]
        owner = np.repeat(np.arange(last - first), np.diff(corpus.offsets[first : last + 1]))
        rows = row_of[ids]
        kept = rows >= 0
        keys, times = np.unique(owner[kept] * width + rows[kept], return_counts=True)
        found.append((keys % width).astype(np.uint16))
        weights.append((1 + np.log(times)).astype(np.float32))
        counts.append(np.bincount(keys // width, minlength=last - first))
    starts = np.concatenate([[0], np.cumsum(np.concatenate(counts))]).astype(np.int64)
    return Bags(np.concatenate(found), np.concatenate(weights), starts)


def batches(
    corpus: Corpus,
    rows: npt.NDArray[np.int64],
    *,
    size: int,
    run: int,
    flatness: float,
    seed: int,
) -> Iterator[npt.NDArray[np.int64]]:
    """Yield row numbers of pairs, for one epoch.

    A batch is made of runs of up to `run` pairs of one package: they are each other's hard
    negatives. A language with n pairs is drawn in proportion to n ** flatness.
    """
    chance = np.random.default_rng(seed)
    rows = rows[chance.permutation(len(rows))]
    order = np.argsort(corpus.pairs[rows, 4], kind="stable")
    by_package = rows[order]
    owners = corpus.pairs[by_package, 4]
    bounds = np.flatnonzero(np.diff(owners)) + 1
    runs = [
        part[start : start + run]
        for part in np.split(by_package, bounds)
        for start in range(0, len(part), run)
    ]
    language = np.array([corpus.pairs[part[0], 3] for part in runs])
    sizes = np.array([len(part) for part in runs], np.float64)
    pairs_of = np.bincount(language, weights=sizes)
    wanted = pairs_of**flatness
    wanted *= sizes.sum() / wanted.sum()
    share = (wanted / np.maximum(pairs_of, 1))[language]
    times = np.floor(share + chance.random(len(runs))).astype(int)
    drawn = np.repeat(np.arange(len(runs)), times)
    queue = np.concatenate([runs[place] for place in chance.permutation(drawn)])
    for start in range(0, len(queue) - size + 1, size):
        yield queue[start : start + size]


def _words_of(corpus: Corpus, texts: npt.NDArray[np.int64]) -> npt.NDArray[np.int32]:
    parts = [corpus.ids[corpus.offsets[text] : corpus.offsets[text + 1]] for text in texts]
    return np.concatenate(parts) if parts else np.zeros(0, np.int32)
