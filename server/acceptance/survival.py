"""How much of an accepted text still stands where it was put, after later edits.

Two measures, both without white space, so that a formatter's indentation is no change:

- *kept*, the share of the accepted characters that no edit has touched: "accepted and retained
  characters" of VS Code's own telemetry;
- *changed*, an edit distance as a share of the accepted characters: what was deleted and put in
  between. Ziegler et al., "Productivity Assessment of Neural Code Completion" (MAPS 2022), ask
  after 30 s, 2, 5 and 10 minutes whether a completion is unchanged, or mostly unchanged: a
  Levenshtein distance below a third of it. Ours follows the edits as they come and is never
  smaller.

Only differences from one edit to the next are looked at, so the same words elsewhere in the file
do not count. The text is kept in memory and nowhere else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from homespun.server.lsp.edits import TextChange

HORIZONS_SECONDS = (30.0, 120.0, 600.0)
_MAX_UNDONE = 20  # edits of an accepted text that are recognised when they are taken back


@dataclass(frozen=True, slots=True)
class Kept:
    """What was measured at one time."""

    kept: float  # share of the accepted characters, 0 to 1
    changed: float  # edit distance as a share of the accepted characters, 0 to 1


@dataclass(frozen=True, slots=True)
class _TextPiece:
    """Text of the document: a part of what was accepted, or what was put in between."""

    text: str
    origin: int  # where it begins in the accepted text; -1 where it is none of it

    @property
    def is_accepted(self) -> bool:
        return self.origin >= 0


_Pieces = tuple[_TextPiece, ...]


@dataclass(frozen=True, slots=True)
class _Undo:
    """The edit that would take one back, counted from the range's start, and what was before."""

    start: int
    removed: str
    inserted: str
    moved: int  # from the range's start now to the one before
    pieces: _Pieces


@dataclass(slots=True)
class _Range:
    """An accepted text in the document, from its first to its last character that is left."""

    start: int
    text: str  # as it was accepted
    pieces: _Pieces
    undos: list[_Undo] = field(default_factory=list)

    @property
    def end(self) -> int:
        return self.start + _length(self.pieces)

    def extend(self, text: str) -> None:
        """Take in what was accepted right behind."""
        self.pieces = (*self.pieces, _TextPiece(text, len(self.text)))
        self.text += text

    def apply(self, change: TextChange) -> None:
        """Follow one edit of the document."""
        if self._takes_back(change):
            undo = self.undos.pop()
            self.start += undo.moved
            self.pieces = undo.pieces
        elif change.start + len(change.removed) <= self.start:
            self.start += change.grows
        elif self.pieces and change.start < self.end:
            self._cut(change)
        elif change.start < self.start:  # nothing is left, and now its place goes
            self.start = change.start

    def _takes_back(self, change: TextChange) -> bool:
        if not self.undos:
            return False
        undo = self.undos[-1]
        return (change.start - self.start, change.removed, change.inserted) == (
            undo.start,
            undo.removed,
            undo.inserted,
        )

    def _cut(self, change: TextChange) -> None:
        before, pieces = self.start, self.pieces
        first = max(change.start - self.start, 0)
        last = min(change.start + len(change.removed), self.end) - self.start
        left, right = _part(pieces, 0, first), _part(pieces, last, self.end - self.start)
        start = min(self.start, change.start)
        put_in = (_TextPiece(change.inserted, -1),) if change.inserted else ()
        self.start, self.pieces = _without_ends(start, (*left, *put_in, *right))
        self.undos.append(
            _Undo(
                change.start - self.start,
                change.inserted,
                change.removed,
                before - self.start,
                pieces,
            )
        )
        del self.undos[:-_MAX_UNDONE]


class Followed:
    """What was accepted of one suggestion, and how much of it stood after each horizon."""

    def __init__(self) -> None:
        self._ranges: list[_Range] = []
        self._accepted_at = 0.0
        self.measured: list[Kept | None] = [None] * len(HORIZONS_SECONDS)

    def accepted(self, start: int, text: str, now: float) -> None:
        """Take in a text that stands at `start` from now on; the horizons begin anew."""
        self._accepted_at = now
        self.measured = [None] * len(HORIZONS_SECONDS)
        last = self._ranges[-1] if self._ranges else None
        if last is not None and last.end == start and last.pieces:
            last.extend(text)
        else:
            self._ranges.append(_Range(start, text, (_TextPiece(text, 0),)))

    def apply(self, changes: Sequence[TextChange]) -> None:
        """Follow edits, each of a few tokens (`TextChange.refined`)."""
        for each in self._ranges:
            for change in changes:
                each.apply(change)

    def measure_until(self, now: float) -> bool:
        """Note what stands for each horizon that has passed; True when the last one has.

        It is to be called before an edit is followed: what stands now has stood since the last.
        """
        for index, seconds in enumerate(HORIZONS_SECONDS):
            if self.measured[index] is None and now >= self._accepted_at + seconds:
                self.measured[index] = self.measure()
        return self.measured[-1] is not None

    def measure(self) -> Kept:
        """Return what stands now."""
        accepted = sum(_solid(each.text) for each in self._ranges)
        if not accepted:
            return Kept(1.0, 0.0)
        pieces = [piece for each in self._ranges for piece in each.pieces if piece.is_accepted]
        kept = sum(_solid(piece.text) for piece in pieces)
        distance = sum(_distance(each) for each in self._ranges)
        return Kept(kept / accepted, min(1.0, distance / accepted))


def _distance(followed: _Range) -> int:
    """Count what is missing or was put in, a replaced character once."""
    distance = put_in = passed = 0
    for piece in (*followed.pieces, _TextPiece("", len(followed.text))):
        if not piece.is_accepted:
            put_in += _solid(piece.text)
            continue
        distance += max(_solid(followed.text[passed : piece.origin]), put_in)
        passed, put_in = piece.origin + len(piece.text), 0
    return distance


def _solid(text: str) -> int:
    """Count the characters that are no white space."""
    return sum(map(len, text.split()))


def _length(pieces: _Pieces) -> int:
    return sum(len(piece.text) for piece in pieces)


def _part(pieces: _Pieces, first: int, last: int) -> _Pieces:
    """Return the pieces between two offsets."""
    cut = []
    start = 0
    for piece in pieces:
        low, high = max(first - start, 0), min(last - start, len(piece.text))
        if low < high:
            origin = piece.origin + low if piece.is_accepted else -1
            cut.append(_TextPiece(piece.text[low:high], origin))
        start += len(piece.text)
    return tuple(cut)


def _without_ends(start: int, pieces: _Pieces) -> tuple[int, _Pieces]:
    """Leave out what was not accepted at either end; return the new start, too."""
    own = [index for index, piece in enumerate(pieces) if piece.is_accepted]
    if not own:
        return start, ()
    return start + _length(pieces[: own[0]]), pieces[own[0] : own[-1] + 1]
