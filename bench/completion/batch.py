"""A hundred completions by `homespun complete --batch`, with retrieval and without it.

    python -m bench.completion.batch [SDIST_DIR] [--count 100]

Without a directory it takes the sdist of pygls 2.1.1 from PyPI, by hash. The cursors are those of
`bench/completion/lines.py`: the rest of a line is cut out, half of them stand before a name that
another file defines. Both arms run through the installed command, one after the other; each line
of a batch starts from the cache that the line before left, as in an editor. Prints the share of
exact matches and the medians of the timings, and writes them to bench/results/.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.common.provenance import RESULTS
from bench.completion.lines import LineCursor, choose
from homespun.indexer.config import IndexConfig
from homespun.indexer.index import Index
from homespun.stats import estimate
from homespun.training.shipped.packages import Package, unpacked

PACKAGE = Package(
    "pypi",
    "pygls",
    "2.1.1",
    "1da03ba9053201bb337dcdd8d121df70feb2a91e1a0dcc74de5da79755b1a201",
)
_STAGES = ("context", "retrieve", "prefill", "decode", "total")


def main() -> int:
    """Run both arms and print the table."""
    args = _arguments()
    root = Path(args.root).resolve() if args.root else unpacked(PACKAGE)
    _homespun("index", str(root))
    index = Index.open(root, IndexConfig(encoder="none"))
    cursors = choose(index, root, count=args.count, seed=args.seed)
    arms = {"retrieval": (), "no retrieval": ("--no-retrieval",)}
    answers = {arm: _batch(root, cursors, args.model, flags) for arm, flags in arms.items()}
    report = {
        "package": root.name,
        "model": args.model,
        "n": len(cursors),
        "seed": args.seed,
        "date": time.strftime("%Y-%m-%d"),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "arms": {arm: _figures(cursors, rows) for arm, rows in answers.items()},
        "difference": _difference(cursors, answers["retrieval"], answers["no retrieval"]),
    }
    print(_table(report))
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"complete_batch-{root.name}-{args.model}.json"
    path.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    return 0


def _batch(
    root: Path, cursors: list[LineCursor], model: str, flags: tuple[str, ...]
) -> list[dict[str, Any]]:
    rows = [
        {
            "id": str(number),
            "path": cursor.path,
            "prefix": cursor.text[: cursor.offset],
            "suffix": cursor.text[cursor.offset :],
        }
        for number, cursor in enumerate(cursors)
    ]
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "batch.jsonl"
        path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
        out = _homespun(
            *("complete", "--batch", str(path), "--workspace", str(root), "--model", model),
            "--json",
            *flags,
        )
    return [json.loads(line) for line in out.splitlines()]


def _figures(cursors: list[LineCursor], rows: list[dict[str, Any]]) -> dict[str, Any]:
    exact = _exact(cursors, rows)
    shown = [row for row in rows if row["text"]]
    by_kind = {
        kind: statistics.mean(
            hit for hit, cursor in zip(exact, cursors, strict=True) if cursor.kind == kind
        )
        for kind in ("cross", "any")
    }
    return {
        "exact": statistics.mean(exact),
        **by_kind,
        "shown": len(shown) / len(rows),
        "with_sources": sum(bool(row["sources"]) for row in rows) / len(rows),
        "prompt_tokens": statistics.median(row["tokens"]["prompt"] for row in rows),
        "reused_tokens": statistics.median(row["tokens"]["reused"] for row in rows),
        "timings_ms": {
            stage: statistics.median(row["timings_ms"][stage] for row in rows) for stage in _STAGES
        },
    }


def _exact(cursors: list[LineCursor], rows: list[dict[str, Any]]) -> list[bool]:
    """Whether the first line equals the rest of the line, white space at its ends aside."""
    return [
        row["text"].split("\n")[0].strip() == cursor.rest.strip()
        for cursor, row in zip(cursors, rows, strict=True)
    ]


def _difference(
    cursors: list[LineCursor], ours: list[dict[str, Any]], theirs: list[dict[str, Any]]
) -> dict[str, float]:
    """Return the gain in exact matches and its paired bootstrap interval (95 %)."""
    pairs = zip(_exact(cursors, ours), _exact(cursors, theirs), strict=True)
    gain = estimate([[float(left) - float(right) for left, right in pairs]])
    return {"exact": gain.mean, "low": gain.low, "high": gain.high}


def _table(report: dict[str, Any]) -> str:
    lines = [
        f"{report['package']}, {report['model']}, n = {report['n']}",
        "| arm | exact | cross-file | any | shown | prompt tokens (reused) | "
        + " | ".join(f"{stage} ms" for stage in _STAGES)
        + " |",
        "|---|" + "--:|" * (5 + len(_STAGES)),
    ]
    for arm, row in report["arms"].items():
        times = " | ".join(f"{row['timings_ms'][stage]:.0f}" for stage in _STAGES)
        lines.append(
            f"| {arm} | {row['exact']:.2f} | {row['cross']:.2f} | {row['any']:.2f} "
            f"| {row['shown']:.2f} | {row['prompt_tokens']:.0f} ({row['reused_tokens']:.0f}) "
            f"| {times} |"
        )
    gain = report["difference"]
    lines.append(
        f"retrieval changes exact matches by {gain['exact']:+.3f} "
        f"(95 % interval {gain['low']:+.3f} to {gain['high']:+.3f}, paired bootstrap)"
    )
    return "\n".join(lines)


def _homespun(*arguments: str) -> str:
    command = [sys.executable, "-P", "-m", "homespun.cli", *arguments]
    done = subprocess.run(command, check=True, text=True, encoding="utf-8", stdout=subprocess.PIPE)
    return done.stdout


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("root", nargs="?", metavar="SDIST_DIR", help="an unpacked source package")
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--model", default="qwen2.5-coder-0.5b")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
