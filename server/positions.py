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
    width = _WIDTHS.get(encoding, _utf16_width)
    passed = 0
    for column, character in enumerate(body):
        if passed >= units:
            return column if passed == units else None
        passed += width(character)
    return len(body) if passed == units else None


def chars_in_units(text: str, units: int, encoding: str) -> int:
    """Return the code points that the first `units` of `text` hold, line ends among them."""
    if encoding == lsp.PositionEncodingKind.Utf32:
        return max(0, min(units, len(text)))
    width = _WIDTHS.get(encoding, _utf16_width)
    passed = chars = 0
    while passed < units and chars < len(text):
        passed += width(text[chars])
        chars += 1
    return chars


def units_from_column(line: str, column: int, encoding: str) -> int:
    """Return the units that the first `column` code points of `line` take."""
    head = line[:column]
    if head.isascii() or encoding == lsp.PositionEncodingKind.Utf32:
        return len(head)
    width = _WIDTHS.get(encoding, _utf16_width)
    return sum(width(character) for character in head)


def offset_at(lines: Sequence[str], position: lsp.Position, encoding: str) -> int | None:
    """Return the offset of a position; None where the document has no such position."""
    if not 0 <= position.line < len(lines):
        return None
    column = column_from_units(lines[position.line], position.character, encoding)
    if column is None:
        return None
    return sum(map(len, lines[: position.line])) + column


def place_at(lines: Sequence[str], position: lsp.Position, encoding: str) -> tuple[int, int]:
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


def _utf8_width(character: str) -> int:
    code = ord(character)
    return 1 if code < 0x80 else 2 if code < 0x800 else 3 if code < 0x10000 else 4


def _utf16_width(character: str) -> int:
    return 2 if ord(character) > 0xFFFF else 1


_WIDTHS = {
    lsp.PositionEncodingKind.Utf8.value: _utf8_width,
    lsp.PositionEncodingKind.Utf16.value: _utf16_width,
}
