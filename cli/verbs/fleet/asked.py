"""`homespun search --table URI`: what is asked of many repositories at once."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from homespun.cli.errors import UsageError
from homespun.cli.output import say
from homespun.showable import showable, showable_line

if TYPE_CHECKING:
    from homespun.indexer.table.search import TableHit

_PREVIEW_LINES = 3
_PREVIEW_CHARS = 110
_OF_ONE_INDEX = ("language", "glob", "kind", "symbol", "encoder", "reranker")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags of a search."""
    parser.add_argument(
        "--table",
        metavar="URI",
        help="search in a table of many repositories, which `homespun fleet table` makes",
    )
    parser.add_argument(
        "--repo",
        action="append",
        default=[],
        metavar="NAME",
        help="with --table: only in this repository; may be given again",
    )


def check_arguments(args: argparse.Namespace) -> None:
    """Raise `UsageError` where the flags make no sense together."""
    if args.table is None:
        if args.repo:
            raise UsageError("--repo says where in a table to look; give --table URI as well")
        return
    given = [f"--{name}" for name in _OF_ONE_INDEX if getattr(args, name) is not None]
    if args.mode != "hybrid":
        given.append("--mode")
    if given:
        raise UsageError(f"{given[0]} is for the index of one folder; leave it out with --table")


def run(args: argparse.Namespace, queries: Sequence[str]) -> int:
    """Search, print hits; no hit is no failure."""
    from homespun.indexer.embedding.static_encoder import StaticEncoder
    from homespun.indexer.table.search import RepositoryTable

    table = RepositoryTable(args.table, StaticEncoder.load(), only=args.repo)
    if table.stale:
        say(
            f"{len(table.stale)} repositories were built by another version and are left out; "
            "`homespun fleet table` brings them up to date"
        )
    for query in queries:
        began = time.perf_counter()
        hits = table.search(query, limit=args.limit)
        ms = (time.perf_counter() - began) * 1000
        if args.json:
            shown = [_json(hit, args.max_snippet_lines) for hit in hits]
            print(json.dumps({"query": query, "hits": shown, "ms": round(ms, 3)}), flush=True)
            continue
        if args.queries is not None:
            print(f"== {query}")
        _print(hits, args)
    return 0


def _json(hit: TableHit, most_lines: int | None) -> dict[str, object]:
    body = hit.to_json()
    if most_lines is not None:
        body["text"] = "".join(hit.hit.text.splitlines(keepends=True)[:most_lines])
    return body


def _print(hits: Sequence[TableHit], args: argparse.Namespace) -> None:
    if not hits:
        print("no hits")
    most_lines = args.max_snippet_lines
    for found in hits:
        hit = found.hit
        name = f"  {showable_line(hit.symbol)}" if hit.symbol else ""
        place = f"{found.repository}:{showable_line(hit.path)}:{hit.start_line}-{hit.end_line}"
        print(f"{place}{name}  {showable_line(hit.kind)}  {hit.score:.4f}")
        if args.explain:
            print("    " + ", ".join(f"{part} {share:+.4f}" for part, share in hit.why.items()))
        lines = [line for line in hit.text.splitlines() if line.strip()]
        for line in lines[: _PREVIEW_LINES if most_lines is None else most_lines]:
            print(f"    {showable(line[:_PREVIEW_CHARS])}")
