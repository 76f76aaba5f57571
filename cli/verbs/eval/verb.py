"""`homespun eval`: what is measured here, and whether it is still as good as it was.

A file a part; here they become one verb. What two of them do with an accepted report is in
`accepted.py`.
"""

from __future__ import annotations

import argparse

from homespun.cli.verbs.eval import completion, infilling, retrieval

_PARTS = (
    (
        "retrieval",
        retrieval,
        "NDCG, recall and times of the search on queries whose answers are known",
    ),
    (
        "completion",
        completion,
        "lines of later commits, completed by every arm: exact lines, style, failures, speed",
    ),
    (
        "infilling",
        infilling,
        "ordinary Python, a line at a time: exact lines, with and without an adapter",
    ),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="WHAT")
    for name, part, summary in _PARTS:
        added = actions.add_parser(name, help=summary, description=summary)
        part.add_arguments(added)
        added.add_argument(
            "--debug", action="store_true", default=argparse.SUPPRESS, help=argparse.SUPPRESS
        )
        added.set_defaults(part=part.run)


def run(args: argparse.Namespace) -> int:
    """Run the part that was asked for."""
    return int(args.part(args))
