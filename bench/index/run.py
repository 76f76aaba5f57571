"""The index's benchmark: cold runs, questions, single changes, growth; then tables and plot.

    python -m bench.index.run [--quick] [--parts cold middle growth huge]

What `make bench-index` runs; ten minutes on two quiet cores.
"""

from __future__ import annotations

import argparse
import sys
import time
from typing import Any

from bench.common import provenance
from bench.index import measure, trees
from bench.index.report import write_page

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
        write_page()
    return 0


def _measured(part: str, *, quick: bool) -> Any:  # noqa: ANN401 - JSON
    if part == "cold":
        chosen = [trees.package_tree(package) for package in trees.SMALL]
        if not quick:
            chosen.append(trees.package_tree(trees.MEDIUM))
        # The large one is steady enough for two rounds.
        rounds = {tree: 1 if quick else 2 if tree == chosen[-1] else 3 for tree in chosen}
        return [measure.cold(tree, rounds[tree]) for tree in chosen]
    if quick:
        source = trees.package_tree(trees.SMALL[0])
        tree = trees.sample_tree(source, _QUICK_LINES)
        return [measure.cold(tree, 1)] if part == "growth" else measure.full(tree, 4)
    large = trees.large_tree()
    if part == "middle":
        return measure.full(trees.sample_tree(large, _MIDDLE_LINES), updates=20)
    if part == "huge":
        return measure.full(trees.sample_tree(large, _HUGE_LINES), updates=12)
    chosen = [trees.sample_tree(large, lines) for lines in _GROWTH]
    return [measure.cold(tree, rounds=1) for tree in chosen]


if __name__ == "__main__":
    sys.exit(main())
