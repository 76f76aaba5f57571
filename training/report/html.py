"""The pieces of a report's page: HTML with every text escaped."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

__all__ = [
    "Cell",
    "cards",
    "escape",
    "interval",
    "minutes",
    "paragraph",
    "points",
    "section",
    "share",
    "table",
    "yes_no",
]


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a table: text, escaped when it is written, or HTML of our own."""

    text: str
    number: bool = False
    html: bool = False

    @classmethod
    def of_html(cls, html: str) -> Cell:
        """Take HTML that is safe already."""
        return cls(html, html=True)


def section(title: str, *parts: str, style: str = "") -> str:
    """Return a card of the page; `parts` are HTML."""
    kind = f' class="{style}"' if style else ""
    return f"<section{kind}><h2>{escape(title)}</h2>{''.join(parts)}</section>"


def paragraph(text: str) -> str:
    """Return a paragraph of plain text, nothing for none."""
    return f"<p>{escape(text)}</p>" if text else ""


def table(
    head: Sequence[str], rows: Sequence[Sequence[Cell]], *, numbers: Collection[int] = ()
) -> str:
    """Return a table; `numbers` are the columns whose heads stand on the right."""
    if not rows:
        return ""
    heads = "".join(
        f'<th class="number">{escape(name)}</th>'
        if place in numbers
        else f"<th>{escape(name)}</th>"
        for place, name in enumerate(head)
    )
    body = "".join(f"<tr>{''.join(_cell(cell) for cell in row)}</tr>" for row in rows)
    top = f"<thead><tr>{heads}</tr></thead>" if any(head) else ""
    return f"<table>{top}<tbody>{body}</tbody></table>"


def cards(facts: Sequence[tuple[str, str]]) -> str:
    """Return figures in a row, each with its name."""
    if not facts:
        return ""
    inner = "".join(
        f"<div><b>{escape(value)}</b><span>{escape(name)}</span></div>" for name, value in facts
    )
    return f'<div class="cards">{inner}</div>'


def yes_no(passed: bool) -> str:
    """Return a mark that is told by its form, too."""
    if passed:
        return '<span class="yes" title="holds">✓</span>'
    return '<span class="no" title="does not hold">✗</span>'


def share(value: float) -> str:
    """Return 0.4213 as "42.1 %"."""
    return f"{value * 100:.1f} %"


def points(value: float) -> str:
    """Return a difference of shares in points, with its sign."""
    return f"{value * 100:+.1f}"


def interval(found: Mapping[str, Any]) -> str:
    """Return a share with its interval: "42.1 % (38.0-46.3)"."""
    low, high = found["low"], found["high"]
    if low is None or high is None:
        return share(found["mean"])
    return f"{share(found['mean'])} ({max(low, 0) * 100:.1f}-{min(high, 1) * 100:.1f})"


def minutes(seconds: float) -> str:
    """Return a length of time for people: "40 s", "12 min", "2 h 05 min"."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    whole = round(seconds / 60)
    return f"{whole} min" if whole < 90 else f"{whole // 60} h {whole % 60:02d} min"


def _cell(cell: Cell) -> str:
    kind = ' class="number"' if cell.number else ""
    return f"<td{kind}>{cell.text if cell.html else escape(cell.text)}</td>"
