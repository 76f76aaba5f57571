"""The encoder that comes with the package: a table of word vectors, read with numpy alone.

A text's vector is the sum of its words' rows, each times 1 + ln(how often it stands there), at unit
length: no transformer, some ten microseconds a chunk. Words are those of `tokens.py`, the same that
full-text search counts. `training/shipped/static_encoder/job.py` makes the files:

- `rows.npy`: (words, dimensions) int8; `scales.npy`: (words,) float32, a row's unit
- `words.txt`: the words in the order of the rows, one a line
- `manifest.json`: what it was trained from, and the sha256 of the other files
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from homespun.indexer.words.bm25 import TokenBlock
from homespun.indexer.words.tokens import TOKENIZER_VERSION, split_identifiers
from homespun.models.errors import ModelDamaged

NAME = "homespun-static-1"
FOLDER = Path(__file__).with_name("static")
FILES = ("rows.npy", "scales.npy", "words.txt")

Vectors = npt.NDArray[np.float32]  # (texts, dimensions), unit-norm rows


class StaticEncoder:
    """Implements `homespun.models.types.Encoder`; safe to use from several threads."""

    def __init__(
        self,
        words: Sequence[str],
        rows: npt.NDArray[np.int8],
        scales: npt.NDArray[np.float32],
        name: str = NAME,
    ) -> None:
        """Take a table: `rows` is (len(words), dimensions), `scales` (len(words),)."""
        self.name = name
        self.dimensions = int(rows.shape[1])
        self._rows = rows
        self._scales = scales
        self._row_of = {word: row for row, word in enumerate(words)}

    @classmethod
    def load(cls, folder: Path = FOLDER) -> StaticEncoder:
        """Map the table of a folder. Raises `ModelDamaged` when it is not what the manifest says.

        The rows are memory-mapped, so processes share them and only what is read is loaded.
        """
        try:
            manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
            for name in FILES:
                _check(folder / name, manifest["sha256"][name])
            rows = np.load(folder / "rows.npy", mmap_mode="r", allow_pickle=False)
            scales = np.load(folder / "scales.npy", allow_pickle=False)
            words = (folder / "words.txt").read_text(encoding="utf-8").split("\n")
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ModelDamaged(
                f"the encoder in {str(folder)!r} cannot be read ({error}); install homespun again"
            ) from error
        _agree(folder, manifest, words, rows, scales)
        return cls(words, rows, scales, name=manifest["name"])

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return `(len(texts), dimensions)` float32 with unit-norm rows, in input order."""
        return self.encode_words([split_identifiers(text) for text in texts])

    def encode_words(self, texts: Sequence[Sequence[str]]) -> Vectors:
        """Return the vectors of texts that are split already; one without a known word is zeros."""
        summed = np.zeros((len(texts), self.dimensions), np.float32)
        for number, words in enumerate(texts):
            counts = Counter(words)
            known = [(row, counts[word]) for word in counts if (row := self._row(word)) is not None]
            if known:
                rows, times = zip(*known, strict=True)
                summed[number] = self._sum(np.array(rows), np.array(times))
        return _unit(summed)

    def encode_block(self, block: TokenBlock) -> Vectors:
        """Return the vectors of the documents of an index, whose words are at hand."""
        row_of = np.array([-1 if (row := self._row(t)) is None else row for t in block.terms])
        documents = len(block.offsets) - 1
        summed = np.zeros((documents, self.dimensions), np.float32)
        for document in range(documents):
            ids = block.ids[block.offsets[document] : block.offsets[document + 1]]
            unique, times = np.unique(ids, return_counts=True)
            rows = row_of[unique] if len(unique) else unique
            known = rows >= 0
            if known.any():
                summed[document] = self._sum(rows[known], times[known])
        return _unit(summed)

    def _row(self, word: str) -> int | None:
        return self._row_of.get(word)

    def _sum(self, rows: npt.NDArray[Any], times: npt.NDArray[Any]) -> Vectors:
        weights = (1 + np.log(times)).astype(np.float32) * self._scales[rows]
        summed: Vectors = weights @ self._rows[rows].astype(np.float32)
        return summed


def quantised(table: Vectors) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.float32]]:
    """Return int8 rows and their scales: `rows * scales[:, None]` is the table but for rounding."""
    most = np.abs(table).max(axis=1)
    scales = np.where(most > 0, most / 127, 1).astype(np.float32)
    return np.rint(table / scales[:, None]).astype(np.int8), scales


def hashes(folder: Path = FOLDER) -> list[str]:
    """Return the sha256 of each file of the table: what makes two tables the same."""
    return [hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in FILES]


def _unit(vectors: Vectors) -> Vectors:
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(norms, 1e-9), np.float32)


def _check(path: Path, expected: str) -> None:
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if digest != expected:
        raise ValueError(f"{path.name} has sha256 {digest}, the manifest says {expected}")


def _agree(
    folder: Path,
    manifest: dict[str, Any],
    words: list[str],
    rows: npt.NDArray[Any],
    scales: npt.NDArray[Any],
) -> None:
    if not len(words) == len(rows) == len(scales) or rows.dtype != np.int8:
        raise ModelDamaged(
            f"the encoder in {str(folder)!r} has {len(words)} words, {len(rows)} rows of "
            f"{rows.dtype} and {len(scales)} scales; they must be as many; install homespun again"
        )
    if manifest.get("tokenizer_version") != TOKENIZER_VERSION:
        raise ModelDamaged(
            f"the encoder in {str(folder)!r} was trained for split "
            f"{manifest.get('tokenizer_version')}, this version splits words by "
            f"{TOKENIZER_VERSION}; install homespun again"
        )
