"""`homespun acceptance`: what became of the suggestions in the editor, from the local log."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, Any

from homespun.cli.errors import UsageError
from homespun.cli.output import say, table_console

if TYPE_CHECKING:
    from rich.table import Table

_WIDTH = 120  # where the output is no terminal


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument("--since", type=float, metavar="DAYS", help="only the last DAYS days")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")


def run(args: argparse.Namespace) -> int:
    """Print the figures; nothing recorded is no failure."""
    from homespun.server.acceptance.figures import MAX_DAYS, figures

    if args.since is not None and not 0 < args.since < MAX_DAYS:
        raise UsageError(f"--since is {args.since:g}; give days, more than 0")
    found = figures(since_days=args.since)
    if args.json:
        print(json.dumps(found))
    else:
        _print(found)
    return 0


def _print(found: dict[str, Any]) -> None:
    console = table_console(_WIDTH)
    if found["first"]:
        since = found["since_days"]
        asked = f" (the last {since:g} days)" if since else ""
        console.print(f"{found['first'][:10]} to {found['last'][:10]}{asked}", highlight=False)
        console.print(_taken(found["groups"]))
        if any(kept["unchanged"]["of"] for kept in found["groups"][0]["kept"]):
            console.print(_kept(found["groups"]))
        if found["reliability"]["bins"]:
            console.print(_reliability(found["reliability"]))
            console.print(_learned(found["reliability"]), highlight=False, soft_wrap=True)
    console.print(found["message"], highlight=False, soft_wrap=True)
    if found["first"]:
        console.print(_EXPLANATION, highlight=False, soft_wrap=True)
    else:
        console.print(_OFF, highlight=False, markup=False, soft_wrap=True)
    if found["unread_bytes"]:
        say(
            f"{found['unread_bytes']:,} bytes of older records are not counted; "
            "ask for fewer days with --since"
        )
    if found["broken_lines"]:
        say(f"{found['broken_lines']} lines are no records")


_EXPLANATION = (
    "Percentages with their 95 % intervals (Wilson), which take suggestions for independent; "
    "those of one session are less so.\n"
    "Looked at: stood for 0.75 s. Unchanged: nothing that was accepted was edited, but white "
    "space; mostly: an edit distance of at most a third; characters: those that no edit touched."
)
_OFF = "Recording is on unless `acceptance_log = false` stands in [server] of your homespun.toml."


def _taken(groups: list[dict[str, Any]]) -> Table:
    """Return what was taken of what was shown, a line for each group."""
    table = _table("", "shown", "accepted", "in full", "in part", "of looked at", "typed by hand")
    by = "all"
    for group in groups:
        if group["by"] != by:
            table.add_section()
            by = group["by"]
        shares = ("accepted", "in_full", "in_part", "accepted_of_seen", "typed")
        cells = [_cell(group[share]) for share in shares]
        table.add_row(str(group["value"]), str(group["shown"]), *cells)
    return table


def _kept(groups: list[dict[str, Any]]) -> Table:
    """Return what stood later of what was accepted; no line where nothing was followed so long."""
    table = _table("", "after", "unchanged", "mostly unchanged", "characters")
    for group in groups:
        name = str(group["value"])
        for kept in group["kept"]:
            if kept["unchanged"]["of"]:
                shares = [_cell(kept[share]) for share in ("unchanged", "mostly_unchanged")]
                table.add_row(name, kept["after"], *shares, _percent(kept["chars"]))
                name = ""
        table.add_section()
    return table


def _reliability(found: dict[str, Any]) -> Table:
    """Return how often came true what was said, a line for each range of probabilities."""
    table = _table("probability said", "after learning", "came true", "suggestions")
    for each in found["bins"]:
        cells = [_percent(each[name]) for name in ("said", "said_after", "right")]
        table.add_row(*cells, str(each["suggestions"]))
    return table


def _learned(found: dict[str, Any]) -> str:
    learned = found["learned"]
    if learned is None:
        from homespun.server.confidence.learned import MIN_SHOWN

        return (
            f"Probabilities are those of the package: {found['shown']} of the {MIN_SHOWN} "
            "suggestions that it takes to learn from yours."
        )
    losses = f"{learned['loss_before']:.3f} to {learned['loss_after']:.3f} nats on the newest fifth"
    if learned["kept"]:
        return f"Probabilities are read as your suggestions have them: {losses}."
    return f"Probabilities are those of the package: yours would not make them better ({losses})."


def _table(first: str, *others: str) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE, pad_edge=False)
    table.add_column(first, no_wrap=True)
    for name in others:
        table.add_column(name, justify="right", no_wrap=True)
    return table


def _cell(share: dict[str, Any]) -> str:
    """Write a share, its interval and what it was counted from: "25 % (7-59) 2/8"."""
    if not share["of"]:
        return "-"
    interval = f"{100 * share['low']:.0f}-{100 * share['high']:.0f}"
    return f"{_percent(share['share'])} ({interval}) {share['hits']}/{share['of']}"


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.0f} %"
