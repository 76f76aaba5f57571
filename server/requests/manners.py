"""When an answer that is there is not shown: it was dismissed here, or the cursor only moves.

A suggestion that was dismissed does not come back at its place until the text around it changes
otherwise than by typing it along. Where somebody only moves through a text, nothing is shown: the
cursor stands where the last edit ended, or where the text was asked about first. Who asks by hand
is always answered. Only touched on the event loop.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

_REMEMBERED = 16  # dismissals of a document
_LINES_AROUND = 2  # above the cursor's and below it: which place of the text it is
_CLOSERS = ")]}>\"'`"  # an editor puts them behind the cursor by itself

DISMISSED = "filtered:dismissed"
CURSOR_MOVED = "filtered:cursor-moved"


@dataclass(frozen=True, slots=True)
class _Place:
    """What tells a place of a text from others, wherever it moves to."""

    above: tuple[str, ...]
    left: str  # of the line, up to the cursor
    right: str
    below: tuple[str, ...]

    @classmethod
    def at(cls, text: str, offset: int) -> _Place:
        """Look at the text around a cursor."""
        above = text[:offset].rsplit("\n", _LINES_AROUND + 1)
        below = text[offset:].split("\n", _LINES_AROUND + 1)
        return cls(
            tuple(above[-_LINES_AROUND - 1 : -1]),
            above[-1],
            below[0].strip(_CLOSERS + " \t\r"),
            tuple(below[1 : _LINES_AROUND + 1]),
        )


@dataclass(frozen=True, slots=True)
class _Dismissal:
    """A suggestion that was not wanted at a place."""

    place: _Place
    text: str

    def is_near(self, place: _Place) -> bool:
        """Say whether it is the same line, whatever stands in it."""
        return place.above == self.place.above and place.below == self.place.below

    def rest_at(self, place: _Place) -> str | None:
        """Return what of the text is not typed yet; None where the line has changed otherwise."""
        if not place.left.startswith(self.place.left) or place.right != self.place.right:
            return None
        typed = place.left[len(self.place.left) :]
        return self.text[len(typed) :] if self.text.startswith(typed) else None


@dataclass(slots=True)
class _DocumentManners:
    """What is known of one document."""

    dismissals: deque[_Dismissal] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))
    edited_rows: tuple[int, int] | None = None  # of the last edit, 0-based, both ends in
    asked: tuple[int, int] | None = None  # a text's hash, and where it was asked about first


class Manners:
    """Remembers for each document what was dismissed, and where somebody writes."""

    def __init__(self) -> None:
        self._documents: dict[str, _DocumentManners] = {}

    def edited(self, uri: str, rows: tuple[int, int] | None) -> None:
        """Note an edit; `rows` are where it began and ended, None where that is not known."""
        self._of(uri).edited_rows = rows

    def closed(self, uri: str) -> None:
        """Forget a document."""
        self._documents.pop(uri, None)

    def dismissed(self, uri: str, text: str, offset: int, suggestion: str) -> None:
        """Note that the user took a suggestion off the screen; it began at `offset` of `text`."""
        if suggestion:
            self._of(uri).dismissals.append(_Dismissal(_Place.at(text, offset), suggestion))

    def follows_an_edit(self, uri: str, text: str, offset: int, *, explicit: bool) -> bool:
        """Say whether somebody writes at a cursor, or asks there; notes that it was asked."""
        here = self._of(uri)
        known = hash(text)
        if explicit or here.asked is None or here.asked[0] != known:
            rows = None if explicit else here.edited_rows
            row = text.count("\n", 0, offset)
            if rows is None or rows[0] <= row <= rows[1]:
                here.asked = (known, offset)
                return True
            return False
        return here.asked[1] == offset

    def allows(self, uri: str, text: str, offset: int, suggestion: str, *, explicit: bool) -> bool:
        """Say whether a suggestion may be shown here; forgets dismissals that hold no longer."""
        here = self._of(uri)
        if not here.dismissals:
            return True
        place = _Place.at(text, offset)
        kept = [
            dismissal
            for dismissal in here.dismissals
            if not dismissal.is_near(place)
            or (dismissal.rest_at(place) is not None and not explicit)
        ]
        here.dismissals = deque(kept, maxlen=_REMEMBERED)
        return not any(
            dismissal.is_near(place) and _is_same(dismissal.rest_at(place), suggestion)
            for dismissal in kept
        )

    def _of(self, uri: str) -> _DocumentManners:
        return self._documents.setdefault(uri, _DocumentManners())


def _is_same(rest: str | None, suggestion: str) -> bool:
    """Say whether a suggestion is what was dismissed: its first line, whatever follows."""
    if not rest:
        return False
    ours, theirs = (text.strip("\n").partition("\n")[0].rstrip() for text in (rest, suggestion))
    return bool(ours) and (ours == theirs or ours.rstrip(_CLOSERS) == theirs.rstrip(_CLOSERS))
