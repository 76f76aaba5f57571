"""`homespun adapters publish` and `pull`: a team shares one adapter by a folder."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING

from homespun.cli.output import say

if TYPE_CHECKING:
    from homespun.models.adapters.registry import Registry


def add_publish(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `publish`."""
    parser.add_argument("id", metavar="ID", help="an identifier, as `list` shows it")
    parser.add_argument("place", metavar="DESTINATION", help="a folder that the team reaches")
    parser.add_argument(
        "--no-report",
        action="store_true",
        help="leave the report and its data out, which hold lines of the repository",
    )
    parser.add_argument(
        "--older", action="store_true", help="even if the one that is offered was learned later"
    )


def add_pull(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `pull`."""
    parser.add_argument("place", metavar="SOURCE", help="the folder that was published to")
    parser.add_argument("--model", metavar="NAME", help="model instead of the configured one")
    parser.add_argument(
        "--older", action="store_true", help="even if a later one was taken from there before"
    )


def run_publish(args: argparse.Namespace, registry: Registry) -> int:
    """Offer an adapter to others."""
    from homespun.models.adapters.sharing.publish import files_with_lines, publish
    from homespun.storage import megabytes

    done = publish(registry, args.id, args.place, report=not args.no_report, older=args.older)
    if with_lines := files_with_lines(done.files):
        say(
            f"{', '.join(with_lines)} may hold lines of the repository, for all who read that "
            "place; --no-report leaves them out"
        )
    if args.json:
        print(json.dumps(done.to_json(), indent=1))
        return 0
    was = "is offered there" if done.is_new else "was offered there already"
    seal = ", sealed with the team's key" if done.is_sealed else ""
    print(f"{done.id} {was}: publication {done.number}, {megabytes(done.size_bytes)}{seal}")
    return 0


def run_pull(args: argparse.Namespace, registry: Registry) -> int:
    """Take what is offered; it serves not yet."""
    from homespun.models.adapters.sharing.pull import pull
    from homespun.server.completion.open import completion_settings
    from homespun.server.prompt.render import PROMPT_VERSION

    model = completion_settings(registry.workspace, flags={"model": args.model}, say=say).model
    done = pull(registry, args.place, model=model, prompt_version=PROMPT_VERSION, older=args.older)
    if args.json:
        print(json.dumps(done.to_json(), indent=1))
        return 0
    adapter = done.adapter
    print(f"{adapter.id} {'is here now' if done.is_new else 'was here already'}: {adapter.state}")
    if not adapter.is_known:
        print(f"  nothing of it is used before you trust it: homespun adapters trust {adapter.id}")
    if adapter.state != "champion":
        print(f"  it serves once it is promoted: homespun adapters promote {adapter.id}")
    return 0
