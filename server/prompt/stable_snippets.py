"""Keeps a document's retrieved block as it was from one keystroke to the next.

The block stands before the code, so a change of it throws the decoder's cache away: seconds on a
CPU. While a line is typed it does not change, once there is one; on the next lines it only changes
for something that is likely needed.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from homespun.server.prompt.render import Snippet

LIKELY = 0.6  # score of a name that comes next with a probability of a twentieth
_NEAR_LINES = 12  # further away the code is about something else
_MAX_DOCUMENTS = 32


class StableSnippets:
    """Remembers what each document was shown last."""

    def __init__(self) -> None:
        self._last: OrderedDict[str, tuple[int, tuple[Snippet, ...]]] = OrderedDict()

    def settle(self, path: str, line: int, found: Sequence[Snippet]) -> tuple[Snippet, ...]:
        """Return the block to show for `found`; `line` is the cursor's."""
        before_line, before = self._last.get(path, (-1, ()))
        if line == before_line:
            return before or tuple(found)
        if abs(line - before_line) <= _NEAR_LINES and not _worth_it(before, found):
            return before
        return _other_line(before, found)

    def keep(self, path: str, line: int, shown: tuple[Snippet, ...]) -> None:
        """Remember what a document is shown from now on."""
        self._last[path] = (line, shown)
        self._last.move_to_end(path)
        if len(self._last) > _MAX_DOCUMENTS:
            self._last.popitem(last=False)


def _worth_it(before: tuple[Snippet, ...], found: Sequence[Snippet]) -> bool:
    """Tell whether something new is likely needed; else the lines nearby share a block."""
    known = {_location(snippet) for snippet in before}
    return not before or any(s.score >= LIKELY and _location(s) not in known for s in found)


def _other_line(before: tuple[Snippet, ...], found: Sequence[Snippet]) -> tuple[Snippet, ...]:
    """Take what was found, what was there already first and in its old order."""
    by_location = {_location(snippet): snippet for snippet in found}
    kept = [
        by_location.pop(_location(snippet))
        for snippet in before
        if _location(snippet) in by_location
    ]
    return (*kept, *by_location.values())


def _location(snippet: Snippet) -> tuple[str, int, int]:
    return (snippet.path, snippet.start_line, snippet.end_line)
