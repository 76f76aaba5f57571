"""`homespun conventions`: how this repository writes, counted in its code."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from homespun.cli.numbers import check_least
from homespun.cli.output import say
from homespun.cli.progress import RichProgress
from homespun.indexer.config import IndexConfig
from homespun.settings import settings_of

if TYPE_CHECKING:
    from homespun.training.conventions.mine import Conventions


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument("dir", nargs="?", default=".", metavar="DIR", help="folder (default: .)")
    parser.add_argument(
        "--least",
        type=int,
        default=30,
        metavar="N",
        help="places that a rule needs to be judged (default: 30)",
    )
    parser.add_argument("--all", action="store_true", help="show rules with fewer places, too")
    parser.add_argument(
        "--rule", metavar="ID", help="show the places of one rule (an ID, or a part of it)"
    )
    parser.add_argument("--json", action="store_true", help="print everything as JSON")


def run(args: argparse.Namespace) -> int:
    """Mine and print."""
    check_least("--least", args.least, 1)
    import time

    from homespun.training.conventions.mine import mine

    root = Path(args.dir)
    settings = settings_of(IndexConfig, "index", workspace=root, say=say)
    began = time.monotonic()
    with RichProgress(quiet=args.json) as progress:
        found = mine(root, settings, progress=progress, least_sites=args.least)
    seconds = time.monotonic() - began
    if args.json:
        print(json.dumps(_body(root, found, args.least, seconds, args.rule)), flush=True)
        return 0
    from homespun.cli.verbs import conventions_tables

    if args.rule:
        return conventions_tables.print_rule(found, args.rule)
    conventions_tables.print_conventions(
        found, name=root.resolve().name, least_sites=args.least, all_rules=args.all
    )
    return 0


def _body(
    root: Path, found: Conventions, least_sites: int, seconds: float, rule: str | None
) -> dict[str, object]:
    return {
        "root": str(root.resolve()),
        "files": found.files,
        "lines": found.lines,
        "skipped": found.skipped,
        "least_sites": least_sites,
        "seconds": round(seconds, 2),
        "rules": [c.to_json() for c in found.rules if rule is None or rule in c.rule.id],
    }
