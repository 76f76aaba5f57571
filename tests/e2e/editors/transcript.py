"""Runs commands in a real terminal and draws what a person sees, for the README.

By hand: python transcript.py FOLDER OUT.png COMMAND [COMMAND ...]
"""

from __future__ import annotations

import sys
from pathlib import Path

from tests.e2e.editors.terminal import Terminal

_PROMPT = "$ "
_SIZE = (112, 60)  # columns, rows
_SECONDS = 300.0


def main() -> int:
    """Run the commands one after the other; the picture holds the last screenful."""
    folder, out, *commands = sys.argv[1:]
    shell = ["env", r"PS1=\[\e[1;32m\]$\[\e[0m\] ", "bash", "--norc", "--noprofile"]
    with Terminal(shell, cwd=Path(folder), environment={}, size=_SIZE) as terminal:
        terminal.wait(lambda: terminal.cursor_row().startswith(_PROMPT.strip()), what="prompt")
        for command in commands:
            terminal.text(command)
            terminal.keys("Enter")
            _wait_for_prompt(terminal)
        terminal.save_picture(Path(out))
    return 0


def _wait_for_prompt(terminal: Terminal) -> None:
    terminal.wait(
        lambda: terminal.cursor_row().strip() == _PROMPT.strip(), what="prompt", seconds=_SECONDS
    )


if __name__ == "__main__":
    sys.exit(main())
