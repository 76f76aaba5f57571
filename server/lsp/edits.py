"""An edit as the document saw it: what went, what came, and where."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from difflib import SequenceMatcher

from homespun.models.engine.common_prefix import common_prefix

_TOKEN = re.compile(r"\w+|\s+|.", re.DOTALL)
_MAX_BLOCK_CHARS = 40_000  # what is parted into tokens: 10 ms
_MAX_PAIRS = 10_000  # of equal parts in a block: what a comparison takes; else all of it is new


@dataclass(frozen=True, slots=True)
class TextChange:
    """One replacement; several apply one after the other."""

    start: int  # code points before it
    removed: str
    inserted: str

    @property
    def grows(self) -> int:
        """Return by how many code points the document grows."""
        return len(self.inserted) - len(self.removed)

    def trimmed(self) -> TextChange:
        """Leave out what stands at both ends before and after; editors replace more than changes.

        Where the same insertion could stand in several places, it is the last of them.
        """
        same = common_prefix(self.removed, self.inserted)
        removed, inserted = self.removed[same:], self.inserted[same:]
        if removed and inserted:
            tail = common_prefix(removed[::-1], inserted[::-1])
            removed, inserted = removed[: len(removed) - tail], inserted[: len(inserted) - tail]
        return TextChange(self.start + same, removed, inserted)

    def refined(self) -> list[TextChange]:
        """Split into the changes of single tokens, from the last to the first.

        A formatter may replace a whole document to move a comma. In this order each of them is
        good for the document as the ones before have left it.
        """
        change = self.trimmed()
        if not (change.removed and change.inserted):
            return [change] if change.removed or change.inserted else []
        parts = []
        for block in _compared(change, lambda text: text.splitlines(keepends=True)):
            if len(block.removed) + len(block.inserted) > _MAX_BLOCK_CHARS:
                parts.append(block)  # a line without end is taken as it is
            else:
                parts += _compared(block, _TOKEN.findall)
        return parts[::-1]


def whole(before: str, after: str) -> TextChange:
    """Return the change from one text to another."""
    return TextChange(0, before, after).trimmed()


def _compared(change: TextChange, parts: Callable[[str], list[str]]) -> list[TextChange]:
    """Return what differs between the parts of both sides, the first first.

    Each `start` counts in the old text: they are good from the last to the first. Parts that stand
    once on both sides, and in the same order, divide the rest into small blocks ("patience diff"),
    so that a long document takes no longer than its lines.
    """
    old, new = parts(change.removed), parts(change.inserted)
    changes = []
    start, old_passed, new_passed = change.start, 0, 0
    for old_row, new_row in [*_in_both(old, new), (len(old), len(new))]:
        before = old[old_passed:old_row]
        changes += _differences(start, before, new[new_passed:new_row])
        start += sum(map(len, old[old_passed : old_row + 1]))
        old_passed, new_passed = old_row + 1, new_row + 1
    return changes


def _in_both(old: list[str], new: list[str]) -> list[tuple[int, int]]:
    """Return the rows of lines that stand once on both sides, as many as keep their order."""
    old_rows, new_rows = _once(old), _once(new)
    pairs = [(old_rows[line], row) for line, row in new_rows.items() if line in old_rows]
    # The longest increasing sequence: `lowest[n]` ends the best one of n + 1 pairs so far.
    lowest: list[int] = []
    ends: list[int] = []
    before: list[int] = []
    for number, (row, _) in enumerate(pairs):
        length = bisect_left(lowest, row)
        lowest[length : length + 1] = [row]
        ends[length : length + 1] = [number]
        before.append(ends[length - 1] if length else -1)
    chosen = []
    number = ends[-1] if ends else -1
    while number >= 0:
        chosen.append(pairs[number])
        number = before[number]
    return chosen[::-1]


def _once(lines: list[str]) -> dict[str, int]:
    """Return the rows of the lines that stand there once, in their order."""
    counts = Counter(lines)
    return {line: row for row, line in enumerate(lines) if counts[line] == 1}


def _differences(start: int, old: list[str], new: list[str]) -> list[TextChange]:
    """Return what differs between two lists of strings that begin at `start`, the first first."""
    in_new = Counter(new)
    if sum(in_new[part] for part in old) > _MAX_PAIRS:
        return [TextChange(start, "".join(old), "".join(new))]
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    changes = []
    passed = 0  # strings of `old` that `start` is past
    for tag, first, last, new_first, new_last in matcher.get_opcodes():
        start += sum(map(len, old[passed:first]))
        passed = first
        if tag != "equal":
            removed, inserted = "".join(old[first:last]), "".join(new[new_first:new_last])
            changes.append(TextChange(start, removed, inserted))
    return changes
