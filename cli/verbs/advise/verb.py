"""`homespun advise`: says which lever this repository needs."""

from __future__ import annotations

import argparse
import json
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from homespun.cli.errors import Unavailable, UsageError
from homespun.cli.numbers import check_least
from homespun.cli.output import say
from homespun.cli.progress import RichProgress

if TYPE_CHECKING:
    from homespun.training.advice.advise import Advice, AdviceOptions


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument("repo", nargs="?", default=".", metavar="REPO", help="folder (default: .)")
    parser.add_argument(
        "--items",
        type=int,
        metavar="N",
        help="places of later commits, and as many habits, that are completed (default: 60)",
    )
    parser.add_argument(
        "--until",
        metavar="REV",
        help="a revision or day; lines behind it are completed (default: the last tenth of the "
        "commits, as a training would be judged by)",
    )
    parser.add_argument("--model", metavar="NAME", help="model instead of the configured one")
    parser.add_argument(
        "--with-larger",
        action="store_true",
        help="ask the next larger model as well, if it is on this machine",
    )
    parser.add_argument("--seed", type=int, metavar="N", help="which places (default: 0)")
    parser.add_argument("--html", type=Path, metavar="PAGE", help="write it as one page of HTML")
    parser.add_argument("--json", action="store_true", help="print the whole as JSON")


def run(args: argparse.Namespace) -> int:
    """Read, complete, say what to do."""
    from homespun.models.recommend.auto import recommend
    from homespun.server.completion.open import completion_settings
    from homespun.training.advice.advise import advise

    options = _options(args)
    root = Path(args.repo)
    if not root.is_dir():
        raise UsageError(f"{args.repo!r} is no folder; give that of a repository")
    if args.html is not None:
        _check_page(args.html)
    with RichProgress(quiet=args.json) as progress:
        settings = completion_settings(root, flags={"model": args.model}, say=progress.say)
        speeds = recommend(threads=settings.threads, say=progress.say).speeds
        found = advise(root, settings, options, speeds=speeds, progress=progress)
    if args.html is not None:
        _write_page(found, args.html)
    if args.json:
        print(json.dumps(found.to_json(), indent=1), flush=True)
    else:
        from homespun.cli.verbs.advise import tables

        tables.print_advice(found)
    return 0


def _options(args: argparse.Namespace) -> AdviceOptions:
    from homespun.training.advice.advise import AdviceOptions

    check_least("--items", args.items, 1)
    given = {
        name: getattr(args, name)
        for name in ("items", "until", "seed")
        if getattr(args, name) is not None
    }
    return AdviceOptions(with_larger=args.with_larger, **given)


def _check_page(path: Path) -> None:
    """Refuse before anything is computed: a page may replace a page of ours, and nothing else."""
    from homespun.server.report_page import is_harmless

    if not path.absolute().parent.is_dir():
        raise Unavailable(f"the folder of {str(path)!r} is not there; make it, or name another")
    if (path.exists() or path.is_symlink()) and not is_harmless(path):
        raise Unavailable(
            f"{str(path)!r} is there already and is no page of homespun's; name another file"
        )


def _write_page(found: Advice, path: Path) -> None:
    from homespun.storage import write_private
    from homespun.training.advice.view import page_of

    made = datetime.now().astimezone().strftime("%Y-%m-%d %H:%M")
    write_private(path, page_of(found, made))
    say(f"{str(path)!r} has it as a page")
