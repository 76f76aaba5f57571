"""An edit as the document saw it: what went, what came, and where. Standard library only."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import SequenceMatcher

_TOKEN = re.compile(r"\w+|\s+|.", re.DOTALL)
_MOST_LINES = 20_000  # to compare; a longer replacement counts as new from end to end
_MOST_TOKENS = 2_000  # of a changed block; the comparison may take their square


@dataclass(frozen=True, slots=True)
class Change:
    """One replacement; several apply one after the other."""

    start: int  # code points before it
    removed: str
    inserted: str

    @property
    def grows(self) -> int:
        """Return by how many code points the document grows."""
        return len(self.inserted) - len(self.removed)

    def trimmed(self) -> Change:
        """Leave out what stands at both ends before and after; editors replace more than changes.

        Where the same insertion could stand in several places, it is the last of them.
        """
        same = _common_prefix(self.removed, self.inserted)
        removed, inserted = self.removed[same:], self.inserted[same:]
        if removed and inserted:
            tail = _common_prefix(removed[::-1], inserted[::-1])
            removed, inserted = removed[: len(removed) - tail], inserted[: len(inserted) - tail]
        return Change(self.start + same, removed, inserted)

    def refined(self) -> list[Change]:
        """Split into the changes of single tokens, from the last to the first.

        A formatter may replace a whole document to move a comma. In this order each of them is
        good for the document as the ones before have left it.
        """
        change = self.trimmed()
        if not (change.removed and change.inserted):
            return [change] if change.removed or change.inserted else []
        old = change.removed.splitlines(keepends=True)
        new = change.inserted.splitlines(keepends=True)
        if max(len(old), len(new)) > _MOST_LINES:
            return [change]
        parts = []
        for block in _differences(change.start, old, new):
            parts += _by_tokens(block)
        return parts[::-1]


def whole(before: str, after: str) -> Change:
    """Return the change from one text to another."""
    return Change(0, before, after).trimmed()


def _by_tokens(change: Change) -> list[Change]:
    """Compare the tokens of a changed block; the first difference comes first."""
    old, new = _TOKEN.findall(change.removed), _TOKEN.findall(change.inserted)
    if not old or not new or max(len(old), len(new)) > _MOST_TOKENS:
        return [change]
    return _differences(change.start, old, new)


def _differences(start: int, old: list[str], new: list[str]) -> list[Change]:
    """Return what differs between two lists of strings that begin at `start`; the first first.

    Each `start` counts in the old text: they are good from the last to the first.
    """
    matcher = SequenceMatcher(None, old, new, autojunk=len(old) > _MOST_TOKENS)
    changes = []
    passed = 0  # strings of `old` that `start` is past
    for tag, first, last, new_first, new_last in matcher.get_opcodes():
        start += sum(map(len, old[passed:first]))
        passed = first
        if tag != "equal":
            removed, inserted = "".join(old[first:last]), "".join(new[new_first:new_last])
            changes.append(Change(start, removed, inserted))
    return changes


def _common_prefix(first: str, second: str) -> int:
    """Return the length of the common prefix; by halves, which compares at the speed of memory."""
    low, high = 0, min(len(first), len(second))
    while low < high:
        middle = (low + high + 1) // 2
        if first[low:middle] == second[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low
