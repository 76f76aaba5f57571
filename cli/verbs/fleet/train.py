"""`homespun fleet train`: `homespun train` in many repositories, one page of what came of it."""

from __future__ import annotations

import argparse
import shlex

from homespun.cli.errors import UsageError
from homespun.cli.verbs.fleet import common

_MINUTES = 24 * 60.0
_OURS = ("--json", "--resume", "--plan")  # that the fleet itself says, or that learn nothing
_NUMBERS = ("minutes", "steps", "examples", "items", "seed")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the action's arguments."""
    common.add_arguments(parser, jobs=1, minutes=_MINUTES)
    for name in _NUMBERS:
        kind = float if name == "minutes" else int
        parser.add_argument(
            f"--{name}", type=kind, metavar="N", help=f"`homespun train --{name}`, for each"
        )
    parser.add_argument("--preset", choices=("cpu", "gpu"), help="`homespun train --preset`")
    parser.add_argument("--if-stale", action="store_true", help="`homespun train --if-stale`")
    parser.add_argument("--no-promote", action="store_true", help="`homespun train --no-promote`")
    parser.add_argument(
        "--flags",
        default="",
        metavar="FLAGS",
        help='any other flags of `homespun train`, as one text: --flags="--until 2026-01-01"',
    )


def run(args: argparse.Namespace) -> int:
    """Train, report; 1 where a repository failed. A verdict against an adapter is no failure."""
    return common.carry_out(args, common.plan_of(args, "train", arguments=_arguments(args)))


def _arguments(args: argparse.Namespace) -> tuple[str, ...]:
    """Return the flags of each training. Raises `UsageError`."""
    words = [
        f"--{name}={getattr(args, name)}"
        for name in (*_NUMBERS, "preset")
        if getattr(args, name) is not None
    ]
    words += [f"--{name}" for name in ("if-stale", "no-promote") if getattr(args, _attribute(name))]
    try:
        more = shlex.split(args.flags)
    except ValueError as error:
        raise UsageError(f"--flags {args.flags!r} cannot be cut into words: {error}") from error
    names = [word.partition("=")[0] for word in more]
    if more and (not more[0].startswith("--") or "--" in names):
        raise UsageError(
            f"--flags {args.flags!r} wants flags of `homespun train`, e.g. --until=DAY"
        )
    if taken := [name for name in names if name in _OURS]:
        raise UsageError(f"--flags has {taken[0]}, which the fleet itself decides; leave it out")
    return (*words, *more)


def _attribute(name: str) -> str:
    return name.replace("-", "_")
