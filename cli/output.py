"""What verbs print: sentences beside their result on the standard error, tables on the output."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console


def say(sentence: str) -> None:
    """Tell the user something."""
    print(f"homespun: {sentence}", file=sys.stderr, flush=True)


def table_console(width: int) -> Console:
    """Return a console for tables, `width` columns wide where the output is no terminal."""
    from rich.console import Console

    console = Console()
    return console if console.is_terminal else Console(width=width)


def print_line(console: Console, text: str) -> None:
    """Print a line as it is: what looks like markup is none, and nothing is wrapped."""
    console.print(text, markup=False, highlight=False, soft_wrap=True)
