"""The index's benchmark: cold runs, questions, single changes, growth; then tables and plot.

    python bench/index/run.py [--quick] [--parts cold middle growth huge]

What `make bench-index` runs; ten minutes on two quiet cores.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).resolve().parents[1] / "engine"))

import index_measure  # noqa: E402 - after the path
import index_report  # noqa: E402
import index_trees  # noqa: E402
import provenance  # noqa: E402

PARTS = ("cold", "middle", "growth", "huge")
_GROWTH = (10_000, 30_000, 100_000, 300_000, 1_000_000)
_MIDDLE_LINES = 220_000  # about 5,000 chunks
_HUGE_LINES = 4_400_000  # about 100,000 chunks
_QUICK_LINES = 20_000


def main() -> int:
    """Measure, write the report, the tables and the plot."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="a minute; not for figures")
    parser.add_argument("--parts", nargs="*", choices=PARTS, default=list(PARTS))
    args = parser.parse_args()
    complete = set(args.parts) == set(PARTS)
    name = "index-quick" if args.quick else "index" if complete else "index-partial"
    report: dict[str, Any] = provenance.facts("", 2)
    began = time.monotonic()
    for part in PARTS:
        if part in args.parts:
            report[part] = _measured(part, quick=args.quick)
            report["seconds"] = round(time.monotonic() - began, 1)
            report["load_after"] = provenance.machine()["load"]
            path = provenance.write(name, report)
    print(path)
    if complete and not args.quick:
        index_report.main()
    return 0


def _measured(part: str, *, quick: bool) -> Any:  # noqa: ANN401 - JSON
    if part == "cold":
        trees = [index_trees.package_tree(package) for package in index_trees.SMALL]
        if not quick:
            trees.append(index_trees.package_tree(index_trees.MEDIUM))
        # The large one is steady enough for two rounds.
        rounds = {tree: 1 if quick else 2 if tree == trees[-1] else 3 for tree in trees}
        return [index_measure.cold(tree, rounds[tree]) for tree in trees]
    if quick:
        source = index_trees.package_tree(index_trees.SMALL[0])
        tree = index_trees.sample_tree(source, _QUICK_LINES)
        return [index_measure.cold(tree, 1)] if part == "growth" else index_measure.full(tree, 4)
    large = index_trees.large_tree()
    if part == "middle":
        return index_measure.full(index_trees.sample_tree(large, _MIDDLE_LINES), updates=20)
    if part == "huge":
        return index_measure.full(index_trees.sample_tree(large, _HUGE_LINES), updates=12)
    trees = [index_trees.sample_tree(large, lines) for lines in _GROWTH]
    return [index_measure.cold(tree, rounds=1) for tree in trees]


if __name__ == "__main__":
    sys.exit(main())
