"""What `homespun index` shows others: what is published of a repository, and taken back."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, get_args

from homespun.cli.errors import UsageError
from homespun.indexer.packs.public import What

if TYPE_CHECKING:
    from homespun.indexer.index import Index
    from homespun.indexer.packs.sharing.publish import PackPublished


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument(
        "--publish",
        metavar="URI",
        help="offer the public definitions of the commit to other repositories: to a folder, "
        "s3://, gs:// or az://",
    )
    parser.add_argument("--name", metavar="NAME", help="what others call this one, e.g. acme/auth")
    parser.add_argument(
        "--publish-what",
        choices=get_args(What),
        default="definitions",
        help="names, heads and lines of documentation, or short bodies (chunks) as well",
    )
    parser.add_argument(
        "--retract", action="store_true", help="with --publish: say there that it is gone"
    )


def check_arguments(args: argparse.Namespace) -> None:
    """Raise `UsageError` where the flags make no sense together, `PackRefused` for a bad name."""
    from homespun.indexer.packs.names import check_repo, scheme_of

    if (args.publish is None) != (args.name is None):
        raise UsageError("--publish URI and --name NAME go together: where to, and as what")
    if args.retract and args.publish is None:
        raise UsageError("--retract wants --publish URI and --name NAME: what is gone, and where")
    if args.publish is not None:
        check_repo(args.name)
        scheme_of(args.publish)


def publish(args: argparse.Namespace, index: Index) -> None:
    """Offer what an index, which is up to date, has to offer."""
    from homespun.indexer.packs.sharing.publish import publish
    from homespun.indexer.packs.sharing.stores import open_store

    _print(args, publish(index, open_store(args.publish), args.name, what=args.publish_what))


def retract(args: argparse.Namespace) -> int:
    """Leave a mark that a repository is gone."""
    from homespun.indexer.packs.sharing.publish import retract
    from homespun.indexer.packs.sharing.stores import open_store

    check_arguments(args)
    _print(args, retract(open_store(args.publish), args.name))
    return 0


def _print(args: argparse.Namespace, done: PackPublished) -> None:
    if args.json:
        print(json.dumps(done.to_json()), flush=True)
        return
    if not done.pack:
        print(f"{done.repo} is marked as gone at {args.publish}")
        return
    modules = ", ".join(done.modules)
    state = "published" if done.is_new else "was offered already"
    print(
        f"{done.repo} at {done.revision[:6]} {state}: {done.rows} rows of {modules}, "
        f"{done.size_bytes / 1000:.0f} kB"
    )
    if done.swept:
        print(f"{done.swept} packs that nobody had named for a week were deleted")
