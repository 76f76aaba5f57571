"""A checkup in a terminal: a line a check, and below it what is wrong with what mends it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homespun.cli.output import table_console
from homespun.showable import showable_line

if TYPE_CHECKING:
    from homespun.cli.doctor.checkup import Checkup

_COLOURS = {"ok": "green", "note": "yellow", "broken": "bold red"}
_WIDTH = 120


def print_checkup(checkup: Checkup) -> None:
    """Print one screen; names and texts of others are escaped and never read as markup."""
    from rich.table import Table
    from rich.text import Text

    console = table_console(_WIDTH)
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for result in checkup.results:
        grade = result.finding.grade
        table.add_row(
            Text(grade, style=_COLOURS[grade]),
            result.name,
            Text(showable_line(result.finding.line)),
        )
    console.print(Text(showable_line(str(checkup.patient.folder)), style="bold"))
    console.print(table)
    for result in checkup.results:
        for problem in result.finding.problems:
            style = _COLOURS["broken" if problem.is_broken else "note"]
            sentence = Text.assemble((f"{result.name}: ", style), showable_line(problem.sentence))
            console.print(Text())
            console.print(sentence, soft_wrap=True)
            console.print(Text(f"  -> {showable_line(problem.mend)}"), soft_wrap=True)
    console.print(Text())
    console.print(Text(_verdict(checkup)))


def _verdict(checkup: Checkup) -> str:
    problems = [each for result in checkup.results for each in result.finding.problems]
    broken = sum(problem.is_broken for problem in problems)
    notes = len(problems) - broken
    if not problems:
        return "all is well"
    said = [f"{broken} broken"] * bool(broken) + [f"{notes} to note"] * bool(notes)
    return ", ".join(said)
