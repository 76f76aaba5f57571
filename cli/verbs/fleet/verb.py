"""`homespun fleet`: what one repository is given, given to many.

A file an action; here they become one verb.
"""

from __future__ import annotations

import argparse

from homespun.cli.verbs.fleet import index, report, table, train

_ACTIONS = (
    ("index", index, "index many repositories, and offer a pack of each"),
    ("train", train, "learn an adapter in each of many repositories, one after the other"),
    ("report", report, "join the reports of several shards into one"),
    ("table", table, "make one table of many repositories, to search in all of them"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    for name, module, summary in _ACTIONS:
        added = actions.add_parser(name, help=summary, description=summary)
        module.add_arguments(added)
        added.add_argument(
            "--debug", action="store_true", default=argparse.SUPPRESS, help=argparse.SUPPRESS
        )
        added.set_defaults(action_run=module.run)


def run(args: argparse.Namespace) -> int:
    """Do the action that was asked for; return its exit status."""
    return int(args.action_run(args))
