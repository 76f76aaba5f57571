"""Where the holes go: spans of a file that the model has to fill.

The kinds are those that the server asks for, so the cursor rules are the server's own
(`server.blocks.due` says where a block is due) and a hole never asks for what is never served:

- "line": from somewhere in a line to its end;
- "block": the whole body under an opener, where the server would offer a block;
- "lines": two to four lines of one depth;
- "inline": up to closing brackets that an editor has put behind the cursor;
- "insert": a whole line with its end, from the first column on;
- "empty": nothing; on a blank line that is meant to stay one.

Shares follow Refact's and Sourcegraph's mixes (rows, blocks, syntax), measured on lines that
people type: mostly single lines.
"""

from __future__ import annotations

import random
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from homespun.server.completion import blocks
from homespun.server.prompt.cursor import Cursor, indentation

SHARES: Mapping[str, float] = {
    "line": 0.52,
    "block": 0.18,
    "lines": 0.1,
    "inline": 0.06,
    "insert": 0.12,
    "empty": 0.02,
}
MAX_LINES = 12  # of a block, as the server's `max_lines`
_MAX_LINE_CHARS = 160
_MAX_BLOCK_CHARS = 700
_TRIES = 12  # for each hole that is wanted
_RARE = 0.25  # share of the import and comment lines that count
_IN_LINE = 0.4  # share of the lines that are begun already
_WORD = re.compile(r"\w")
_DULL = re.compile(r"^\s*(?:import|from|use|using|require|package|#|//|/?\*|--)(?:\b|\s|$)")
_CLOSERS = re.compile(r"[)\]}>\"'`;:,]+\s*$")
_OPENER = re.compile(r"(?::|\{|=>|->|\bdo|\bthen|\bbegin)\s*(?:(?:#|//).*)?$")


@dataclass(frozen=True, slots=True)
class Hole:
    """A span of a text, in characters; `start` is where the cursor stands."""

    start: int
    end: int
    kind: str


def holes(
    text: str,
    language: str,
    rng: random.Random,
    *,
    count: int,
    lines: Collection[int] | None = None,
    shares: Mapping[str, float] = SHARES,
) -> list[Hole]:
    """Return at most `count` holes that begin in different lines, in the order of the text.

    `text` has LF line ends. `lines` are the 1-based lines in which a hole may begin, all if None.
    The same `rng` state gives the same holes.
    """
    page = _Page(text, language)
    pools = {
        kind: [n for n in rows if lines is None or n + 1 in lines]
        for kind, rows in page.rows(rng).items()
    }
    kinds = [kind for kind in shares if pools[kind]]
    found: dict[int, Hole] = {}
    for _ in range(count * _TRIES if kinds else 0):
        if len(found) >= count:
            break
        kind = rng.choices(kinds, [shares[kind] for kind in kinds])[0]
        row = rng.choice(pools[kind])
        hole = None if row in found else page.hole(kind, row, rng)
        if hole is not None:
            found[row] = hole
    return sorted(found.values(), key=lambda hole: hole.start)


class _Page:
    """The lines of a text and where they begin."""

    def __init__(self, text: str, language: str) -> None:
        self._text = text
        self._language = language
        self._lines = text.split("\n")
        self._starts = [0]
        for line in self._lines:
            self._starts.append(self._starts[-1] + len(line) + 1)

    def rows(self, rng: random.Random) -> dict[str, list[int]]:
        """Return the lines in which a hole of each kind may begin; of the dull ones some."""
        telling = [
            n
            for n, line in enumerate(self._lines)
            if len(line) <= _MAX_LINE_CHARS
            and len(_WORD.findall(line)) >= 3
            and (not _DULL.match(line) or rng.random() < _RARE)
        ]
        blanks = [
            n
            for n in range(1, len(self._lines) - 1)
            if not self._lines[n].strip() and self._lines[n + 1].strip()
        ]
        openers = [
            n for n in telling if n and _OPENER.search(self._lines[n - 1][-_MAX_LINE_CHARS:])
        ]
        return {**dict.fromkeys(SHARES, telling), "block": openers, "empty": blanks}

    def hole(self, kind: str, row: int, rng: random.Random) -> Hole | None:
        """Return a hole of a kind that begins in a line, None where there is none such."""
        if kind == "line":
            return self._line(row, rng)
        if kind == "block":
            return self._block(row)
        if kind == "lines":
            return self._several(row, rng)
        if kind == "inline":
            return self._inline(row, rng)
        if kind == "insert":
            return Hole(self._starts[row], min(self._starts[row + 1], len(self._text)), kind)
        return Hole(self._starts[row], self._starts[row], kind)

    def _code_start(self, row: int) -> int:
        line = self._lines[row]
        return self._starts[row] + len(line) - len(line.lstrip())

    def _end(self, row: int) -> int:
        return self._starts[row] + len(self._lines[row])

    def _cursor_in(self, row: int, end: int, rng: random.Random) -> int:
        """Return where the code begins, or a place in it with three characters left at least."""
        start = self._code_start(row)
        if rng.random() < _IN_LINE and end - start > 6:
            return rng.randrange(start + 1, end - 2)
        return start

    def _line(self, row: int, rng: random.Random) -> Hole:
        end = self._end(row)
        return Hole(self._cursor_in(row, end, rng), end, "line")

    def _inline(self, row: int, rng: random.Random) -> Hole | None:
        closers = _CLOSERS.search(self._lines[row])
        if closers is None:
            return None
        end = self._starts[row] + closers.start()
        start = self._code_start(row)
        if end - start < 6:
            return None
        return Hole(rng.randrange(start + 1, end - 2), end, "inline")

    def _several(self, row: int, rng: random.Random) -> Hole | None:
        depth = indentation(self._lines[row])
        last = row
        for following in range(row + 1, min(row + rng.randint(2, 4), len(self._lines))):
            line = self._lines[following]
            if not line.strip() or indentation(line) < depth:
                break
            last = following
        if last == row:
            return None
        start, end = self._code_start(row), self._end(last)
        return Hole(start, end, "lines") if end - start <= _MAX_BLOCK_CHARS else None

    def _block(self, row: int) -> Hole | None:
        """Return the body that begins in `row`, if the server would offer one there."""
        depth = indentation(self._lines[row - 1])
        last = None
        for following in range(row, len(self._lines)):
            line = self._lines[following]
            if line.strip():
                if indentation(line) <= depth:
                    break
                last = following
            if following - row >= MAX_LINES:
                return None  # longer than the server shows
        if last is None:
            return None
        start, end = self._code_start(row), self._end(last)
        cursor = Cursor(self._text[:start], self._text[end:])
        if end - start > _MAX_BLOCK_CHARS or blocks.due(cursor, self._language) is None:
            return None
        return Hole(start, end, "block")
