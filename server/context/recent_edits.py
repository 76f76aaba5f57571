"""Where the user has edited lately, in any document: a small ring, fed by the edits themselves."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence

from homespun.indexer.secrets.mask import mask
from homespun.server.types import Edited

_MAX_REGIONS = 16
_NEAR_LINES = 12  # edits this near to each other are one region
_LINES_AROUND = 6
_MAX_LINES = 24
_LONGEST_LINE_CHARS = 300


class RecentEdits:
    """The last edited rows, the newest last; nothing of the texts is kept."""

    def __init__(self) -> None:
        self._rows: OrderedDict[tuple[str, int], tuple[int, int]] = OrderedDict()

    def edited(self, uri: str, row: int) -> None:
        """Note an edit of a document at a 0-based row."""
        first = last = row
        for key, (start, end) in list(self._rows.items()):
            if key[0] == uri and start - _NEAR_LINES <= row <= end + _NEAR_LINES:
                del self._rows[key]
                if max(end, last) - min(start, first) < _MAX_LINES:
                    first, last = min(start, first), max(end, last)
        self._rows[uri, first] = (first, last)
        if len(self._rows) > _MAX_REGIONS:
            self._rows.popitem(last=False)

    def closed(self, uri: str) -> None:
        """Forget a document: on the disk and in the index is what became of it."""
        for key in [key for key in self._rows if key[0] == uri]:
            del self._rows[key]

    def elsewhere(
        self,
        uri: str,
        lines_of: Callable[[str], Sequence[str]],
        located: Callable[[str], tuple[str, str]],
        *,
        most: int,
    ) -> tuple[Edited, ...]:
        """Return the last edits in other documents, the newest first.

        `lines_of` gives a document's lines with their ends, empty when it is not open any more;
        `located` its path in the workspace folder, "" when it is in another one, and language.
        """
        found: list[Edited] = []
        for region in self._newest_first(uri):
            other, first, last = region
            path, language = located(other)
            lines = lines_of(other) if path else ()
            start, end = max(first - _LINES_AROUND, 0), min(last + _LINES_AROUND + 1, len(lines))
            shown = [line.rstrip("\r\n")[:_LONGEST_LINE_CHARS] for line in lines[start:end]]
            if any(line.strip() for line in shown):
                text = mask("\n".join(shown) + "\n", language)
                found.append(Edited(path, start + 1, end, text))
            if len(found) == most:
                break
        return tuple(found)

    def _newest_first(self, uri: str) -> Iterator[tuple[str, int, int]]:
        for (other, _), (first, last) in reversed(self._rows.items()):
            if other != uri:
                yield other, first, last
