"""NDCG@10 of `homespun search` on the query sets of a code-search benchmark.

    python bench/retrieval_ndcg.py QUERIES.json ROOT [QUERIES.json ROOT …] [--mode lexical]

A query: `{"query", "category", "relevant": [path or {path, start_line, end_line}], "secondary"}`.
Each target's rank is that of the first hit among the top 10 whose path ends like the target's and
whose lines overlap; the ideal counts the targets that are in the index. Repeats of a file use up
ranks. The folder ROOT alone is indexed, so paths are compared by their end.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import sys
import time
from pathlib import Path
from typing import Any

from homespun.indexer.config import IndexConfig
from homespun.indexer.index import Index
from homespun.indexer.types import Hit

TOP = 10


def main() -> None:
    """Print a row for each corpus and the mean over corpora."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("pairs", nargs="+", help="QUERIES.json ROOT, as often as wanted")
    parser.add_argument("--mode", choices=("hybrid", "lexical", "dense"), default="lexical")
    parser.add_argument("--encoder", default="none", help="catalogue name, for hybrid and dense")
    parser.add_argument("--worst", action="store_true", help="list the queries below 0.7")
    args = parser.parse_args()
    if len(args.pairs) % 2:
        parser.error("give QUERIES.json and ROOT in pairs")
    encoder = None
    if args.encoder != "none":
        from homespun.models.load import load_encoder

        encoder = load_encoder(args.encoder)
    print(f"{'corpus':<28}{'queries':>8}{'NDCG@10':>9}{'p50 ms':>8}{'p95 ms':>8}  by category")
    scores = []
    for queries, root in zip(args.pairs[::2], args.pairs[1::2], strict=True):
        index = Index.open(Path(root), IndexConfig(), create=True, encoder=encoder)
        index.update()
        index.embed()
        scores.append(_row(Path(queries), index, mode=args.mode, show_worst=args.worst))
    print(f"{'mean over corpora':<28}{'':>8}{statistics.mean(scores):>9.3f}")


def ndcg(hits: list[Hit], targets: list[dict[str, Any]], indexed: set[str]) -> float:
    """Return NDCG@10; targets without a file in the index do not count."""
    present = [t for t in targets if any(_same_file(path, t["path"]) for path in indexed)]
    ranks = [rank for t in present if (rank := _rank(hits, t)) is not None]
    ideal = sum(1 / math.log2(place + 1) for place in range(1, min(len(present), TOP) + 1))
    return sum(1 / math.log2(rank + 1) for rank in ranks) / ideal if ideal else 0.0


def _row(queries: Path, index: Index, *, mode: Any, show_worst: bool) -> float:  # noqa: ANN401
    asked = json.loads(queries.read_text(encoding="utf-8"))
    indexed = set(index.paths())
    times, by_category = [], {}  # type: ignore[var-annotated]
    for entry in asked:
        began = time.perf_counter()
        hits = index.search(entry["query"], limit=TOP, mode=mode)
        times.append((time.perf_counter() - began) * 1000)
        targets = [_target(t) for t in [*entry["relevant"], *entry.get("secondary", [])]]
        score = ndcg(hits, targets, indexed)
        by_category.setdefault(entry.get("category", "all"), []).append(score)
        if show_worst and score < 0.7:
            print(
                f"  {score:.2f} {entry['query']!r} wants {[t['path'] for t in targets]}",
                f"got {[f'{h.path}:{h.start_line}' for h in hits[:5]]}",
                file=sys.stderr,
            )
    every = [score for scores in by_category.values() for score in scores]
    mean = statistics.mean(every)
    times.sort()
    parts = ", ".join(
        f"{name} {statistics.mean(by_category[name]):.3f}" for name in sorted(by_category)
    )
    print(
        f"{queries.stem:<28}{len(every):>8}{mean:>9.3f}{times[len(times) // 2]:>8.1f}"
        f"{times[int(len(times) * 0.95)]:>8.1f}  {parts}"
    )
    return mean


def _target(raw: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    return {"path": raw} if isinstance(raw, str) else raw


def _rank(hits: list[Hit], target: dict[str, Any]) -> int | None:
    for rank, hit in enumerate(hits[:TOP], start=1):
        first, last = target.get("start_line", 1), target.get("end_line", math.inf)
        if (
            _same_file(hit.path, target["path"])
            and hit.start_line <= last
            and first <= hit.end_line
        ):
            return rank
    return None


def _same_file(path: str, target: str) -> bool:
    """Compare by the end: the index knows paths below ROOT, targets those below the repository."""
    return ("/" + target).endswith("/" + path) or ("/" + path).endswith("/" + target)


if __name__ == "__main__":
    main()
