"""What stands around a cursor: lines, indentation, brackets. Standard library only."""

from __future__ import annotations

import re
from dataclasses import dataclass

_TAB_COLUMNS = 4
_PAIRS = {")": "(", "]": "[", "}": "{"}
_LOOK_BACK_LINES = 200
_SCAN_CHARS = 20_000
_LINE_CHARS = 500  # of a line are read; patterns on an endless one would take for ever
_STRING = re.compile(r"\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\\n])*`")


@dataclass(frozen=True, slots=True)
class Cursor:
    """A document in two halves; lines end in LF."""

    before: str
    after: str

    @property
    def left(self) -> str:
        """The line of the cursor, up to it."""
        return self.before[self.before.rfind("\n") + 1 :]

    @property
    def tail(self) -> str:
        """The end of `left`: enough to read, however long the line is."""
        return self.left[-_LINE_CHARS:]

    def above(self, count: int) -> list[str]:
        """Return the last lines above the cursor's, the nearest last; of each its beginning."""
        lines = self.before.rsplit("\n", count + 1)[-count - 1 : -1]
        return [line[:_LINE_CHARS] for line in lines]

    @property
    def right(self) -> str:
        """The rest of the line, without its end."""
        return self.after.partition("\n")[0]

    @property
    def line_above(self) -> str:
        """The last line above with something in it, "" where there is none."""
        for line in reversed(self.before.split("\n")[:-1]):
            if line.strip():
                return line
        return ""

    @property
    def line_below(self) -> str:
        """The first line below with something in it, "" where there is none."""
        for line in self.after.split("\n")[1:]:
            if line.strip():
                return line
        return ""


def cut_at(text: str, offset: int) -> tuple[Cursor, bool]:
    """Cut the document at the cursor, with LF ends; say whether it had CRLF ends.

    A cursor between CR and LF, which no editor shows, counts as before both.
    """
    before, after = text[:offset], text[offset:]
    if before.endswith("\r") and after.startswith("\n"):
        before, after = before[:-1], "\r" + after
    breaks = text.count("\r\n")
    is_crlf = breaks > text.count("\n") - breaks
    return Cursor(before.replace("\r\n", "\n"), after.replace("\r\n", "\n")), is_crlf


def indentation(line: str) -> int:
    """Return the width of a line's leading white space, in columns."""
    return len(line[: len(line) - len(line.lstrip())].expandtabs(_TAB_COLUMNS))


def unmatched_closer(before: str, text: str) -> int:
    """Return where `text` closes a bracket that nothing opened; -1 where it does not.

    The scan begins at a line without indentation, so a bracket opened further up is not missed.
    Text that lies in a string or is hard to read gives -1: a doubt speaks for the model.
    """
    lines = before.split("\n")
    start = max(len(lines) - _LOOK_BACK_LINES, 0)
    tops = [n for n in range(start, len(lines)) if re.match(r"[^\s)\]}#/*]", lines[n])]
    if not tops:
        return -1
    # A statement at the top level can span lines that begin at column one: take two of them.
    head = _blanked("\n".join(lines[tops[max(len(tops) - 2, 0)] :]))
    if len(head) > _SCAN_CHARS or re.search(r"[\"'`]", head):
        return -1
    stack: list[str] = []
    for character in head:
        if not _step(stack, character):
            return -1
    for index, character in enumerate(_blanked(text)):
        if not _step(stack, character):
            return index
    return -1


def _blanked(text: str) -> str:
    """Blank strings out, as long as they were."""
    return _STRING.sub(lambda match: " " * len(match[0]), text)


def _step(stack: list[str], character: str) -> bool:
    """Take one character in; False where it closes what is not open."""
    if character in "([{":
        stack.append(character)
    elif character in _PAIRS:
        if not stack or stack[-1] != _PAIRS[character]:
            return False
        stack.pop()
    return True
