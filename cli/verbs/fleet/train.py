"""`homespun fleet train`."""

from __future__ import annotations

import argparse

from homespun.cli.errors import Unavailable


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the action's arguments."""
    parser.add_argument("--json", action="store_true", help="print JSON on stdout, nothing else")


def run(args: argparse.Namespace) -> int:
    """Say that it is not there yet."""
    raise Unavailable("`homespun fleet train` is not there yet")
