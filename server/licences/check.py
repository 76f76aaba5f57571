"""Whether a suggestion is the same as code of the repository under another licence.

Only what is long enough is looked at, and the index holds in memory all that it takes
(`indexer/licences/copied.py`). What the user denies is not shown; all else is marked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from homespun.indexer.licences.copied import OtherLicences, is_long_enough
from homespun.indexer.licences.expressions import UNKNOWN, denied_by, is_same
from homespun.progress import never
from homespun.server.options import LicenceOptions
from homespun.server.prompt.cursor import Cursor
from homespun.server.types import SourceLocation
from homespun.showable import showable_line

if TYPE_CHECKING:
    from homespun.indexer.index import Index


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
        if self._others is None or not is_long_enough(text):
            return LicenceVerdict()
        found = self._others.same_as(f"{cursor.tail}{text}{cursor.right}")
        if not found:
            return LicenceVerdict()
        own = self._others.licence_of(path, cursor.before) if path else UNKNOWN
        same_as = tuple(
            SourceLocation(each.path, each.start_line, each.end_line, 1.0, each.licence)
            for each in found
            if each.path != path and (own == UNKNOWN or not is_same(each.licence, own))
        )
        denied = (denied_by(place.licence, self.options.deny) for place in same_as)
        return LicenceVerdict(same_as, next(filter(None, denied), ""))

    def prepare(self, *, cancelled: Callable[[], bool] = never) -> None:
        """Take in what is new in the index while nobody waits."""
        if self._others is not None:
            self._others.follow(cancelled=cancelled)


def same_as_words(places: Sequence[SourceLocation]) -> str:
    """Return the lines that a suggestion is the same as, for a sentence."""
    return " and ".join(
        f"{showable_line(place.path)}:{place.start_line}-{place.end_line}, "
        + ("whose licence is unknown" if place.licence == UNKNOWN else f"under {place.licence}")
        for place in places
    )
