"""Measures one table of many repositories: is the right place found, and what does growth cost.

    python -m bench.scale.table                  # everything; writes the page and its results
    python -m bench.scale.table --only quality   # the development questions, nothing is written
    python -m bench.scale.table --only quality --split held
    python -m bench.scale.table --only growth --keep-in FILE
    python -m bench.scale.table --join FILE …    # writes the page from what was kept in files

Packages are fetched once, by sha256, and never run. The largest table has a million rows (9 GB).
"""

from __future__ import annotations

import argparse
import json
import random
import re
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.common import provenance
from bench.retrieval.corpora import REST, QueryCorpus, corpora
from bench.scale import growth, quality
from homespun.indexer.embedding.static_encoder import NAME, StaticEncoder
from homespun.indexer.table.build import build
from homespun.indexer.table.listed import NamedRepository
from homespun.indexer.table.place import TablePlace
from homespun.indexer.table.schema import CHUNKS
from homespun.models.errors import DownloadFailed

RESULT = "scale-table"
PAGE = provenance.ROOT / "bench" / "README.md"
# Asked nothing here: they are there to be in the way.
NOISE = (
    *("aiohttp", "curl", "fastapi", "jackson-databind", "laravel-framework", "model2vec"),
    *("pydantic", "rails", "redis"),
)
SIZES = (100_000, 300_000, 1_000_000)
_QUERIES = 61  # of the growing table; the first one is the cold one
_MARKED = re.compile(r"(<!-- scale-table -->\n).*?(<!-- /scale-table -->)", re.DOTALL)


def main() -> int:
    """Measure, print, write."""
    args = _arguments()
    if args.join:
        write(
            {key: part for file in args.join for key, part in json.loads(file.read_text()).items()}
        )
        return 0
    with tempfile.TemporaryDirectory(prefix="homespun-scale-", dir=args.scratch) as scratch:
        folder = Path(scratch)
        place, facts = built(folder)
        parts: dict[str, Any] = {"run": provenance.facts(NAME, threads=0), "build": facts}
        if args.only != "growth":
            for split in ("dev", "held") if args.split == "all" else (args.split,):
                parts[f"quality-{split}"] = _quality(place, split)
        if args.only != "quality":
            base = place.table(CHUNKS).search().to_arrow()
            parts["growth"] = growth.grown(base, folder / "large", args.sizes, questions())
            parts["model"] = growth.modelled(parts["growth"]) if len(args.sizes) > 1 else []
    if args.keep_in:
        Path(args.keep_in).write_text(json.dumps(parts), encoding="utf-8")
    elif not args.only:
        write(parts)
    print(json.dumps(parts["run"]["machine"]))
    return 0


def built(folder: Path) -> tuple[TablePlace, dict[str, Any]]:
    """Build a table of all packages that can be had."""
    listed = []
    for corpus in _chosen():
        try:
            listed.append(NamedRepository(corpus.name, corpus.copied(folder / "packages")))
        except DownloadFailed as failure:
            print(f"{corpus.name} is left out: {failure}", file=sys.stderr)
    place = TablePlace(str(folder / "table"), create=True)
    began = time.monotonic()
    report = build(place, listed, StaticEncoder.load())
    seconds = time.monotonic() - began
    facts = {
        "repositories": report.repositories,
        "rows": report.chunks,
        "seconds": round(seconds, 1),
        "rows_a_second": round(report.chunks / seconds),
        "load": provenance.machine()["load"],
    }
    print(facts, flush=True)
    return place, facts


def _chosen() -> list[QueryCorpus]:
    return [corpus for corpus in corpora() if corpus.set != REST or corpus.name in NOISE]


def _quality(place: TablePlace, split: str) -> list[dict[str, Any]]:
    asked = [corpus for corpus in _chosen() if corpus.split == split]
    bench = quality.TableBench.of(place, StaticEncoder.load(), [corpus.name for corpus in asked])
    return quality.measured(bench, asked)


def questions() -> list[str]:
    """Return what a growing table is asked."""
    texts = [q.text for corpus in _chosen() if corpus.split == "dev" for q in corpus.queries]
    random.Random(1).shuffle(texts)
    return texts[:_QUERIES]


def write(parts: dict[str, Any]) -> None:
    """Write the page's part and bench/results/scale-table.json."""
    page = PAGE.read_text(encoding="utf-8")
    if not _MARKED.search(page):
        raise SystemExit(f"{PAGE.name} has no place <!-- scale-table --> to write to")
    PAGE.write_text(_MARKED.sub(lambda m: m[1] + tables(parts) + m[2], page), encoding="utf-8")
    provenance.write(RESULT, parts)


def tables(parts: dict[str, Any]) -> str:
    """Return the page's tables."""
    dev, held = ({row["arm"]: row for row in parts[f"quality-{s}"]} for s in ("dev", "held"))
    counts = next(iter(dev.values()))["queries"] | {
        "held": next(iter(held.values()))["queries"]["own"]
    }
    lines = [
        f"| NDCG@10, {parts['build']['rows']:,} rows of {parts['build']['repositories']} "
        f"repositories | semble-dev ({counts['semble-dev']}) | own, dev ({counts['own']}) "
        f"| own, held ({counts['held']}) | p50 ms |",
        "|---|--:|--:|--:|--:|",
    ]
    for name, row in dev.items():
        cells = (row["semble-dev"], row["own"], held[name]["own"])
        shares = " | ".join(f"{value:.3f}".removeprefix("0") for value in cells)
        lines.append(f"| {name} | {shares} | {row['p50_ms']:.0f} |")
    return "\n".join([*lines, "", *_growth_lines(parts)]) + "\n"


def _growth_lines(parts: dict[str, Any]) -> list[str]:
    lines = [
        "| rows | repositories | appended rows/s | words index s | IVF-PQ s | optimize s "
        "| open ms | first query ms | p50 / p95 ms | GB | asker MB | load |",
        "|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for row in parts["growth"]:
        lines.append(
            f"| {row['rows']:,} | {row['repositories']:,} | {row['appended_rows_a_second']:,} "
            f"| {row['words_index_seconds']:.0f} | {row['vector_index_seconds']:.0f} "
            f"| {row['optimize_seconds']:.0f} | {row['open_ms']} | {row['first_ms']} "
            f"| {row['p50_ms']:.0f} / {row['p95_ms']:.0f} | {row['bytes'] / 1e9:.2f} "
            f"| {row['asker_mb']:,} | {row['load']} |"
        )
    for row in parts["model"]:
        lines.append(
            f"| {row['rows']:,} (model) | | | {row['words_index_seconds']:,} "
            f"| {row['vector_index_seconds']:,} | | | | {row['p50_ms']:,} / | "
            f"{row['bytes'] / 1e9:.0f} | | |"
        )
    return lines


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--only", choices=("quality", "growth"))
    parser.add_argument("--split", choices=("dev", "held", "all"), default="all")
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES), metavar="ROWS")
    parser.add_argument("--scratch", metavar="DIR", help="where the tables lie (12 GB)")
    parser.add_argument("--keep-in", metavar="FILE", help="write what was measured here instead")
    parser.add_argument("--join", type=Path, nargs="+", metavar="FILE", help="measure nothing")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
