"""Indexes of the table `chunks`, and what a night is for: rubbish out, files and indexes compacted.

Compacting costs what the table holds, so no push does it: rows that an index does not cover yet are
found all the same, LanceDB looks through them.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from lancedb.index import FTS, Bitmap, IvfPq, LabelList

from homespun.indexer.errors import TableRefused
from homespun.indexer.table.place import TablePlace
from homespun.indexer.table.registry import began, counted, drop_surplus, forget, retried
from homespun.indexer.table.schema import DIMENSIONS
from homespun.progress import NoProgress, Progress

SWEEP_SECONDS = 86_400.0  # an attempt that began so long ago and is not named is dead
VECTOR_INDEX_ROWS = 100_000  # below it, to compare with all takes some 40 ms
_KEEP_VERSIONS = timedelta(minutes=10)  # a reader may still look at the one before
_ROWS_A_LOOK = 65_536
_NUMBERS_A_BYTE = 8  # of a vector, in IVF-PQ
_SAMPLED, _ITERATIONS = 32, 8  # of k-means: an eighth and a sixth of what LanceDB takes by itself
_PROGRESS = NoProgress()

# Words are split by our rules before they are rows, so LanceDB only parts them at spaces.
WORDS = FTS(
    base_tokenizer="whitespace",
    with_position=False,
    lower_case=False,
    stem=False,
    remove_stop_words=False,
    ascii_folding=False,
    max_token_length=None,
)


def ensure_indexes(place: TablePlace, chunks: Any) -> None:  # noqa: ANN401 - untyped library
    """Make the indexes that no search goes without, where there are none."""
    with place.asked():
        present = _indexed(chunks)
        if not chunks.count_rows():
            return
    for column, config in (("words", WORDS), ("names", LabelList()), ("build", Bitmap())):
        if column not in present:
            _made(place, chunks, column, config)


def optimize(
    place: TablePlace,
    chunks: Any,  # noqa: ANN401
    repos: Any,  # noqa: ANN401
    *,
    progress: Progress = _PROGRESS,
    clock: Callable[[], float] = time.time,
) -> int:
    """Sweep what dead writers left, compact, bring indexes up to date; return the builds swept."""
    progress.start("optimizing", 0, "steps")
    swept = _sweep(place, chunks, repos, clock() - SWEEP_SECONDS)
    ensure_indexes(place, chunks)
    for table in (repos, chunks):

        def compact(table: Any = table) -> None:  # noqa: ANN401
            table.checkout_latest()
            table.optimize(cleanup_older_than=_KEEP_VERSIONS)

        retried(place, compact)
    _ensure_vector_index(place, chunks)
    progress.finish()
    return swept


def _sweep(place: TablePlace, chunks: Any, repos: Any, oldest: float) -> int:  # noqa: ANN401
    drop_surplus(place, repos)
    named = {row.build for row in counted(place, repos).values()}
    with place.asked():
        chunks.checkout_latest()
        found: set[str] = set()
        for batch in chunks.search().select(["build"]).to_batches(_ROWS_A_LOOK):
            found.update(batch["build"].unique().to_pylist())
    dead = sorted(name for name in found - named if began(name) < oldest)
    forget(place, chunks, "build", dead)
    return len(dead)


def _ensure_vector_index(place: TablePlace, chunks: Any) -> None:  # noqa: ANN401
    with place.asked():
        present = _indexed(chunks)
        rows = chunks.count_rows()
    if rows < VECTOR_INDEX_ROWS or "vector" in present:
        return
    _made(place, chunks, "vector", vectors_config(rows))


def vectors_config(rows: int) -> IvfPq:
    """Return the index of vectors for so many."""
    return IvfPq(
        distance_type="dot",
        num_partitions=max(1, round(rows**0.5)),
        num_sub_vectors=DIMENSIONS // _NUMBERS_A_BYTE,
        sample_rate=_SAMPLED,
        max_iterations=_ITERATIONS,
    )


def _made(place: TablePlace, chunks: Any, column: str, config: object) -> None:  # noqa: ANN401
    """Make an index, unless another writer has meanwhile."""
    try:
        retried(place, lambda: chunks.create_index(column, config=config, replace=False))
    except TableRefused:
        with place.asked():
            there = _indexed(chunks)
        if column not in there:
            raise


def _indexed(chunks: Any) -> set[str]:  # noqa: ANN401
    """Return the columns that have an index, of the newest version."""
    chunks.checkout_latest()
    return {column for index in chunks.list_indices() for column in index.columns}
