"""What a table of repositories costs as it grows: rows that exist, and copies with other words.

Each copy renames a third of the words (of the words that are searched, and of the names), moves the
vectors a little, and is so many repositories more. Texts stay as they are, so bytes are honest.
"""

from __future__ import annotations

import json
import resource
import statistics
import subprocess
import sys
import time
import zlib
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bench.common import provenance
from homespun.indexer.embedding.static_encoder import StaticEncoder
from homespun.indexer.table import care
from homespun.indexer.table.candidates import OF_VECTORS, PROBES, REFINED
from homespun.indexer.table.place import TablePlace
from homespun.indexer.table.registry import new_build
from homespun.indexer.table.schema import (
    CHUNK_SCHEMA,
    CHUNKS,
    DIMENSIONS,
    FORMAT,
    REPO_SCHEMA,
    REPOS,
)

_NOISE = 0.5  # length of what is added to a vector of length 1
_RECALLED = 20  # questions whose nearest rows are compared with those of a look at all
_RENAMED = 3  # every so manieth word
_MODELLED = (10_000_000, 22_000_000)  # rows that were not measured


def grown(
    base: Any,  # noqa: ANN401 - an Arrow table
    folder: Path,
    sizes: Sequence[int],
    queries: Sequence[str],
) -> list[dict[str, Any]]:
    """Measure one table as it grows to each of some sizes; each row's load is its own."""
    place = TablePlace(str(folder), create=True)
    chunks, repos = (place.table(name, create=True) for name in (CHUNKS, REPOS))
    found = []
    rows = copy = 0
    for size in sizes:
        began, before = time.monotonic(), rows
        while rows < size:
            made = copy_of(base.slice(0, min(len(base), size - rows)), copy)
            chunks.add(made)
            repos.add(_named(made))
            rows, copy = rows + len(made), copy + 1
        appended = time.monotonic() - began
        print(f"{rows} rows, {copy} copies, appended in {appended:.0f} s", flush=True)
        found.append(
            {
                "rows": rows,
                "repositories": repos.count_rows(),
                "appended_rows_a_second": round((rows - before) / appended) if appended else 0,
                **_index_seconds(chunks),
                "optimize_seconds": round(_optimized(place, chunks, repos), 1),
                "bytes": sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()),
                "builder_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
                "vector_recall": _recall(chunks, queries),
                **_asked(folder, queries),
                "load": provenance.machine()["load"],
            }
        )
        print(json.dumps(found[-1]), flush=True)
    return found


def modelled(found: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Carry the largest row on: bytes, index time and appending by rows, a query by its growth.

    A query takes a constant and something by rows: the line through the last two sizes.
    """
    small, large = found[-2], found[-1]
    rows = []
    for size in _MODELLED:
        times = size / large["rows"]
        slope = max(0.0, (large["p50_ms"] - small["p50_ms"]) / (large["rows"] - small["rows"]))
        rows.append(
            {
                "rows": size,
                "bytes": round(large["bytes"] * times),
                "words_index_seconds": round(large["words_index_seconds"] * times),
                "vector_index_seconds": round(large["vector_index_seconds"] * times**1.5),
                "p50_ms": round(large["p50_ms"] + slope * (size - large["rows"])),
            }
        )
    return rows


def copy_of(base: Any, number: int) -> Any:  # noqa: ANN401
    """Return the rows once more, of other repositories; copy 0 keeps words and vectors."""
    names = [f"copy{number}/{name.replace('/', '.')}" for name in base["repository"].to_pylist()]
    builds = {name: new_build(time.time()) for name in set(names)}
    columns = {name: base[name] for name in CHUNK_SCHEMA.names}
    columns["repository"] = pa.array(names, pa.string())
    columns["build"] = pa.array([builds[name] for name in names], pa.string())
    if number:
        columns["words"] = _renamed_lists(pc.split_pattern(base["words"], " "), number, join=True)
        columns["names"] = _renamed_lists(base["names"], number, join=False)
        columns["vector"] = _moved(base["vector"], number)
    return pa.table(columns, schema=CHUNK_SCHEMA)


def _renamed_lists(column: Any, number: int, *, join: bool) -> Any:  # noqa: ANN401
    lists = column.combine_chunks()
    if isinstance(lists, pa.ChunkedArray):
        lists = pa.concat_arrays(lists.chunks)
    encoded = lists.flatten().dictionary_encode()
    words = [
        word if zlib.crc32(word.encode()) % _RENAMED else f"{word}q{number}"
        for word in encoded.dictionary.to_pylist()
    ]
    flat = pc.take(pa.array(words, pa.string()), encoded.indices)
    offsets = pa.array(
        np.concatenate([[0], np.cumsum(np.asarray(pc.list_value_length(lists)))]), pa.int32()
    )
    renamed = pa.ListArray.from_arrays(offsets, flat)
    return pc.binary_join(renamed, " ") if join else renamed


def _moved(column: Any, number: int) -> Any:  # noqa: ANN401
    flat = column.combine_chunks()
    if isinstance(flat, pa.ChunkedArray):
        flat = pa.concat_arrays(flat.chunks)
    matrix = np.asarray(flat.flatten(), np.float32).reshape(-1, DIMENSIONS)
    noise = np.random.default_rng(number).standard_normal(matrix.shape, dtype=np.float32)
    moved = matrix + noise * np.float32(_NOISE / DIMENSIONS**0.5)
    moved /= np.maximum(np.linalg.norm(moved, axis=1, keepdims=True), 1e-9)
    return pa.FixedSizeListArray.from_arrays(pa.array(moved.ravel()), DIMENSIONS)


def _named(made: Any) -> Any:  # noqa: ANN401
    pairs = dict(zip(made["repository"].to_pylist(), made["build"].to_pylist(), strict=True))
    rows = [
        {"repository": repository, "build": build, "format": FORMAT, "revision": "", "content": ""}
        | {"files": 0, "chunks": 0, "built": 0}
        for repository, build in pairs.items()
    ]
    return pa.Table.from_pylist(rows, schema=REPO_SCHEMA)


def _optimized(place: TablePlace, chunks: Any, repos: Any) -> float:  # noqa: ANN401
    began = time.monotonic()
    care.optimize(place, chunks, repos)
    seconds = time.monotonic() - began
    for table in (chunks, repos):  # of versions that nobody reads here, so that bytes are honest
        table.optimize(cleanup_older_than=timedelta(0), delete_unverified=True)
    return seconds


def _index_seconds(chunks: Any) -> dict[str, float]:  # noqa: ANN401
    """Make both large indexes anew, for their time."""
    chunks.checkout_latest()
    seconds = {}
    configs = {"words": care.WORDS, "vector": care.vectors_config(chunks.count_rows())}
    for column, config in configs.items():
        began = time.monotonic()
        chunks.create_index(column, config=config, replace=True)
        seconds[f"{column}_index_seconds"] = round(time.monotonic() - began, 1)
    return seconds


def _recall(chunks: Any, queries: Sequence[str]) -> float:  # noqa: ANN401
    """Return which share of the nearest rows, as a look at all finds them, the index finds."""
    vectors = StaticEncoder.load().encode(list(queries[:_RECALLED]))
    found = [nearest(chunks, vector, PROBES, REFINED) for vector in vectors]
    return recall(found, [nearest(chunks, vector) for vector in vectors])


def nearest(chunks: Any, vector: Any, probes: int = 0, refined: int = 1) -> set[int]:  # noqa: ANN401
    """Return the ids of the nearest rows; without `probes` of a look at all."""
    query = chunks.search(vector, vector_column_name="vector").distance_type("dot")
    query = query.nprobes(probes).refine_factor(refined) if probes else query.bypass_vector_index()
    found = query.with_row_id(True).select(["_distance"]).limit(OF_VECTORS).to_arrow()
    return set(found["_rowid"].to_pylist())


def recall(found: Sequence[set[int]], there: Sequence[set[int]]) -> float:
    """Return the mean share of what is there that was found."""
    shares = (len(a & b) / max(1, len(b)) for a, b in zip(found, there, strict=True))
    return round(statistics.fmean(shares), 3)


def _asked(folder: Path, queries: Sequence[str]) -> dict[str, Any]:
    """Ask in a new process: what it costs to open, the first answer, the others, its memory."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.scale.asker", str(folder)],
        input=json.dumps(list(queries)),
        capture_output=True,
        text=True,
        check=True,
    )
    answered: dict[str, Any] = json.loads(done.stdout)
    return answered
