"""`homespun fleet table`: one table of all chunks of many repositories, for search over them."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from homespun.cli.output import say
from homespun.cli.progress import RichProgress
from homespun.showable import showable_line

if TYPE_CHECKING:
    from homespun.indexer.table.build import TableReport


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the action's arguments."""
    parser.add_argument("uri", metavar="URI", help="where the table lies: a folder, or s3://…")
    parser.add_argument(
        "repos", metavar="REPOS.txt", help="the repositories: NAME PATH [REVISION], one a line"
    )
    parser.add_argument(
        "--keep-others",
        action="store_true",
        help="leave in the table what the list does not name, as where it is a part of all",
    )
    parser.add_argument(
        "--optimize",
        action="store_true",
        help="then sweep what is dead and compact files and indexes: minutes, for the night",
    )
    parser.add_argument("--json", action="store_true", help="print the report as JSON")


def run(args: argparse.Namespace) -> int:
    """Build what has changed, print what was done; 1 where a repository could not be built."""
    from homespun.indexer.embedding.static_encoder import StaticEncoder
    from homespun.indexer.table.build import build
    from homespun.indexer.table.listed import read_list
    from homespun.indexer.table.place import TablePlace

    listed = read_list(Path(args.repos))
    place = TablePlace(args.uri, create=True)
    with RichProgress(quiet=args.json) as progress:
        report = build(
            place,
            listed,
            StaticEncoder.load(),
            keep_others=args.keep_others,
            optimizing=args.optimize,
            progress=progress,
        )
    for name, why in report.failed.items():
        say(f"{showable_line(name)} was left as it was: {showable_line(why)}")
    if args.json:
        print(json.dumps(asdict(report)), flush=True)
    else:
        _print(report, args.uri)
    return 1 if report.failed else 0


def _print(report: TableReport, uri: str) -> None:
    print(
        f"{report.repositories} repositories, {report.chunks} chunks at {showable_line(uri)}: "
        f"{len(report.built)} built, {len(report.unchanged)} unchanged, {len(report.gone)} gone, "
        f"{len(report.failed)} failed, in {report.seconds:.1f} s",
        flush=True,
    )
