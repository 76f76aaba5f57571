"""A block between two marks in a text file of the user's: put at its end, and taken out exactly.

The line end before the block belongs to it, so a file that ended without one does so again.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from homespun.cli.errors import ChangeRefused


@dataclass(frozen=True, slots=True)
class Marks:
    """The two lines around a block, comments in the file's language."""

    begin: str
    end: str


HTML = Marks("<!-- homespun: begin -->", "<!-- homespun: end -->")
HASH = Marks("# homespun: begin", "# homespun: end")


def with_block(text: str | None, body: str, marks: Marks) -> str:
    """Return the text with the block, the old one replaced; None = there was no file.

    Raises `ChangeRefused`.
    """
    line_end = "\r\n" if text and "\r\n" in text else "\n"
    block = line_end.join([marks.begin, *body.strip("\n").split("\n"), marks.end])
    if text is None:
        return block + line_end
    span = _span(text, marks)
    if span is None:
        return text + line_end + block + line_end
    return text[: span[0]] + block + text[span[1] :]


def without_block(text: str, marks: Marks) -> str | None:
    """Return the text without the block; None = there is to be no file. Raises `ChangeRefused`."""
    span = _span(text, marks)
    if span is None:
        return text
    before, after = text[: span[0]], re.sub(r"\A\r?\n", "", text[span[1] :])
    if not before and not after:
        return None
    return re.sub(r"\r?\n\Z", "", before) + after


def has_block(text: str, marks: Marks) -> bool:
    """Tell whether the block is there. Raises `ChangeRefused`."""
    return _span(text, marks) is not None


def _span(text: str, marks: Marks) -> tuple[int, int] | None:
    """Return where the block begins and ends, the line end behind it not counted."""
    begins = _lines(text, marks.begin)
    ends = _lines(text, marks.end)
    if not begins and not ends:
        return None
    if len(begins) != 1 or len(ends) != 1 or ends[0].start() < begins[0].start():
        raise ChangeRefused(
            f"its marks {marks.begin!r} and {marks.end!r} are no pair; put them right by hand"
        )
    return begins[0].start(), ends[0].end()


def _lines(text: str, mark: str) -> list[re.Match[str]]:
    return list(re.finditer(rf"^{re.escape(mark)}(?=\r?$)", text, re.MULTILINE))
