"""`homespun fleet report`: the reports of shards, joined; what no shard has done is named."""

from __future__ import annotations

import argparse
from pathlib import Path

from homespun.cli.output import say
from homespun.cli.verbs.fleet import common


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the action's arguments."""
    parser.add_argument("dirs", nargs="+", metavar="DIR", help="a report, as --report named it")
    parser.add_argument(
        "--list", metavar="REPOS.txt", help="the whole list: what has no outcome is missing"
    )
    parser.add_argument("--out", metavar="DIR", help="write the joined page and JSON there")
    parser.add_argument("--json", action="store_true", help="print JSON on stdout, nothing else")


def run(args: argparse.Namespace) -> int:
    """Join and print; 1 where a repository failed or is missing."""
    from homespun.cli.fleet.report import write_report
    from homespun.cli.fleet.run import joined_report, names_of
    from homespun.storage import writing

    report = joined_report([Path(each) for each in args.dirs], names_of(args.list))
    for trouble in report.troubles:
        say(trouble)
    out = Path(args.out).absolute() if args.out else None
    if out is not None:
        with writing(out):
            write_report(out, report)
    common.show(report, out, as_json=args.json)
    return 0 if report.is_well else 1
