"""`homespun fleet index`: the index of many repositories, and a pack of each where others look."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import get_args

from homespun.cli.errors import UsageError
from homespun.cli.verbs.fleet import common
from homespun.indexer.packs.names import folder_path, scheme_of
from homespun.indexer.packs.public import What

_MINUTES = 60.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the action's arguments."""
    common.add_arguments(parser, jobs=2, minutes=_MINUTES)
    parser.add_argument(
        "--publish",
        metavar="URI",
        help="offer each one's public definitions under its name: to a folder, s3://, gs://, az://",
    )
    parser.add_argument(
        "--publish-what",
        choices=get_args(What),
        default="definitions",
        help="names, heads and lines of documentation, or short bodies (chunks) as well",
    )
    parser.add_argument("--encoder", metavar="NAME", help='as `homespun index` takes it, or "none"')


def run(args: argparse.Namespace) -> int:
    """Index, publish, report; 1 where a repository failed."""
    if args.encoder == "":
        raise UsageError('--encoder wants a name, or "none"')
    arguments = () if args.encoder is None else (f"--encoder={args.encoder}",)
    publish = "" if args.publish is None else _place(args.publish)
    plan = common.plan_of(
        args, "index", publish=publish, what=args.publish_what, arguments=arguments
    )
    return common.carry_out(args, plan)


def _place(uri: str) -> str:
    """Return the address of a place, the same wherever a worker stands. Raises `PackRefused`."""
    from homespun.indexer.packs.sharing.stores import open_store

    if scheme_of(uri) == "file":
        uri = str(Path(folder_path(uri)).expanduser().absolute())
    open_store(uri)  # one sentence now, not one a repository
    return uri
