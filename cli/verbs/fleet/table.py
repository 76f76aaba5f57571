"""`homespun fleet table`: one table of all chunks of many repositories, for search over them."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from homespun.cli.output import say
from homespun.cli.progress import RichProgress
from homespun.errors import HomespunError, in_words
from homespun.showable import showable_line

if TYPE_CHECKING:
    from homespun.cli.fleet.repositories import FleetRepository
    from homespun.indexer.table.build import TableReport
    from homespun.indexer.table.listed import NamedRepository
    from homespun.progress import Progress

_PATIENCE_SECONDS = 3600.0  # for one repository to be cloned


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the action's arguments."""
    parser.add_argument("uri", metavar="URI", help="where the table lies: a folder, or s3://…")
    parser.add_argument(
        "repos", metavar="REPOS.txt", help="a line a repository: NAME PATH-or-URL [REVISION]"
    )
    parser.add_argument(
        "--work", metavar="DIR", help="for clones (default: below homespun's own state)"
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
    from homespun.cli.fleet.repositories import read_list
    from homespun.indexer.embedding.static_encoder import StaticEncoder
    from homespun.indexer.table.build import build
    from homespun.indexer.table.place import TablePlace
    from homespun.paths import state_home

    repositories = read_list(Path(args.repos))
    work = Path(args.work).absolute() if args.work else state_home() / "fleet"
    place = TablePlace(args.uri, create=True)
    with RichProgress(quiet=args.json) as progress:
        listed, unavailable = _brought(repositories, work, progress)
        report = build(
            place,
            listed,
            StaticEncoder.load(),
            unavailable=unavailable,
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


def _brought(
    repositories: Sequence[FleetRepository], work: Path, progress: Progress
) -> tuple[list[NamedRepository], dict[str, str]]:
    """Clone what is elsewhere; return what can be built, and why the rest cannot (by name)."""
    from homespun.cli.fleet.clones import brought
    from homespun.indexer.table.listed import NamedRepository

    found: list[NamedRepository] = []
    missing: dict[str, str] = {}
    progress.start("fetching", len(repositories), "repositories")
    for one in repositories:
        try:
            folder = brought(one, work, patience_seconds=_PATIENCE_SECONDS)
        except HomespunError as error:
            missing[one.name] = str(error)
        except OSError as error:
            missing[one.name] = in_words(error)
        else:
            # A clone is at its revision by now, which may be a branch that only the origin has.
            found.append(NamedRepository(one.name, folder, "" if one.is_remote else one.revision))
        progress.advance(1)
    progress.finish()
    return found, missing


def _print(report: TableReport, uri: str) -> None:
    print(
        f"{report.repositories} repositories, {report.chunks} chunks at {showable_line(uri)}: "
        f"{len(report.built)} built, {len(report.unchanged)} unchanged, {len(report.gone)} gone, "
        f"{len(report.failed)} failed, in {report.seconds:.1f} s",
        flush=True,
    )
