"""Which lines, of files under another licence than the rest, a text is the same as.

The same are three telling lines in a row (`indexer/words/telling.py`; others between them do not
count), or sixty words in a row, whatever stands between them. Of the files under another licence,
normally few, a table of hashed pieces is kept: every second pair of telling lines and every
thirtieth run of thirty words. Whatever is long enough holds one of these, and where a piece is
found the lines themselves are compared.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from homespun.indexer.index import Index
from homespun.indexer.licences.texts import HEAD_CHARS
from homespun.indexer.licences.whose import FileLicence, Licences, is_licence_text, says_a_licence
from homespun.indexer.memory.refresh import IndexState
from homespun.indexer.storage.manifest import Manifest
from homespun.indexer.types import Chunk
from homespun.indexer.words.telling import told_by
from homespun.progress import never

MIN_LINES = 3  # telling ones in a row
MIN_WORDS = 60  # in a row: names, keywords and numbers
_MAX_PLACES = 3  # of the repository that are named
_MAX_TRIED = 64  # places of one piece; a file may hold the same line a million times
_MAX_CHARS = 100_000  # of a text that is looked up
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class CopiedLines:
    """Lines of the repository that a text is the same as."""

    path: str
    start_line: int  # 1-based, inclusive
    end_line: int
    licence: str  # SPDX, or "unknown"


@dataclass(frozen=True, slots=True)
class _Sort:
    """One of the two ways to be the same: units in a row, hashed by pieces."""

    piece: int  # units; pieces of a file begin at each multiple of it
    least: int  # units in a row: 2 * piece - 1 or more, so a whole piece lies in it
    units: Callable[[Sequence[tuple[int, str]]], list[tuple[int, str]]]


def _telling(rows: Sequence[tuple[int, str]]) -> list[tuple[int, str]]:
    return [(row, told) for row, line in rows if (told := told_by(line))]


def _words(rows: Sequence[tuple[int, str]]) -> list[tuple[int, str]]:
    return [(row, word) for row, line in rows for word in _WORD.findall(line)]


_SORTS = (_Sort(2, MIN_LINES, _telling), _Sort(30, MIN_WORDS, _words))


def is_long_enough(text: str) -> bool:
    """Tell whether a text may be the same as another's at all; most suggestions are not."""
    return text.count("\n") >= MIN_LINES - 1 or len(text) >= 2 * MIN_WORDS - 1


class OtherLicences:
    """The indexed files under other licences than the repository's; of one thread."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self._licences = Licences(index.root)
        self._manifest: Manifest | None = None  # that all of this is of
        self._files: dict[str, FileLicence] = {}  # those under another licence
        self._pieces: dict[str, tuple[_Hashes, ...]] = {}  # of each of them, one a sort
        self._tables: tuple[_Table, ...] = ()

    @property
    def own(self) -> str:
        """The repository's own licence."""
        return self._licences.own

    def licence_of(self, path: str, head: str) -> str:
        """Return the licence of a file of the repository, indexed or not, that begins so."""
        return self._licences.of(path, head).expression

    def files(self) -> dict[str, FileLicence]:
        """Return the files under another licence, by path."""
        self.follow()
        return dict(self._files)

    def follow(self, *, cancelled: Callable[[], bool] = never) -> None:
        """Take in what is new in the index; costs what has changed."""
        state = self._index.state
        if state.manifest is self._manifest:
            return
        changed = _changed(self._manifest, state.manifest)
        if any(map(says_a_licence, changed)):  # others may be under another one now
            self._licences.forget()
            changed = {*state.manifest.files, *self._files}
        if self._take(state, changed, cancelled):
            self._manifest = state.manifest

    def same_as(self, text: str) -> tuple[CopiedLines, ...]:
        """Return the places that hold lines of `text`, the longest first; LF ends."""
        self.follow()
        if not self._files:
            return ()
        state, rows = self._index.state, list(enumerate(text[:_MAX_CHARS].split("\n"), start=1))
        longest: dict[str, tuple[int, CopiedLines]] = {}
        for sort, table in zip(_SORTS, self._tables, strict=True):
            mine = [unit for _, unit in sort.units(rows)]
            for path, first, last in table.runs(mine, lambda path: self._rows(state, path)):
                known = longest.get(path)
                if known is None or known[0] < last - first:
                    licence = self._files[path].expression
                    longest[path] = (last - first, CopiedLines(path, first, last, licence))
        ranked = sorted(longest.values(), key=lambda each: (-each[0], each[1].path))
        return tuple(each for _, each in ranked[:_MAX_PLACES])

    def _take(
        self, state: IndexState, changed: Collection[str], cancelled: Callable[[], bool]
    ) -> bool:
        """Take in changed files; say whether that was not broken off."""
        for path in changed:
            if cancelled():
                return False
            if self._files.pop(path, None) is not None:
                del self._pieces[path]
                self._tables = ()
            stamp = state.manifest.files.get(path)
            is_there = stamp is not None and not stamp.skipped and not is_licence_text(path)
            licence = self._licences.of(path, _head(state, path)) if is_there else None
            if licence is not None and licence.is_other:
                self._files[path] = licence
                rows = self._rows(state, path)
                self._pieces[path] = tuple(_hashed(sort, rows) for sort in _SORTS)
                self._tables = ()
        if not self._tables:
            self._tables = tuple(
                _Table(sort, {path: pieces[number] for path, pieces in self._pieces.items()})
                for number, sort in enumerate(_SORTS)
            )
        return True

    def _rows(self, state: IndexState, path: str) -> list[tuple[int, str]]:
        """Return the lines of an indexed file with their numbers, secrets masked."""
        return [
            (number, line)
            for chunk in _chunks(state, path)
            for number, line in enumerate(chunk.text.split("\n"), start=chunk.start_line)
        ]


_Hashes = npt.NDArray[np.int64]


def _hashed(sort: _Sort, rows: Sequence[tuple[int, str]]) -> _Hashes:
    """Return `(pieces,)` hashes of a file's pieces; of this process alone."""
    units = [unit for _, unit in sort.units(rows)]
    starts = range(0, len(units) - sort.piece + 1, sort.piece)
    return np.array([_hash(units, start, sort) for start in starts], dtype=np.int64)


def _hash(units: Sequence[str], start: int, sort: _Sort) -> int:
    return hash(tuple(units[start : start + sort.piece]))


class _Table:
    """The pieces of all files, sorted by hash."""

    def __init__(self, sort: _Sort, pieces: dict[str, _Hashes]) -> None:
        self._sort = sort
        self._paths = list(pieces)
        hashes = np.concatenate([np.zeros(0, np.int64), *pieces.values()])
        files = np.repeat(np.arange(len(pieces)), [len(each) for each in pieces.values()])
        starts = [np.arange(len(each)) * sort.piece for each in pieces.values()]
        order = np.argsort(hashes, kind="stable")
        self._hashes = hashes[order]
        self._files = files[order]
        self._starts = np.concatenate([np.zeros(0, np.int64), *starts])[order]

    def runs(
        self, mine: Sequence[str], rows_of: Callable[[str], list[tuple[int, str]]]
    ) -> Iterator[tuple[str, int, int]]:
        """Yield (path, first line, last line) of what is long enough."""
        theirs: dict[str, list[tuple[int, str]]] = {}
        seen: set[tuple[str, int]] = set()  # (path, how far apart): each run once
        for here, path, there in self._met(mine):
            if path not in theirs:
                theirs[path] = self._sort.units(rows_of(path))
            if (path, there - here) in seen or there >= len(theirs[path]):  # changed meanwhile
                continue
            first, end = _run(mine, here, theirs[path], there)
            if end - first >= self._sort.least:
                seen.add((path, there - here))
                yield path, theirs[path][first][0], theirs[path][end - 1][0]

    def _met(self, mine: Sequence[str]) -> Iterator[tuple[int, str, int]]:
        """Yield (place in `mine`, path, place in its units) where a piece has the same hash."""
        if len(mine) < self._sort.least:
            return
        for here in range(len(mine) - self._sort.piece + 1):
            wanted = np.int64(_hash(mine, here, self._sort))
            low = int(np.searchsorted(self._hashes, wanted, "left"))
            high = int(np.searchsorted(self._hashes, wanted, "right"))
            for row in range(low, min(high, low + _MAX_TRIED)):
                yield here, self._paths[int(self._files[row])], int(self._starts[row])


def _run(
    mine: Sequence[str], here: int, theirs: Sequence[tuple[int, str]], there: int
) -> tuple[int, int]:
    """Return where in `theirs` the run around (here, there) begins, and its end (exclusive)."""
    first, end = there, there
    while first > 0 and here - (there - first) > 0:
        if mine[here - (there - first) - 1] != theirs[first - 1][1]:
            break
        first -= 1
    while end < len(theirs) and here + (end - there) < len(mine):
        if mine[here + (end - there)] != theirs[end][1]:
            break
        end += 1
    return first, end


def _changed(before: Manifest | None, now: Manifest) -> set[str]:
    """Return the paths that came, went or are others."""
    return set(now.files) if before is None else now.files.differing(before.files)


def _chunks(state: IndexState, path: str) -> list[Chunk]:
    numbers = state.snapshot.documents.get(path, ())
    found = [state.snapshot.chunk(number) for number in numbers]
    return sorted(found, key=lambda chunk: chunk.start_line)


def _head(state: IndexState, path: str) -> str:
    """Return the first lines of an indexed file."""
    text = ""
    for chunk in _chunks(state, path):
        text += chunk.text
        if len(text) >= HEAD_CHARS:
            break
    return text
