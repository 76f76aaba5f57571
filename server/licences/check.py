"""Whether a suggestion is the same as code of others: in the repository, or learnt by heart.

Of the repository count files under another licence (`indexer/licences/copied.py`), and all that
the shipped adapters learned from counts (`server/licences/learnt.py`). Only what is long enough is
looked at, in memory. What the user denies is not shown; all else is marked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from homespun.indexer.licences.copied import OtherLicences, is_long_enough
from homespun.indexer.licences.expressions import UNKNOWN, denied_by, is_same
from homespun.progress import never
from homespun.server.licences import learnt
from homespun.server.options import LicenceOptions
from homespun.server.prompt.cursor import Cursor
from homespun.server.types import SourceLocation
from homespun.showable import showable_line

if TYPE_CHECKING:
    from homespun.indexer.index import Index

_ABOVE_LINES = 40  # of the document: they hold the seven telling ones before a suggestion


@dataclass(frozen=True, slots=True)
class LicenceVerdict:
    """Which lines a suggestion is the same as, and whether it may be shown."""

    same_as: tuple[SourceLocation, ...] = ()
    denied: str = ""  # the entry of `licences.deny` that forbids it

    @property
    def facts(self) -> Mapping[str, object]:
        """What the sentence of `filtered:licence` holds."""
        return {"same": same_as_words(self.same_as), "denied": self.denied} if self.denied else {}


class LicenceCheck:
    """Asks one index; without one nothing is looked at."""

    def __init__(self, index: Index | None, options: LicenceOptions) -> None:
        self.options = options
        self._others = OtherLicences(index) if index is not None else None

    def verdict(self, text: str, cursor: Cursor, path: str) -> LicenceVerdict:
        """Look at a suggestion for the document `path`; nearly all are too short."""
        if not is_long_enough(text):
            return LicenceVerdict()
        own = self._own(path, cursor)
        same_as = (*self._indexed(text, cursor, path, own), *_learnt(text, cursor))
        denied = (
            denied_by(place.licence, self.options.deny)
            for place in same_as
            if own == UNKNOWN or not is_same(place.licence, own)
        )
        return LicenceVerdict(same_as, next(filter(None, denied), ""))

    def _own(self, path: str, cursor: Cursor) -> str:
        """Return the licence of the document, as far as that is known."""
        if self._others is None or not path:
            return UNKNOWN
        return self._others.licence_of(path, cursor.before)

    def _indexed(self, text: str, cursor: Cursor, path: str, own: str) -> Iterator[SourceLocation]:
        """Yield the places of the repository, under another licence than the document's."""
        if self._others is None:
            return
        for each in self._others.same_as(f"{cursor.tail}{text}{cursor.right}"):
            if each.path != path and (own == UNKNOWN or not is_same(each.licence, own)):
                yield SourceLocation(each.path, each.start_line, each.end_line, 1.0, each.licence)

    def prepare(self, *, cancelled: Callable[[], bool] = never) -> None:
        """Take in what is new in the index while nobody waits."""
        if self._others is not None:
            self._others.follow(cancelled=cancelled)
        learnt.shipped()


def _learnt(text: str, cursor: Cursor) -> Iterator[SourceLocation]:
    """Yield the places of packages that the shipped adapters learned from."""
    above = cursor.above(_ABOVE_LINES)
    for each in learnt.shipped().same_as(above, f"{cursor.tail}{text}{cursor.right}"):
        lines = (each.start_line, each.end_line)
        yield SourceLocation(each.path, *lines, 1.0, each.licence, is_learnt=True)


def same_as_words(places: Sequence[SourceLocation]) -> str:
    """Return the lines that a suggestion is the same as, for a sentence."""
    return " and ".join(
        f"{showable_line(place.path)}:{place.start_line}-{place.end_line}, "
        + ("whose licence is unknown" if place.licence == UNKNOWN else f"under {place.licence}")
        + (", which the shipped adapter learned from" if place.is_learnt else "")
        for place in places
    )
