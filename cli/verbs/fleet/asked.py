"""`homespun search --table URI`: what is asked of many repositories at once."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from homespun.cli.errors import UsageError
from homespun.cli.output import say

if TYPE_CHECKING:
    from homespun.indexer.table.search import TableHit

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


def finder(args: argparse.Namespace) -> Callable[[str], list[TableHit]]:
    """Open the table; return what answers a question."""
    from homespun.indexer.embedding.static_encoder import StaticEncoder
    from homespun.indexer.table.search import RepositoryTable

    table = RepositoryTable(args.table, StaticEncoder.load(), only=args.repo)
    if table.stale:
        say(
            f"{len(table.stale)} repositories were built by another version and are left out; "
            "`homespun fleet table` brings them up to date"
        )
    return partial(table.search, limit=args.limit)
