"""Chunks -> vectors, in batches that a killed run does not lose.

Vectors are kept by the hash of what the encoder read, so a moved file or another branch costs
nothing. Computing needs no lock; only each short commit takes it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Container, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from homespun.indexer.errors import IndexDamaged, IndexMissing
from homespun.indexer.memory import snapshot
from homespun.indexer.memory.refresh import IndexState
from homespun.indexer.memory.snapshot import Snapshot
from homespun.indexer.storage import manifest
from homespun.indexer.storage.lance import Store
from homespun.indexer.storage.manifest import EncoderStamp, Manifest
from homespun.indexer.storage.rows import embedding_text
from homespun.models.errors import RemoteError
from homespun.models.types import AskedEncoder, Encoder
from homespun.progress import Progress

logger = logging.getLogger(__name__)

_BATCH_CHUNKS = 256  # texts an encoder gets at once
_ASKED_CHUNKS = 64  # the same of one that is asked over a network
_COMMIT_CHUNKS = 4096  # a commit takes tens of milliseconds whatever its size
_COMMIT_SECONDS = 5.0  # of work that a killed run may lose
_ASKED_COMMIT_SECONDS = 1.0  # of work that may have been paid for

Lock = Callable[[], AbstractContextManager[None]]
Vectors = npt.NDArray[np.float32]  # (texts, dimensions), unit-norm rows


@dataclass(frozen=True, slots=True)
class Portions:
    """In which pieces vectors are made and kept."""

    texts: int  # that an encoder gets at once
    seconds: float  # of work between two commits


def missing_texts(current: Snapshot) -> dict[str, str]:
    """Return hash -> text of the chunks without a vector."""
    return {key: embedding_text(chunk) for key, chunk in snapshot.missing_chunks(current).items()}


def expect_kept(encoder: Encoder, store: Store, current: Manifest) -> Portions:
    """Tell an encoder that is asked how long its kept vectors are; return what it gets at once.

    So nothing is sent to learn it, and another model under the same name is found out.
    """
    if not isinstance(encoder, AskedEncoder):
        return Portions(_BATCH_CHUNKS, _COMMIT_SECONDS)
    stamp = current.encoder
    is_same = stamp is not None and stamp.name == encoder.name
    kept = stamp.dimensions if stamp and is_same else store.vector_dimensions(encoder.name)
    if kept:
        encoder.expect(kept)
    return Portions(_ASKED_CHUNKS, _ASKED_COMMIT_SECONDS)


def embed_texts(
    folder: Path,
    store: Store,
    encoder: Encoder,
    missing: Mapping[str, str],
    *,
    seen: IndexState,
    lock: Lock,
    progress: Progress,
    cancelled: Callable[[], bool],
    portions: Portions,
) -> Iterator[tuple[list[str], Vectors]]:
    """Compute the vectors of `missing` (hash -> text); yield keys and vectors of each commit.

    `seen` is the state in which they were missing. Raises `RemoteError` where a server does not
    answer; what it answered before is kept.

    The manifest names the encoder from the first commit on, even when nothing is missing. Where
    another process embeds at the same time, what it was first with is not added again.
    """
    stamp = _stamp_of(encoder)  # may ask a server, so not under the lock
    with lock():
        # Who has read a state that names the encoder has what the store had of its vectors then.
        ours = _followed(folder, store)
        is_new = ours is not None and ours.encoder != stamp
        has_read_all = ours is None or (not is_new and _is_same(ours, seen.manifest))
        if ours is not None and seen.unread_vectors:
            _drop_unreadable(store, encoder)
            has_read_all = False
        known = set() if has_read_all else store.vector_keys(encoder.name)
        if ours is not None and is_new:
            ours = _stamped(folder, ours, stamp)
    # Texts of like length together: a batch is padded to its longest.
    keys = sorted(missing.keys() - known, key=lambda key: (len(missing[key]), key))
    progress.start("embedding", len(keys), "chunks")
    for batch, vectors in _commits(encoder, keys, missing, progress, cancelled, portions):
        with lock():
            current = _followed(folder, store)
            if current is not None:
                known = set() if _is_same(current, ours) else store.vector_keys(encoder.name)
                _add(store, encoder, batch, vectors, known)
                ours = _stamped(folder, current, stamp)
        yield batch, vectors
    progress.finish()


def _commits(
    encoder: Encoder,
    keys: list[str],
    texts: Mapping[str, str],
    progress: Progress,
    cancelled: Callable[[], bool],
    portions: Portions,
) -> Iterator[tuple[list[str], Vectors]]:
    """Encode in batches; yield as many together as are worth a commit."""
    done: list[Vectors] = []
    first = 0
    began = time.monotonic()
    for start in range(0, len(keys), portions.texts):
        if cancelled():
            break
        batch = keys[start : start + portions.texts]
        try:
            done.append(_encoded(encoder, [texts[key] for key in batch]))
        except RemoteError:
            if done:
                yield keys[first:start], np.concatenate(done)
            raise
        progress.advance(len(batch))
        end = start + len(batch)
        if end - first >= _COMMIT_CHUNKS or time.monotonic() - began > portions.seconds:
            yield keys[first:end], np.concatenate(done)
            done, first, began = [], end, time.monotonic()
    if done:
        yield keys[first : first + sum(map(len, done))], np.concatenate(done)


def _encoded(encoder: Encoder, texts: list[str]) -> Vectors:
    vectors = np.asarray(encoder.encode(texts), dtype=np.float32)  # (len(texts), dimensions)
    if vectors.shape != (len(texts), encoder.dimensions):
        raise ValueError(
            f"encoder {encoder.name!r} returned shape {vectors.shape} for {len(texts)} texts "
            f"of {encoder.dimensions} dimensions"
        )
    return vectors


def _followed(folder: Path, store: Store) -> Manifest | None:
    """Return the manifest, the store looking where it says; under the lock.

    None where another process begins anew: its rows will ask for vectors again.
    """
    try:
        current: Manifest = manifest.load(folder)
    except IndexMissing:
        return None
    if not current.store:
        return None
    store.follow(current.store)
    return current


def _drop_unreadable(store: Store, encoder: Encoder) -> None:
    """Drop a table that still cannot be read now that nobody writes it: a writer died over it."""
    try:
        for _ in store.vectors(encoder.name):
            pass
    except IndexDamaged as damaged:
        reason = str(damaged).split("; run `homespun")[0]
        logger.warning("the vectors are computed anew: %s", reason)
        store.forget_vectors(encoder.name)


def _is_same(one: Manifest, other: Manifest | None) -> bool:
    return other is not None and (one.generation, one.store) == (other.generation, other.store)


def _add(
    store: Store, encoder: Encoder, keys: list[str], vectors: Vectors, known: Container[str]
) -> None:
    rows = [row for row, key in enumerate(keys) if key not in known]
    if rows:
        store.add_vectors(encoder.name, [keys[row] for row in rows], vectors[rows])


def _stamped(folder: Path, current: Manifest, stamp: EncoderStamp) -> Manifest:
    """Name the encoder in the manifest: a new generation tells readers to look for vectors."""
    generation = current.generation + 1
    return manifest.save(folder, replace(current, generation=generation, encoder=stamp))


def _stamp_of(encoder: Encoder) -> EncoderStamp:
    return EncoderStamp(encoder.name, encoder.dimensions)
