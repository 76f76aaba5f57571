"""The table of one encoder's vectors, by the hash of the chunk's text; functions over an open one.

Whoever calls them has LanceDB's errors mapped (lance.py).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Container, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from homespun.indexer.config import CHUNKER_VERSION
from homespun.indexer.storage.conditions import VALUES_A_CONDITION, is_one_of

_SPARE_VECTORS = 20_000  # of texts that are gone: what other branches and undone changes cost again
_VECTORS_AT_ONCE = 4096  # read: with those that are read ahead, some ten megabytes
_KEYS_A_QUERY = 500  # above it, one look at all keys is faster


def name_of(encoder: str) -> str:
    """Return the name of an encoder's table."""
    slug = re.sub(r"[^A-Za-z0-9_.-]+", "-", encoder)
    return f"vectors.{slug}.{CHUNKER_VERSION}"


def arrow_of(keys: Sequence[str], vectors: npt.NDArray[np.float32]) -> pa.Table:
    """Return the rows of `(len(keys), dimensions)` float32 vectors."""
    column = pa.FixedSizeListArray.from_arrays(
        pa.array(np.ascontiguousarray(vectors, dtype=np.float32).ravel()), vectors.shape[1]
    )
    return pa.table({"key": pa.array(keys, pa.string()), "vector": column})


def keys_of(table: Any) -> list[str]:  # noqa: ANN401 - lancedb publishes no types
    """Return the text hashes that have a vector, the oldest first."""
    keys: list[str] = table.search().select(["key"]).to_arrow()["key"].to_pylist()
    return keys


def dimensions_of(table: Any) -> int:  # noqa: ANN401
    """Return the length of the vectors."""
    return int(table.schema.field("vector").type.list_size)


def read(
    table: Any,  # noqa: ANN401
    keys: Collection[str] | None,
) -> Iterator[tuple[list[str], npt.NDArray[np.float32]]]:
    """Yield keys and `(len, dimensions)` float32 vectors, some thousands at a time.

    All, or those of `keys`; then keys alone are searched, and no other vector is read.
    """
    if keys is None:
        batches = table.search().select(["key", "vector"]).to_batches(_VECTORS_AT_ONCE)
        yield from map(_vectors_of, batches)
        return
    row_ids = _row_ids(table, keys)
    for start in range(0, len(row_ids), _VECTORS_AT_ONCE):
        taken = table.take_row_ids(row_ids[start : start + _VECTORS_AT_ONCE]).to_arrow()
        yield from map(_vectors_of, taken.to_batches())


def trim(table: Any, wanted: Container[str]) -> int:  # noqa: ANN401
    """Drop the oldest vectors of texts that are not `wanted` if there are too many of them.

    Returns how many.
    """
    if table.count_rows() <= _SPARE_VECTORS:
        return 0
    spare = [key for key in keys_of(table) if key not in wanted]
    if len(spare) <= _SPARE_VECTORS:
        return 0
    dropped = spare[: len(spare) - _SPARE_VECTORS // 2]  # half: not again at the next save
    for start in range(0, len(dropped), VALUES_A_CONDITION):
        table.delete(is_one_of("key", dropped[start : start + VALUES_A_CONDITION]))
    return len(dropped)


def _row_ids(table: Any, keys: Collection[str]) -> list[int]:  # noqa: ANN401
    query = table.search().select(["key"]).with_row_id(True)
    if len(keys) <= _KEYS_A_QUERY:
        query = query.where(is_one_of("key", sorted(keys)))
    found = query.to_arrow()
    pairs = zip(found["key"].to_pylist(), found["_rowid"].to_pylist(), strict=True)
    return [row for key, row in pairs if key in keys]


def _vectors_of(batch: pa.RecordBatch) -> tuple[list[str], npt.NDArray[np.float32]]:
    column = batch["vector"]
    matrix = np.asarray(column.flatten()).reshape(-1, column.type.list_size)
    return batch["key"].to_pylist(), matrix
