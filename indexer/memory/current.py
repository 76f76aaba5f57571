"""The state that searches read, kept at what is on the disk.

It is swapped as a whole: any thread may read `state` while another one brings in what is new.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from homespun.indexer.errors import IndexDamaged
from homespun.indexer.memory import snapshot
from homespun.indexer.memory.refresh import IndexState, followed, with_kept_vectors
from homespun.indexer.memory.vectors import Vectors
from homespun.indexer.storage import manifest
from homespun.indexer.storage.lance import Store, drawn_folder
from homespun.indexer.storage.manifest import Manifest
from homespun.indexer.storage.rows import Rows
from homespun.models.types import Encoder
from homespun.traces.traced import traced

_ATTEMPTS = 3  # to read a state that a writer does not sweep away meanwhile


class CurrentState:
    """The state in memory of the index in one folder, with the store that it comes from."""

    def __init__(self, folder: Path, encoder: Encoder | None) -> None:
        """Begin with nothing; `refresh` reads what there is."""
        self.state = IndexState(Manifest(), snapshot.empty())
        self.store = Store(drawn_folder(folder))  # until a manifest names another
        self.encoder = encoder  # whose vectors are kept in memory
        self._folder = folder
        self._changing = threading.Lock()
        self._seen: tuple[int, int, int] | None = None

    def refresh(self) -> bool:
        """Follow what this or another process has written; return whether there was anything.

        A look at the file's time when there was not. Raises `IndexDamaged`, `IndexMissing`.
        """
        with self._changing:
            for attempt in range(_ATTEMPTS):
                seen = manifest.identity(self._folder)
                if seen == self._seen and seen is not None:
                    return False
                current = manifest.load(self._folder, self.state.manifest)
                try:
                    if current.store:
                        self.store.follow(current.store)
                    state = followed(self.state, current, self.store)
                    self._take(with_kept_vectors(state, self.store, self.encoder), seen)
                except IndexDamaged:
                    # A writer may have swept that state away between the two reads.
                    moved_on = manifest.identity(self._folder) != seen
                    if attempt + 1 < _ATTEMPTS and moved_on:
                        continue
                    raise
                return True
        return False

    def manifest_on_disk(self) -> Manifest | None:
        """Return the manifest in memory if it is the one on the disk, to spare a reading."""
        seen = manifest.identity(self._folder)
        return self.state.manifest if seen == self._seen and seen is not None else None

    def use_encoder(self, encoder: Encoder | None) -> bool:
        """Take another encoder, or none; its vectors come with the next `refresh`.

        Returns whether it is another one.
        """
        with self._changing:
            if encoder is self.encoder:
                return False
            self.encoder = encoder
            self._seen = None
            self.state = replace(self.state, snapshot=snapshot.without_vectors(self.state.snapshot))
            return True

    @traced("index.remember")
    def take_built(self, built: Manifest, rows: Rows | None) -> None:
        """Take what was just written, its rows at hand as they went into the store."""
        with self._changing:
            # Words count from here on; what the store still has of vectors may take a moment.
            self.state = followed(self.state, built, self.store, at_hand=rows)
            state = with_kept_vectors(self.state, self.store, self.encoder)
            self._take(state, manifest.identity(self._folder))

    def take_manifest(self, written: Manifest) -> None:
        """Take a manifest that names the same rows as the one before."""
        with self._changing:
            state = replace(self.state, manifest=written)
            self._take(state, manifest.identity(self._folder))

    def take_vectors(self, keys: Sequence[str], vectors: npt.NDArray[np.float32]) -> None:
        """Have searches use vectors as soon as they are in the store."""
        with self._changing:
            filled = snapshot.with_vectors(self.state.snapshot, keys, Vectors.of(vectors))
            self.state = replace(self.state, snapshot=filled)

    def wipe(self) -> None:
        """Throw everything away, on the disk and in memory."""
        manifest.remove(self._folder)
        self.store.wipe()
        with self._changing:
            self.state, self._seen = IndexState(Manifest(), snapshot.empty()), None

    def _take(self, state: IndexState, seen: tuple[int, int, int] | None) -> None:
        """Take a state of the manifest `seen`; vectors that could not be read are tried again."""
        self.state = state
        self._seen = None if state.unread_vectors else seen
