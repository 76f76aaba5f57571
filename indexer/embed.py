"""Chunks -> vectors, in batches that a killed run does not lose.

Vectors are kept by the hash of what the encoder read, so a moved file or another branch costs
nothing. Computing needs no lock; only each short commit takes it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from homespun.indexer import manifest
from homespun.indexer.errors import IndexMissing
from homespun.indexer.manifest import EncoderStamp, Manifest
from homespun.indexer.store import Store
from homespun.models.types import Encoder, Progress

_COMMIT_CHUNKS = 256  # vectors a commit: seconds of work with a transformer on a CPU

Lock = Callable[[], AbstractContextManager[None]]


def missing_texts(store: Store, encoder: Encoder, texts: Mapping[str, str]) -> dict[str, str]:
    """Return those of `texts` (hash -> text) that the store has no vector for."""
    known = store.vector_keys(encoder.name)
    return {key: text for key, text in texts.items() if key not in known}


def embed(
    folder: Path,
    store: Store,
    encoder: Encoder,
    missing: Mapping[str, str],
    *,
    lock: Lock,
    progress: Progress,
    cancelled: Callable[[], bool],
) -> Iterator[int]:
    """Compute the vectors of `missing` (hash -> text); yield the size of each commit.

    The manifest names the encoder from the first commit on, even when nothing is missing.
    """
    with lock():
        _stamp(folder, encoder)
    # Texts of like length together: a batch is padded to its longest.
    keys = sorted(missing, key=lambda key: (len(missing[key]), key))
    progress.start("embedding", len(keys), "chunks")
    for start in range(0, len(keys), _COMMIT_CHUNKS):
        if cancelled():
            break
        batch = keys[start : start + _COMMIT_CHUNKS]
        vectors = _encoded(encoder, [missing[key] for key in batch])
        with lock():
            store.add_vectors(encoder.name, batch, vectors)
            _stamp(folder, encoder, always=True)
        progress.advance(len(batch))
        yield len(batch)
    progress.finish()


def _encoded(encoder: Encoder, texts: list[str]) -> npt.NDArray[np.float32]:
    vectors = np.asarray(encoder.encode(texts), dtype=np.float32)  # (len(texts), dimensions)
    if vectors.shape != (len(texts), encoder.dimensions):
        raise ValueError(
            f"encoder {encoder.name!r} returned shape {vectors.shape} for {len(texts)} texts "
            f"of {encoder.dimensions} dimensions"
        )
    return vectors


def _stamp(folder: Path, encoder: Encoder, *, always: bool = False) -> None:
    """Name the encoder in the manifest; a new generation tells readers to look for vectors."""
    try:
        current: Manifest = manifest.load(folder)
    except IndexMissing:
        return  # rebuilt from nothing by another process; its rows will ask for vectors again
    stamp = EncoderStamp(encoder.name, encoder.dimensions)
    if always or current.encoder != stamp:
        generation = current.generation + 1
        manifest.save(folder, replace(current, generation=generation, encoder=stamp))
