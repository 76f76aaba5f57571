r"""The one home of text units: LSP's UTF-8, UTF-16 or UTF-32 columns <-> code points.

Inside the server an offset counts code points of the document. Lines end at "\r\n", "\n" and
"\r" only, as the protocol says, and the empty line after a last line end exists.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from lsprotocol import types as lsp

_LINE_END = re.compile(r"\r\n|\n|\r")


def split_lines(text: str) -> list[str]:
    """Split into lines that keep their ends; the last one has none and may be empty."""
    lines = []
    start = 0
    for match in _LINE_END.finditer(text):
        lines.append(text[start : match.end()])
        start = match.end()
    lines.append(text[start:])
    return lines


def column_from_units(line: str, units: int, encoding: str) -> int | None:
    """Return the code points of `line` (without its end) before the column of `units`.

    None where the line has no such column: past its end, negative, or inside a character.
    """
    body = line.rstrip("\r\n")
    if body.isascii() or encoding == lsp.PositionEncodingKind.Utf32:
        return units if 0 <= units <= len(body) else None
    column, passed = _up_to(body, units, encoding)
    return column if passed == units else None


def chars_in_units(text: str, units: int, encoding: str) -> int:
    """Return the code points that the first `units` of `text` hold, line ends among them."""
    if encoding == lsp.PositionEncodingKind.Utf32:
        return max(0, min(units, len(text)))
    return _up_to(text, units, encoding)[0]


def units_from_column(line: str, column: int, encoding: str) -> int:
    """Return the units that the first `column` code points of `line` take."""
    head = line[:column]
    if head.isascii() or encoding == lsp.PositionEncodingKind.Utf32:
        return len(head)
    return _units(head, encoding)


def offset_at(lines: Sequence[str], position: lsp.Position, encoding: str) -> int | None:
    """Return the offset of a position; None where the document has no such position."""
    if not 0 <= position.line < len(lines):
        return None
    column = column_from_units(lines[position.line], position.character, encoding)
    if column is None:
        return None
    return sum(map(len, lines[: position.line])) + column


def line_and_column(lines: Sequence[str], position: lsp.Position, encoding: str) -> tuple[int, int]:
    """Return (line, column in code points), moved back to the nearest place that exists.

    The protocol asks for this in edits: a column past the end means the end of the line.
    """
    if position.line < 0:
        return 0, 0
    if position.line >= len(lines):
        return len(lines) - 1, len(lines[-1])
    line = lines[position.line]
    for units in range(max(position.character, 0), max(position.character, 0) - 4, -1):
        column = column_from_units(line, units, encoding)
        if column is not None:  # up to three units back: the start of a character cut in two
            return position.line, column
    return position.line, len(line.rstrip("\r\n"))


def _up_to(text: str, units: int, encoding: str) -> tuple[int, int]:
    """Return the least (code points, units) that reach `units`, or all of them.

    By halves: the codec measures a line of a million characters in the time of a thousand steps.
    """
    low, high, passed = 0, len(text), 0
    while low < high:
        middle = (low + high + 1) // 2
        half = _units(text[low:middle], encoding)
        if passed + half <= units:
            low, passed = middle, passed + half
        else:
            high = middle - 1
    if passed < units and low < len(text):  # inside of a character
        return low + 1, passed + _units(text[low], encoding)
    return low, passed


def _units(text: str, encoding: str) -> int:
    if encoding == lsp.PositionEncodingKind.Utf8:
        return len(text.encode("utf-8", "surrogatepass"))
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
