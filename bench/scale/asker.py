"""Opens a table, asks the questions of stdin (a JSON list), prints what it took as JSON.

    python -m bench.scale.asker FOLDER < queries.json

Started by growth.py.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import sys
import time
from pathlib import Path

from homespun.indexer.embedding.static_encoder import StaticEncoder
from homespun.indexer.evaluation.evaluate import percentile
from homespun.indexer.table.search import RepositoryTable


def main() -> None:
    """Ask."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder")
    args = parser.parse_args()
    queries = json.load(sys.stdin)
    encoder = StaticEncoder.load()
    began = time.perf_counter()
    table = RepositoryTable(args.folder, encoder)
    opened = time.perf_counter()
    table.search(queries[0])
    first = time.perf_counter()
    times = []
    for query in queries[1:]:
        start = time.perf_counter()
        table.search(query)
        times.append((time.perf_counter() - start) * 1000)
    answer = {
        "open_ms": round((opened - began) * 1000),
        "first_ms": round((first - opened) * 1000),
        "p50_ms": round(statistics.median(times), 1),
        "p95_ms": round(percentile(times, 0.95), 1),
        "asker_mb": _most_mb(),
    }
    print(json.dumps(answer))


def _most_mb() -> int:
    """Return the most memory that this process had; `getrusage` would count its parent's, too."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    found = re.search(r"VmHWM:\s+(\d+)", status)
    return int(found[1]) // 1024 if found else 0


if __name__ == "__main__":
    main()
