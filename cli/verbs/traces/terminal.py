"""Traces in a terminal: a list, and one with its parts along its time."""

from __future__ import annotations

from collections.abc import Sequence

from homespun.cli.output import print_line, table_console
from homespun.cli.verbs.traces.rows import PARTS, depth, later, making, row_of, told
from homespun.traces.kept import Trace
from homespun.traces.span import Span

_WIDTH = 130  # where the output is no terminal
_BAR_CHARS = 40


def print_list(traces: Sequence[Trace]) -> None:
    """Print a line a trace, the newest first."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE, pad_edge=False)
    for name in ("trace", "at", "work"):
        table.add_column(name, no_wrap=True)
    for name in ("ms", *PARTS):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("what came of it")
    for row in map(row_of, traces):
        parts = [f"{row.parts[name]:.0f}" if name in row.parts else "" for name in PARTS]
        cells = (row.id, row.time, row.name, f"{row.ms:.1f}", *parts, row.outcome)
        table.add_row(*map(Text, cells))
    table_console(_WIDTH).print(table)


def print_whole(trace: Trace) -> None:
    """Print one trace's parts, each where it lies in the whole."""
    console = table_console(_WIDTH)
    for span in making(trace):
        name = "  " * depth(trace, span) + span.name
        print_line(console, f"{name:<24}{span.ms:>10.2f} ms  {_bar(span, trace.root)}")
        if span.attributes:
            print_line(console, f"{'':<24}{told(span)}")
    for span in later(trace):
        print_line(console, f"{span.name:<24}{span.ms / 1000:>10.1f} s   {told(span)}")


def _bar(span: Span, root: Span) -> str:
    whole = max(root.end_ns - root.start_ns, 1)
    before = round(_BAR_CHARS * min(max(span.start_ns - root.start_ns, 0), whole) / whole)
    length = max(1, round(_BAR_CHARS * min(span.end_ns - span.start_ns, whole) / whole))
    return f"|{' ' * before}{'█' * min(length, _BAR_CHARS - before)}".ljust(_BAR_CHARS + 1) + "|"
