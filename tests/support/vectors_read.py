"""Which vectors the real store is read for."""

from __future__ import annotations

import pytest

from homespun.indexer.storage.lance import Store


def note_vectors_read(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Return a list that from now on grows by the keys of all vectors that are read."""
    read: list[object] = []
    vectors = Store.vectors

    def noted(store, encoder, keys=None):
        for some, matrix in vectors(store, encoder, keys):
            read.extend(some)
            yield some, matrix

    monkeypatch.setattr(Store, "vectors", noted)
    return read
