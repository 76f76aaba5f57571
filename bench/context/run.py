"""The completion context (`make bench-context`): is what is needed there, and does it help.

python bench/context/run.py [--parts recall] [--packages mcp …] [--held] [--arms …]
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path

from cursors import GROUPS, STATES, Cursor, load
from packages import CORPORA, Corpus
from recall import TOP, Bench, Prompts, Row, asked, bm25_only, product

from homespun.server.context import Retriever

RESULTS = Path(__file__).parents[1] / "results"
Rows = list[tuple[Cursor, Row]]


def main() -> int:
    """Run the parts and print their tables."""
    args = _arguments()
    corpora = [
        c for c in CORPORA if (c.name in args.packages if args.packages else c.held == args.held)
    ]
    rows = [row for corpus in corpora for row in recall_rows(corpus, args)]
    print(recall_table(rows))
    print()
    print(by_how(rows))
    if args.misses:
        _print_misses(rows)
    return 0


def recall_rows(corpus: Corpus, args: argparse.Namespace) -> Rows:
    """Return what each arm showed at each cursor of a package."""
    prompts = Prompts(args.model)
    cursors = load(corpus.name, corpus.cursors, corpus.folder())
    if args.sample:
        kept = set(random.Random(args.seed).sample(sorted({_key(c) for c in cursors}), args.sample))
        cursors = [cursor for cursor in cursors if _key(cursor) in kept]
    rows: Rows = []
    with tempfile.TemporaryDirectory() as scratch:
        bench = Bench(corpus.name, corpus.folder(), Path(scratch))
        arms = {
            "BM25 only": partial(bm25_only, bench.index),
            "homespun": partial(product, Retriever(bench.index)),
        }
        for cursor in bench.without_file(cursors):
            for arm, gather in arms.items():
                rows.append((cursor, asked(prompts, bench.name, cursor, arm, gather)))
    return rows


def _key(cursor: Cursor) -> tuple[str, int, int]:
    return (cursor.path, cursor.line, cursor.column)


def recall_table(rows: Rows) -> str:
    """Return recall by package, state and group."""
    head = (
        f"| package | state | group | n | arm | in the top {TOP} | first | anywhere | snippets "
        "| tokens | p50 / p95 ms |\n|---|---|---|--:|---|--:|--:|--:|--:|--:|--:|"
    )
    lines = []
    packages = sorted({cursor.package for cursor, _ in rows})
    for package in [*packages, *(["all"] if len(packages) > 1 else [])]:
        for state in STATES:
            for group in ("cross", *GROUPS):
                for arm in dict.fromkeys(row.arm for _, row in rows):
                    found = [
                        row
                        for cursor, row in rows
                        if row.arm == arm
                        and cursor.state == state
                        and package in ("all", cursor.package)
                        and (cursor.is_cross if group == "cross" else cursor.group == group)
                    ]
                    if found:
                        lines.append(_recall_line(package, state, group, arm, found))
    return "\n".join([head, *lines])


def _recall_line(package: str, state: str, group: str, arm: str, rows: Sequence[Row]) -> str:
    has_need = group in ("cross", "first", "again")
    cells = [
        package,
        state,
        group,
        str(len(rows)),
        arm,
        _share([0 < row.rank <= TOP for row in rows]) if has_need else "-",
        _share([row.rank == 1 for row in rows]) if has_need else "-",
        _share([row.rank > 0 for row in rows]) if has_need else "-",
        f"{statistics.mean(row.snippets for row in rows):.1f}",
        f"{statistics.mean(row.tokens for row in rows):.0f}",
        f"{_quantile(rows, 0.5):.1f} / {_quantile(rows, 0.95):.1f}",
    ]
    return "| " + " | ".join(cells) + " |"


def by_how(rows: Rows) -> str:
    """Return recall by the way in which the name is reached, and each way's share."""
    arms = list(dict.fromkeys(row.arm for _, row in rows))
    head = "| reached by | state | n | " + " | ".join(arms) + " |\n|---|---|--:|"
    head += "--:|" * len(arms)
    cross = [(cursor, row) for cursor, row in rows if cursor.is_cross]
    lines = []
    for how in sorted({cursor.how for cursor, _ in cross}):
        for state in STATES:
            by_arm = [
                [
                    0 < row.rank <= TOP
                    for c, row in cross
                    if (c.how, c.state, row.arm) == (how, state, arm)
                ]
                for arm in arms
            ]
            shares = " | ".join(_share(found) for found in by_arm)
            lines.append(f"| {how} | {state} | {len(by_arm[0])} | {shares} |")
    return "\n".join([head, *lines])


def _print_misses(rows: Rows) -> None:
    for cursor, row in rows:
        if row.arm == "homespun" and cursor.is_cross and not 0 < row.rank <= TOP:
            line = cursor.before.rpartition("\n")[2].strip()
            fields = asdict(row) | {"needs": f"{cursor.needs_path}:{cursor.needs_line}"}
            print(
                f"{cursor.state} {cursor.group} {cursor.how} {cursor.path}:{cursor.line} "
                f"{line}‸{cursor.rest}  {json.dumps(fields)}"
            )


def _share(found: Sequence[bool]) -> str:
    return f"{statistics.mean(found):.3f}" if found else "-"


def _quantile(rows: Sequence[Row], share: float) -> float:
    ordered = sorted(row.ms for row in rows)
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--packages", nargs="+", default=[])
    parser.add_argument("--held", action="store_true", help="the packages that only report")
    parser.add_argument("--sample", type=int, default=0, help="places of each package; 0 = all")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--model", default="qwen2.5-coder-0.5b")
    parser.add_argument("--misses", action="store_true", help="print what was not found")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
