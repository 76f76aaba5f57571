"""An advice for a terminal: what to do, why, and the figures behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homespun.cli.output import print_line, table_console
from homespun.server.completion.failure_sorts import FAILURE_SORTS
from homespun.training.advice.levers import DO
from homespun.training.advice.measured import CONTEXTS
from homespun.training.report.figures import minutes

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from homespun.training.advice.advise import Advice

_WIDTH = 110  # columns where the output goes to a file
_MARKS = {"yes": "+", "no": "-", "open": "?"}
_MISSING_NAMES = 8
_FOLDERS = 4


def print_advice(found: Advice) -> None:
    """Print the headline, each lever, the failures by sort, and the history."""
    console = table_console(_WIDTH)
    print_line(console, f"{found.verdict.headline}.")
    for lever in found.verdict.levers:
        price = minutes(lever.minutes * 60) if lever.minutes else "no minutes"
        print_line(console, f"  {_MARKS[lever.outcome]} {DO[lever.name]}: {lever.sentence}")
        print_line(console, f"      {price}; {lever.price}")
    if found.measured.places:
        console.print(_failures(found))
        _print_missing(console, found)
    _print_house(console, found)
    _print_history(console, found)
    for note in found.notes:
        print_line(console, note)
    print_line(console, f"took {minutes(found.seconds)}")


def _failures(found: Advice) -> Table:
    from rich import box
    from rich.table import Table

    measured = found.measured
    title = (
        f"{found.model} at {measured.places} places of {measured.commits} later commits: "
        "first lines, and of those not as written, why"
    )
    table = Table(title=title, title_justify="left", box=box.SIMPLE, pad_edge=False)
    table.add_column("", no_wrap=True)
    for context in CONTEXTS:
        name = "no retrieval" if context == "none" else context
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("mended by", no_wrap=True)
    table.add_row("exactly as written", *(str(measured.exact[c]) for c in CONTEXTS), "")
    for code, sort in FAILURE_SORTS.items():
        shares = [str(measured.failures[context][code]) for context in CONTEXTS]
        table.add_row(sort.name, *shares, sort.mended_by or "nothing")
    return table


def _print_missing(console: Console, found: Advice) -> None:
    names = list(found.measured.missing)[:_MISSING_NAMES]
    if names:
        print_line(console, f"names that retrieval did not show: {', '.join(names)}")


def _print_house(console: Console, found: Advice) -> None:
    house, measured = found.house, found.measured
    then = ""
    if house.day_then:
        then = (
            f"; of {house.house_then} that were on {house.day_then}, "
            f"{len(house.unsettled)} have not stayed"
        )
    print_line(
        console, f"conventions: {house.settled} of {house.judged} with places enough settled{then}"
    )
    print_line(
        console,
        f"house form in what is written: {measured.in_file} of {measured.in_file.of} sites with "
        f"the file in sight, {measured.unseen} of {measured.unseen.of} where it shows none",
    )


def _print_history(console: Console, found: Advice) -> None:
    history = found.history
    print_line(
        console,
        f"history: {history.commits:,} commits of {history.authors:,} authors, "
        f"{history.first_day} to {history.last_day}; {history.code_lines:,} lines of code, "
        f"{history.settled_share * 100:.0f} % of them in files untouched for a year",
    )
    weekly = [one.folder or "(top)" for one in history.weekly]
    more = f" and {len(weekly) - _FOLDERS} more" if len(weekly) > _FOLDERS else ""
    names = ", ".join(weekly[:_FOLDERS]) or "no folder"
    print_line(console, f"changed in at least every second week: {names}{more}")
    print_line(console, found.exam.sentence)
