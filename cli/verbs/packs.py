"""What `homespun index` shows others: what is published of a repository, and taken back."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, get_args

from homespun.cli.errors import UsageError
from homespun.indexer.packs.names import REVISION_CHARS, check_repo, scheme_of
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
    if (args.publish is None) != (args.name is None):
        raise UsageError("--publish URI and --name NAME go together: where to, and as what")
    if args.retract and args.publish is None:
        raise UsageError("--retract wants --publish URI and --name NAME: what is gone, and where")
    if args.publish is not None:
        check_repo(args.name)
        scheme_of(args.publish)


def publish(args: argparse.Namespace, index: Index) -> PackPublished:
    """Offer what an index, which is up to date, has to offer."""
    from homespun.indexer.packs.sharing import publish as sharing
    from homespun.indexer.packs.sharing.stores import open_store

    return sharing.publish(index, open_store(args.publish), args.name, what=args.publish_what)


def retract(args: argparse.Namespace) -> int:
    """Leave a mark that a repository is gone."""
    from homespun.indexer.packs.sharing import publish as sharing
    from homespun.indexer.packs.sharing.stores import open_store

    check_arguments(args)
    done = sharing.retract(open_store(args.publish), args.name)
    if args.json:
        print(json.dumps({"published": done.to_json()}), flush=True)
    else:
        show(args, done)
    return 0


def show(args: argparse.Namespace, done: PackPublished) -> None:
    """Print what is offered now, for a person."""
    if not done.pack:
        print(f"{done.repo} is marked as gone at {args.publish}", flush=True)
        return
    modules = ", ".join(done.modules)
    state = "published" if done.is_new else "was offered already"
    print(
        f"{done.repo} at {done.revision[:REVISION_CHARS]} {state}: {done.rows} rows of {modules}, "
        f"{done.size_bytes / 1000:.0f} kB",
        flush=True,
    )
    if done.swept:
        print(f"{done.swept} packs that nobody had named for a week were deleted", flush=True)
