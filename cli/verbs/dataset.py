"""`homespun dataset`: examples to learn from, out of a repository and its history."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from homespun.cli.errors import UsageError
from homespun.cli.progress import RichProgress

if TYPE_CHECKING:
    from homespun.training.config import DatasetReport


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument("dir", nargs="?", default=".", metavar="DIR", help="folder (default: .)")
    parser.add_argument(
        "--until",
        metavar="REV",
        help="last commit to learn from and validate on: a revision, or a day such as 2025-06-30 "
        "(default: the last one)",
    )
    parser.add_argument(
        "--out", metavar="DIR", help="where to write (default: DIR/.homespun/dataset)"
    )
    parser.add_argument("--examples", type=int, metavar="N", help="how many to learn from")
    parser.add_argument("--name", help="the repository's name in the prompts (the folder's name)")
    parser.add_argument(
        "--replay", metavar="FILE.jsonl", help="examples of other repositories to mix in"
    )
    parser.add_argument("--seed", type=int, default=0, help="of all that is drawn (default: 0)")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")


def run(args: argparse.Namespace) -> int:
    """Write the dataset, print what it is."""
    from homespun.training.dataset.build import DatasetConfig, build_dataset

    config = DatasetConfig()
    if args.examples is not None:
        if args.examples < 1:
            raise UsageError(f"--examples wants a number of 1 or more, not {args.examples}")
        least = min(config.least_examples, args.examples)
        config = replace(config, examples=args.examples, least_examples=least)
    replay = None if args.replay is None else Path(args.replay)
    if replay is not None and not replay.is_file():
        raise UsageError(f"--replay: {args.replay!r} is no file")
    root = Path(args.dir)
    out = Path(args.out) if args.out else None
    with RichProgress(quiet=args.json) as progress:
        report = build_dataset(
            root,
            out,
            until=args.until,
            config=config,
            seed=args.seed,
            name=args.name,
            general_examples=replay,
            progress=progress,
        )
    if args.json:
        print(json.dumps(report.to_json()))
    else:
        _print(report)
    sys.stdout.flush()
    return 0


def _print(report: DatasetReport) -> None:
    kinds = ", ".join(f"{kind} {count}" for kind, count in report.kinds.items())
    sources = ", ".join(f"{source} {count}" for source, count in report.sources.items())
    print(
        f"{report.directory}: {report.train} examples to learn from, {report.validation} to "
        f"validate on"
        + (" (it was there already)" if report.reused else f", in {report.seconds:.0f} s")
    )
    print(f"from {report.files} files with {report.code_lines} lines of code; {sources}")
    print(f"kinds of holes: {kinds}; {report.with_context} show retrieved code")
    if report.cutoff:
        print(
            f"cut-off {report.cutoff[:12]} ({report.cutoff_date}): {report.commits['train']} "
            f"commits before, {report.commits['validation']} validate, {report.commits['test']} "
            "after it were not looked at"
        )
    if not report.has_history:
        print("validated on whole files held out, which flatters: see data_card.md")
    if report.dropped:
        counts = ", ".join(f"{reason} {count}" for reason, count in report.dropped.items())
        print(f"{sum(report.dropped.values())} files left out: {counts}")
    for note in report.notes:
        print(f"note: {note}")
    print(f"read {report.directory / 'data_card.md'}")
