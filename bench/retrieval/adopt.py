"""Take the queries of the public code-search benchmark for the packages that can be had.

    python -m bench.retrieval.adopt CHECKOUT    # of github.com/MinishLab/semble

The benchmark is about repositories at a revision; packages of registries stand in for them
(`corpora.json` of bench/queries/semble-rest/, written by hand). A query is kept where every file
that answers it is in the package; where the package has a folder by another name, `moved` says so.
Writes a file of queries for each, and `published.json`: the NDCG@10 that the benchmark reports for
each repository, of semble and of CodeRankEmbed beside BM25. Prints what was kept.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from bench.retrieval.corpora import QUERIES, REST, QueryCorpus, corpora
from homespun.training.shipped.packages import unpacked

PUBLISHED = "published.json"
# File of the benchmark's results, and which of its modes.
_RESULTS = {
    "semble": ("semble-hybrid-0332378809c5.json", None),
    "coderankembed": ("coderankembed-0332378809c5.json", "hybrid"),
}


def main() -> int:
    """Write the queries and the published figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("checkout", type=Path, help="a checkout of the benchmark's repository")
    benchmarks = parser.parse_args().checkout / "benchmarks"
    if not (benchmarks / "annotations").is_dir():
        parser.error(f"{benchmarks} has no annotations/; give a checkout of MinishLab/semble")
    for corpus in corpora((REST,)):
        annotated = _read(benchmarks / "annotations" / f"{corpus.name}.json")
        root = unpacked(corpus.package) / corpus.root
        paths = {"/" + path.relative_to(root).as_posix() for path in root.rglob("*")}
        kept = list(kept_queries(annotated, paths, corpus))
        _write(QUERIES / REST / corpus.file, kept)
        print(f"{corpus.name}: {len(kept)} of {len(annotated)} queries")
    _write(QUERIES / REST / PUBLISHED, published(benchmarks / "results"))
    return 0


def kept_queries(
    annotated: Iterable[Mapping[str, Any]], paths: Iterable[str], corpus: QueryCorpus
) -> Iterable[dict[str, Any]]:
    """Yield the queries whose targets are all among the paths, with paths as the package has them.

    A query that is asked twice is kept once.
    `paths` begin with a slash, below the indexed folder; a target is there when one ends like it.
    """
    ends: dict[str, str] = {}  # what a path may end like, and the shortest that does
    for path in sorted(paths, key=lambda path: (len(path), path), reverse=True):
        ends |= {path[place:]: path for place in range(len(path)) if path[place] == "/"}
    asked: set[str] = set()
    for query in annotated:
        targets = {
            kind: [_found(target, ends, corpus) for target in query.get(kind, ())]
            for kind in ("relevant", "secondary")
        }
        is_whole = all(target is not None for found in targets.values() for target in found)
        if is_whole and query["query"] not in asked:
            asked.add(query["query"])
            yield {"query": query["query"], "category": query["category"], **targets}


def published(results: Path) -> dict[str, dict[str, Any]]:
    """Return each repository's language and its published NDCG@10, by system."""
    found: dict[str, dict[str, Any]] = {}
    for system, (name, mode) in _RESULTS.items():
        for row in _read(results / name)["repos"]:
            if mode is None or row["mode"] == mode:
                entry = found.setdefault(row["repo"], {"language": row["language"]})
                entry[system] = round(row["ndcg10"], 4)
    return dict(sorted(found.items()))


Target = str | dict[str, Any]  # a path, or one with lines


def _found(target: Target, ends: Mapping[str, str], corpus: QueryCorpus) -> Target | None:
    """Return the target with its path in the package, None where there is none."""
    path = target if isinstance(target, str) else str(target["path"])
    moved = path.replace(*corpus.moved, 1) if corpus.moved else path
    inside = ends.get("/" + moved.removeprefix(f"{corpus.below}/"))
    if inside is None:
        return None
    whole = corpus.below + inside if corpus.below else inside[1:]
    return whole if isinstance(target, str) else {**target, "path": whole}


def _read(path: Path) -> Any:  # noqa: ANN401 - whatever the benchmark wrote
    return json.loads(path.read_text(encoding="utf-8"))


def _write(path: Path, body: object) -> None:
    path.write_text(json.dumps(body, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
