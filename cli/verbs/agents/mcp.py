"""`homespun mcp`: the repository's knowledge as tools of an agent, over standard input and output.

Stdout belongs to the protocol, the log goes to stderr.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from homespun.cli.ending import end_process
from homespun.cli.errors import Unavailable
from homespun.cli.output import say

if TYPE_CHECKING:
    from homespun.server.agents.habits import CountedHabit
    from homespun.server.agents.places import CodePlace
    from homespun.training.conventions.mine import Convention, ExampleLine


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument("dir", nargs="?", default=".", metavar="DIR", help="folder (default: .)")


def run(args: argparse.Namespace) -> NoReturn:
    """Serve until the client leaves. Raises `Unavailable` without the SDK or a folder."""
    from homespun.server.agents import serve

    root = Path(args.dir)
    if not serve.is_installed():
        raise Unavailable(
            f"`homespun mcp` needs the MCP SDK, which is not installed; run `{serve.INSTALL}`"
        )
    if not root.is_dir():
        raise Unavailable(f"{args.dir!r} is no folder; give the folder of a repository")
    logging.basicConfig(
        stream=sys.stderr, level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s"
    )
    from importlib.metadata import version

    from homespun.server.agents.folder import AgentFolder
    from homespun.server.agents.habits import Habits
    from homespun.server.agents.tools import Toolbox

    folder = AgentFolder(root.absolute(), say=say)
    folder.begin()
    serve.serve(Toolbox(folder, Habits(lambda: habits_of(root))), version=version("homespun"))
    end_process(0)


def habits_of(root: Path) -> Sequence[CountedHabit]:
    """Count the conventions of a folder, those with enough places. Raises `NotADirectory`."""
    from homespun.training.conventions.mine import mine

    return [_habit(each) for each in mine(root).rules if each.status != "few"]


def _habit(convention: Convention) -> CountedHabit:
    from homespun.server.agents.habits import CountedHabit

    other = convention.forms[1].label if len(convention.forms) > 1 else ""
    return CountedHabit(
        id=convention.rule.id,
        group=convention.rule.group,
        title=convention.rule.title,
        form=convention.house.label,
        is_rule=convention.status == "house",
        share=convention.adherence,
        count=convention.sites,
        example=_place(convention.house.examples[0]),
        other=other,
    )


def _place(example: ExampleLine) -> CodePlace:
    from homespun.server.agents.places import CodePlace

    lines = (example.text,) if example.text else ()
    return CodePlace(example.path, example.line, example.line, lines=lines)
