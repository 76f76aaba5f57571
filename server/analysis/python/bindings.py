"""How a line of Python binds a name, and which annotation or expression says what it is; pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, auto

from homespun.server.analysis.python.outline import logical_line, split_once


class How(Enum):
    """What the text of a binding is to the name."""

    ANNOTATED = auto()  # its annotation
    TESTED = auto()  # an annotation, too, by isinstance; maybe to rule it out
    ASSIGNED = auto()  # an expression that gives it
    LOOPED = auto()  # an expression of whose elements it is one
    ENTERED = auto()  # an expression whose context gives it


@dataclass(frozen=True, slots=True)
class Binding:
    """What a line says about a name."""

    how: How
    text: str


def bindings_above(lines: Sequence[str], name: str, first_row: int) -> Iterator[Binding]:
    """Yield what lines from a row on say about a name, the last line first."""
    pattern = _pattern(name)
    for row in range(len(lines) - 1, first_row - 1, -1):
        match = pattern.search(lines[row]) if name in lines[row] else None
        found = _read(match, lines, row) if match is not None else None
        if found is not None:
            yield found


def _pattern(name: str) -> re.Pattern[str]:
    """Return a pattern for the lines that bind a name; its groups are those of `_READERS`."""
    n = re.escape(name)
    return re.compile(
        rf"^\s*{n}\s*:(?!=)\s*(?P<annotated>[^=].*)"
        rf"|^\s*(?P<assigned>{n})\s*=(?!=)"
        rf"|\(\s*{n}\s*:=\s*(?P<walrus>.*?)\)"
        rf"|\bisinstance\(\s*{n}\s*,\s*(?P<tested>\(?[\w., ]+)"
        rf"|\bexcept\*?\s+(?P<caught>[^:]+?)\s+as\s+{n}\b"
        rf"|\bfor\s+{n}\s+in\s+(?P<looped>.+)"
        rf"|\bas\s+(?P<entered>{n})\b"
    )


def _read(match: re.Match[str], lines: Sequence[str], row: int) -> Binding | None:
    """Read the one group that matched."""
    group = match.lastgroup
    assert group is not None  # each alternative has one
    how, reader = _READERS[group]
    text = reader(match[group], lines, row)
    return Binding(how, text) if text is not None else None


def _annotated(text: str, lines: Sequence[str], row: int) -> str:
    return split_once(text, "=")[0].strip()


def _assigned(name: str, lines: Sequence[str], row: int) -> str:
    return split_once(logical_line(lines, row)[0], "=")[2]


def _walrus(text: str, lines: Sequence[str], row: int) -> str:
    return text


def _tested(text: str, lines: Sequence[str], row: int) -> str:
    return text.strip("( ").split(",")[0]


def _caught(text: str, lines: Sequence[str], row: int) -> str:
    return text.strip("( ").split(",")[0].strip(") ")


def _looped(text: str, lines: Sequence[str], row: int) -> str | None:
    text = text.split(" if ")[0].rstrip(": ")
    return None if text.startswith("enumerate(") else text


def _entered(name: str, lines: Sequence[str], row: int) -> str | None:
    text, _ = logical_line(lines, row)
    found = re.search(rf"(?:with\s+|,\s*)(?P<value>.*?)\s+as\s+{re.escape(name)}\b", text)
    return found["value"] if found else None


# By the pattern's group; a reader gets its text, all lines and the row, and gives None for nothing.
_READERS: dict[str, tuple[How, Callable[[str, Sequence[str], int], str | None]]] = {
    "annotated": (How.ANNOTATED, _annotated),
    "assigned": (How.ASSIGNED, _assigned),
    "walrus": (How.ASSIGNED, _walrus),
    "tested": (How.TESTED, _tested),
    "caught": (How.ANNOTATED, _caught),
    "looped": (How.LOOPED, _looped),
    "entered": (How.ENTERED, _entered),
}
