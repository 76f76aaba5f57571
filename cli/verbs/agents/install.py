"""`homespun install-agent`: tell a coding agent of homespun, or take that back; shown before."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from homespun.cli.agents.kinds import KINDS
from homespun.cli.errors import Unavailable, UsageError
from homespun.cli.output import say


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument("agent", choices=[kind.name for kind in KINDS], help="which agent")
    parser.add_argument(
        "--path", default=".", metavar="DIR", help="the project's folder (default: .)"
    )
    parser.add_argument("--remove", action="store_true", help="take out what was put in, no more")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument(
        "--command",
        default="homespun",
        metavar="PROGRAM",
        help="what the agent starts (default: homespun, which it finds on its PATH)",
    )


def run(args: argparse.Namespace) -> int:
    """Show the change, ask, write; 1 where the answer was no. Raises `ChangeRefused`."""
    from homespun.cli.agents import plan as plans

    kind = next(kind for kind in KINDS if kind.name == args.agent)
    project = Path(args.path).absolute()
    if not project.is_dir():
        raise Unavailable(f"{args.path!r} is no folder; give the project's folder with --path")
    if not args.command.strip() or not args.command.isprintable():
        raise UsageError(f"--command is {args.command!r}; give the name or path of a program")
    plan = (
        plans.to_remove(kind, project)
        if args.remove
        else plans.to_install(kind, project, args.command)
    )
    for note in plan.notes:
        say(note)
    if not plan.changes:
        print(f"{kind.title}: nothing to change")
        return 0
    for change in plan.changes:
        print(change.diff(), end="", flush=True)
    if not args.yes and not _agreed():
        say("nothing was changed")
        return 1
    for change in plan.changes:
        change.apply()
    print(f"{kind.title}: {len(plan.changes)} files changed; start it again so that it looks")
    if not args.remove:
        _say_what_is_missing()
    return 0


def _agreed() -> bool:
    if not sys.stdin.isatty():
        raise UsageError("there is no terminal to ask on; add --yes to write this")
    print("Write this? [y/N] ", end="", flush=True)
    return sys.stdin.readline().strip().casefold() in ("y", "yes")


def _say_what_is_missing() -> None:
    from homespun.server.agents.serve import INSTALL, is_installed

    if not is_installed():
        say(f"`homespun mcp` needs the MCP SDK, which is not installed yet; run `{INSTALL}`")
