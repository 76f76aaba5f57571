"""How many partitions of the index of vectors to look into, as a table grows.

    python -m bench.scale.probes [--rows 1000000] [--scratch FOLDER]

The rows of `bench.scale.table`'s growth, with the index of vectors alone. Each question is asked
with each number of partitions and of exact comparisons, in turns; the truth is a look at all.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from bench.common import provenance
from bench.scale.growth import copy_of, nearest, recall
from bench.scale.table import built, questions
from homespun.indexer.embedding.static_encoder import NAME, StaticEncoder
from homespun.indexer.table import care
from homespun.indexer.table.place import TablePlace
from homespun.indexer.table.schema import CHUNKS

RESULT = "scale-probes"
_PROBES = (20, 40, 60, 80, 120, 200)
_REFINED = (5, 10, 20)
_ROUNDS = 3  # of which the medians are taken


def main() -> int:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(prog="python -m bench.scale.probes")
    parser.add_argument("--rows", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--scratch", help="where the table is made (4 GB for a million rows)")
    args = parser.parse_args()
    vectors = list(StaticEncoder.load().encode(questions()))
    with tempfile.TemporaryDirectory(prefix="homespun-probes-", dir=args.scratch) as scratch:
        place, _ = built(Path(scratch))
        base = place.table(CHUNKS).search().to_arrow()
        rows = [row for size in args.rows for row in _swept(base, Path(scratch), size, vectors)]
    print("| rows | partitions | looked into | compared exactly | recall | p50 / p95 ms |")
    print("|--:|--:|--:|--:|--:|--:|")
    for row in rows:
        print(
            f"| {row['rows']:,} | {row['partitions']:,} | {row['probes']} | {row['refined']}x "
            f"| {row['recall']:.3f} | {row['p50_ms']:.0f} / {row['p95_ms']:.0f} |"
        )
    provenance.write(RESULT, {"run": provenance.facts(NAME, threads=0), "sweep": rows})
    return 0


def _swept(
    base: Any,  # noqa: ANN401 - an Arrow table
    scratch: Path,
    size: int,
    vectors: Sequence[Any],
) -> Iterator[dict[str, Any]]:
    chunks = TablePlace(str(scratch / f"rows-{size}"), create=True).table(CHUNKS, create=True)
    rows = copy = 0
    while rows < size:
        made = copy_of(base.slice(0, min(len(base), size - rows)), copy)
        chunks.add(made)
        rows, copy = rows + len(made), copy + 1
    config = care.vectors_config(rows)
    began = time.monotonic()
    chunks.create_index("vector", config=config)
    print(f"{rows} rows, index of vectors in {time.monotonic() - began:.0f} s", flush=True)
    there = [nearest(chunks, vector) for vector in vectors]
    ways = [(probes, refined) for refined in _REFINED for probes in _PROBES]
    times: dict[tuple[int, int], list[float]] = {way: [] for way in ways}
    found: dict[tuple[int, int], list[set[int]]] = {}
    for _ in range(_ROUNDS):
        for probes, refined in ways:
            found[probes, refined] = []
            for vector in vectors:
                asked = time.perf_counter()
                found[probes, refined].append(nearest(chunks, vector, probes, refined))
                times[probes, refined].append((time.perf_counter() - asked) * 1000)
    for way in ways:
        row = {
            "rows": rows,
            "partitions": config.num_partitions,
            "probes": way[0],
            "refined": way[1],
            "recall": recall(found[way], there),
            "p50_ms": round(statistics.median(times[way]), 1),
            "p95_ms": round(statistics.quantiles(times[way], n=20)[-1], 1),
        }
        print(json.dumps(row), flush=True)
        yield row


if __name__ == "__main__":
    raise SystemExit(main())
