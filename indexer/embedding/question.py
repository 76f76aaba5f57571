"""The vector of a question: why there may be none, and how a server is asked for it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from homespun.indexer.memory.refresh import IndexState
from homespun.indexer.memory.snapshot import vectors_present
from homespun.indexer.storage.manifest import EncoderStamp
from homespun.models.errors import RemoteError
from homespun.models.types import AskedEncoder, Encoder
from homespun.traces.traced import traced


def why_not_dense(root: Path, state: IndexState, encoder: Encoder | None) -> str:
    """Return a sentence why vectors cannot be used, "" when they can."""
    if encoder is None:
        return "no encoder is loaded, so search goes by words alone"
    stamp = state.manifest.encoder
    if stamp is not None and stamp.name != encoder.name:
        return (
            f"the index has vectors of {stamp.name!r}, not of {encoder.name!r}, so "
            f"search goes by words alone; run `homespun index {root}`"
        )
    if state.unread_vectors and not vectors_present(state.snapshot):
        return (
            "the vectors of the index cannot be read now, so search goes by words alone; "
            f"`homespun index {root}` makes those anew that are damaged"
        )
    if not vectors_present(state.snapshot):
        return (
            "the index has no vectors yet, so search goes by words alone; "
            f"run `homespun index {root}` to compute them"
        )
    return ""


@traced("search.embed")
def asked_vector(
    encoder: AskedEncoder,
    query: str,
    stamp: EncoderStamp | None,
    *,
    note: Callable[[str], None],
) -> npt.NDArray[np.float32] | None:
    """Return the `(dimensions,)` unit vector of a query, None where its server gives none."""
    if stamp is not None:
        encoder.expect(stamp.dimensions)  # what another model says is no vector of this index
    try:
        return encoder.encode_query(query)
    except RemoteError as error:
        note(f"search goes by words alone: {error}")
        return None
