"""What lines cost: time, rows, bytes and memory of real packages, and the same ten times over.

    python -m bench.scale.cost [--lines 100000 300000 1000000] [--only-print]

Files of twelve large packages, drawn at random, each package a repository of its own: indexed with
vectors, published as packs, opened again in another process. The smaller samples say whether a
million lines may be multiplied. Beyond what was measured all is linear, and said to be.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from bench.common import provenance
from bench.engine.report import replaced
from bench.engine.workers.base import memory_mb
from bench.index.trees import count_lines, large_tree, sample_tree
from homespun.indexer.config import IndexConfig
from homespun.indexer.embedding.encoders import open_encoder
from homespun.indexer.errors import PackRefused
from homespun.indexer.index import Index
from homespun.indexer.packs.sharing.publish import publish
from homespun.indexer.packs.sharing.stores import FolderStore

ENCODER = "homespun-static-1"
MARK = "scale-cost"
MILLIONS = (1, 10, 100, 1000)
# Assumed, in dollars; nobody was asked for an offer.
CORE_HOUR = 0.04
BUCKET_GB_MONTH = 0.023
MEMORY_GB_MONTH = 3.0  # of a rented machine that is always on, its cores and disk with it
_AS_US = ("-c", "user.name=bench", "-c", "user.email=bench@localhost")


def measured(root: Path, scratch: Path) -> dict[str, Any]:
    """Index, publish and open the repositories below `root`; processes of their own do it."""
    copies = scratch / root.name
    for folder in sorted(path for path in root.iterdir() if path.is_dir()):
        shutil.copytree(folder, copies / folder.name)
        for words in (("init", "-q"), ("add", "-A", "-f", "."), (*_AS_US, "commit", "-qm", "all")):
            git = ["git", "-C", str(copies / folder.name), *words]
            subprocess.run(git, check=True, capture_output=True)
    built = _in_a_process("build", copies)
    held = _in_a_process("hold", copies)
    return {**built, **held}


def build(root: Path) -> dict[str, Any]:
    """Index each repository below `root` and publish it; what it took together."""
    encoder = open_encoder(ENCODER)
    store = root.with_name(f"{root.name}-packs")
    store.mkdir()
    sums = dict.fromkeys(("lines", "files", "chunks", "symbols", "lance_bytes", "pack_bytes"), 0)
    sums |= {"pack_rows": 0, "repositories": 0}
    publishing = 0.0
    before, began = _spent(), time.perf_counter()
    for folder in _repositories(root):
        index = Index.open(folder, IndexConfig(), create=True)
        report = index.update(care=False)
        index.use_encoder(encoder)
        index.embed()
        index.care()
        own = _spent()
        with suppress(PackRefused):  # no Python in the sample
            done = publish(index, FolderStore(store), f"team/{folder.name}", what="definitions")
            sums["pack_bytes"] += done.size_bytes
            sums["pack_rows"] += done.rows
        publishing += _spent() - own
        sums["repositories"] += 1
        sums["lines"] += count_lines(folder, index.paths())
        sums["files"] += report.files
        sums["chunks"] += report.chunks
        sums["symbols"] += report.symbols
        sums["lance_bytes"] += index.info().disk_bytes
    return {
        **sums,
        "cpu_seconds": _spent() - before - publishing,
        "publish_cpu_seconds": publishing,
        "wall_seconds": time.perf_counter() - began,
    }


def hold(root: Path) -> dict[str, Any]:
    """Open all repositories below `root` together, ask each once; what memory that needs."""
    encoder = open_encoder(ENCODER)
    encoder.encode(["something"])
    gc.collect()
    before = memory_mb()
    began = time.perf_counter()
    indexes = [Index.open(folder, IndexConfig(), encoder=encoder) for folder in _repositories(root)]
    for index in indexes:
        index.search("where a file is opened")
    seconds = time.perf_counter() - began
    gc.collect()
    after = memory_mb()
    return {
        "open_seconds": seconds,
        "memory_mb": after["anonymous"] - before["anonymous"],
        "resident_mb": after["resident"] - before["resident"],
    }


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return what was measured, each row as it is and for a million lines."""
    head = (
        "| sample | lines | CPU s | rows: chunks + symbols | LanceDB | memory, opened | packs "
        "| CPU s, kB of rows, MB of memory a thousand lines |",
        "|---|--:|--:|--:|--:|--:|--:|--:|",
    )
    return "\n".join([*head, *(_row(row) for row in rows)])


def growth(row: Mapping[str, Any]) -> str:
    """Return the table of ten, a hundred and a thousand times as much: linear from one row."""
    head = (
        "| million lines | what | CPU | chunks | symbols | LanceDB | memory for all | packs "
        "| once, $ | a month, $: bucket | a month, $: all in memory |",
        "|--:|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
    )
    return "\n".join([*head, *(_grown(row, millions) for millions in MILLIONS)])


def dollars(row: Mapping[str, Any], millions: float) -> dict[str, float]:
    """Return what building once, a bucket a month and a mirror of all a month cost, estimated."""
    times = millions * 1e6 / row["lines"]
    cores = (row["cpu_seconds"] + row["publish_cpu_seconds"]) * times / 3600
    stored = (row["lance_bytes"] + row["pack_bytes"]) * times / 1e9
    return {
        "build": cores * CORE_HOUR,
        "bucket": stored * BUCKET_GB_MONTH,
        "memory": row["memory_mb"] * times / 1e3 * MEMORY_GB_MONTH,
    }


def _grown(row: Mapping[str, Any], millions: int) -> str:
    times = millions * 1e6 / row["lines"]
    cost = dollars(row, millions)
    what = "measured" if millions == 1 else f"extrapolated, x{millions}"
    return (
        f"| {millions:,} | {what} | {_time(row['cpu_seconds'] * times)} "
        f"| {_count(row['chunks'] * times)} | {_count(row['symbols'] * times)} "
        f"| {_size(row['lance_bytes'] * times)} | {_size(row['memory_mb'] * 1e6 * times)} "
        f"| {_size(row['pack_bytes'] * times)} | {_money(cost['build'])} "
        f"| {_money(cost['bucket'])} | {_money(cost['memory'])} |"
    )


def _row(row: Mapping[str, Any]) -> str:
    per = 1000 / row["lines"]
    return (
        f"| {row['sample']:,} | {row['lines']:,} | {row['cpu_seconds']:.1f} "
        f"| {row['chunks']:,} + {row['symbols']:,} | {_size(row['lance_bytes'])} "
        f"| {row['memory_mb']:.0f} MB | {_size(row['pack_bytes'])} "
        f"| {row['cpu_seconds'] * per:.3f}, {row['lance_bytes'] * per / 1e3:.0f}, "
        f"{row['memory_mb'] * per:.2f} |"
    )


def _time(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def _count(value: float) -> str:
    return f"{value / 1e6:.1f} M" if value >= 1e6 else f"{value / 1e3:.0f} k"


def _size(value: float) -> str:
    for unit, name in ((1e12, "TB"), (1e9, "GB"), (1e6, "MB")):
        if value >= unit:
            return f"{value / unit:.1f} {name}"
    return f"{value / 1e3:.0f} kB"


def _money(value: float) -> str:
    return "< 0.01" if value < 0.01 else f"{value:,.2f}" if value < 10 else f"{value:,.0f}"


def _repositories(root: Path) -> Iterable[Path]:
    return sorted(path for path in root.iterdir() if path.is_dir())


def _spent() -> float:
    times = os.times()  # of children too: the parser is a process of its own
    return times.user + times.system + times.children_user + times.children_system


def _in_a_process(what: str, root: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "bench.scale.cost", "--part", what, str(root)]
    done = subprocess.run(
        command, cwd=provenance.ROOT, stdout=subprocess.PIPE, check=True, text=True
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def main() -> int:
    """Measure each size, print the tables, write the report."""
    args = _arguments()
    if args.part:
        what, root = args.part
        json.dump({"build": build, "hold": hold}[what](Path(root)), sys.stdout)
        return 0
    kept = provenance.RESULTS / "scale-cost.json"
    if args.only_print:
        report = json.loads(kept.read_text(encoding="utf-8"))
    else:
        report = {**provenance.facts(ENCODER, 0), "rows": _measure(args.lines)}
        report["load_after"] = provenance.machine()["load"]
        provenance.write("scale-cost", report)
    tables = f"{table(report['rows'])}\n\n{growth(report['rows'][-1])}"
    print(tables)
    for page in (provenance.ROOT / "bench" / "README.md", provenance.ROOT / "docs/scale/cost.md"):
        text = page.read_text(encoding="utf-8")
        page.write_text(replaced(text, MARK, tables), encoding="utf-8")
    return 0


def _measure(sizes: Sequence[int]) -> list[dict[str, Any]]:
    large, rows = large_tree(), []
    for lines in sorted(sizes):
        with tempfile.TemporaryDirectory(prefix="scale-cost-") as scratch:
            load = round(os.getloadavg()[0], 1)
            found = measured(sample_tree(large, lines), Path(scratch))
            rows.append({"sample": lines, "load": load, **found})
        print(f"{lines:,} lines: {rows[-1]['cpu_seconds']:.1f} s of CPU", file=sys.stderr)
    return rows


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--lines", type=int, nargs="+", default=[100_000, 300_000, 1_000_000])
    parser.add_argument("--only-print", action="store_true", help="what the report has")
    parser.add_argument("--part", nargs=2, metavar=("WHAT", "ROOT"), help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
