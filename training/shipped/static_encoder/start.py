"""Where the embedder's rows start: what a sentence encoder knows of each word alone.

Words that mean alike begin near each other ("delete", "remove"), which a few hundred thousand pairs
of code do not teach. As model2vec does it: encode each word, keep the principal directions, weight
rare words higher.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from homespun.models.types import Encoder
from homespun.progress import Progress
from homespun.training.shipped.static_encoder.data import Bags

ENCODER = "all-minilm-l6-v2"
_WORDS_AT_ONCE = 2_000
_WORDS_OF_DIRECTIONS = 20_000  # the most common ones decide which directions count

Table = npt.NDArray[np.float32]


def word_vectors(
    encoder: Encoder, words: list[str], dimensions: int, *, progress: Progress
) -> Table:
    """Return `(len(words), dimensions)` unit rows: the encoder's vectors on their main axes."""
    progress.start("encoding words", len(words), "words")
    parts = []
    for first in range(0, len(words), _WORDS_AT_ONCE):
        parts.append(encoder.encode(words[first : first + _WORDS_AT_ONCE]))
        progress.advance(len(parts[-1]))
    progress.finish()
    vectors = np.concatenate(parts)
    vectors -= vectors.mean(axis=0)
    _, _, axes = np.linalg.svd(vectors[:_WORDS_OF_DIRECTIONS], full_matrices=False)
    return _unit(vectors @ axes[:dimensions].T)


def start_rows(vectors: Table, bags: Bags) -> Table:
    """Return the rows that training starts from: unit rows times each word's rarity."""
    texts = len(bags.starts) - 1
    found = np.bincount(bags.words, minlength=len(vectors))
    rarity = np.log(1 + texts / (1 + found))
    return np.asarray(_unit(vectors) * (rarity / rarity.mean())[:, None], np.float32)


def _unit(rows: Table) -> Table:
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(norms, 1e-9), np.float32)
