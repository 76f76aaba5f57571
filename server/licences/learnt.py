"""What the shipped adapters may have learnt by heart: windows of the files that taught them.

A window is eight telling lines in a row (`indexer/words/telling.py`), as 40 bits of its BLAKE2b
hash, with the file and the lines where it stands. `training/shipped/general_adapter/windows.py`
writes the table. A suggestion of its own is met by chance in one of some seven million windows.
"""

from __future__ import annotations

import functools
import hashlib
import io
import json
import logging
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from homespun.indexer.words.telling import told_by

WINDOW = 8  # telling lines
MIN_OWN = 3  # of them are the suggestion's; the others stand above it
TABLE = Path(__file__).with_name("learnt.npz")
_HASH_BYTES = 5
_MAX_LINES = 400  # of a text that is looked up
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LearntLines:
    """Lines of a package that taught the shipped adapters."""

    path: str  # "pypi/attrs-25.4.0/src/attr/_make.py"
    start_line: int  # 1-based, inclusive
    end_line: int
    licence: str  # SPDX


@dataclass(frozen=True, slots=True)
class Window:
    """Eight telling lines of a text."""

    key: int  # the hash, below 2 ** 40
    first: int  # number of the first telling line, and of the last
    last: int


@dataclass(frozen=True, slots=True)
class LearntTable:
    """All windows, sorted by key; n of them from f files."""

    keys: npt.NDArray[np.uint64]  # (n,)
    files: npt.NDArray[np.uint16]  # (n,): number in `paths`
    starts: npt.NDArray[np.uint16]  # (n,): first line in the file, 1-based
    spans: npt.NDArray[np.uint8]  # (n,): last line - first line
    paths: tuple[str, ...]  # (f,)
    licences: tuple[str, ...]  # (f,)

    def same_as(self, above: Sequence[str], text: str) -> tuple[LearntLines, ...]:
        """Return the lines that `text` repeats, below `above`, a place a file, in its order."""
        found: dict[str, LearntLines] = {}
        for window in _with_own(above, text):
            row = int(np.searchsorted(self.keys, np.uint64(window.key)))
            if row < len(self.keys) and int(self.keys[row]) == window.key:
                place = self._place(row)
                known = found.get(place.path)
                found[place.path] = place if known is None else _joined(known, place)
        return tuple(found.values())

    def _place(self, row: int) -> LearntLines:
        number, start = int(self.files[row]), int(self.starts[row])
        end = start + int(self.spans[row])
        return LearntLines(self.paths[number], start, end, self.licences[number])


def windows_of(lines: Iterable[tuple[int, str]]) -> Iterator[Window]:
    """Yield the windows of numbered lines."""
    telling = [(number, told) for number, line in lines if (told := told_by(line))]
    for start in range(len(telling) - WINDOW + 1):
        part = telling[start : start + WINDOW]
        yield Window(_key([told for _, told in part]), part[0][0], part[-1][0])


def save(table: LearntTable, path: Path) -> None:
    """Write a table; the same one has the same bytes."""
    names = json.dumps({"paths": table.paths, "licences": table.licences}).encode()
    arrays: dict[str, npt.NDArray[Any]] = {
        "high": (table.keys >> np.uint64(8)).astype(np.uint32),
        "low": (table.keys & np.uint64(0xFF)).astype(np.uint8),
        "files": table.files,
        "starts": table.starts,
        "spans": table.spans,
        "names": np.frombuffer(names, dtype=np.uint8),
    }
    np.savez_compressed(path, allow_pickle=False, **arrays)


def load(path: Path) -> LearntTable:
    """Read a table. Raises `OSError` or `ValueError` where there is none."""
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as parts:
            names = json.loads(parts["names"].tobytes())
            high, low = parts["high"].astype(np.uint64), parts["low"].astype(np.uint64)
            return LearntTable(
                keys=(high << np.uint64(8)) | low,
                files=parts["files"],
                starts=parts["starts"],
                spans=parts["spans"],
                paths=tuple(names["paths"]),
                licences=tuple(names["licences"]),
            )
    except (KeyError, EOFError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path.name} is no table of windows: {error}") from error


@functools.cache
def shipped() -> LearntTable:
    """Return the table of the wheel; an empty one, loudly, where it is broken."""
    try:
        return load(TABLE)
    except (OSError, ValueError) as error:
        _log.warning(
            "%s cannot be read (%s), so nothing is said of what the shipped adapters learned from; "
            "install homespun again",
            TABLE.name,
            error,
        )
        return empty()


def empty() -> LearntTable:
    """Return a table without windows."""
    none = np.zeros(0, np.uint16)
    return LearntTable(none.astype(np.uint64), none, none, none.astype(np.uint8), (), ())


def _with_own(above: Sequence[str], text: str) -> Iterator[Window]:
    """Yield the windows in which the text has enough of the telling lines."""
    rows = [(-1, line) for line in above] + list(enumerate(text.split("\n")[:_MAX_LINES]))
    telling = [number for number, line in rows if told_by(line)]
    for place, window in enumerate(windows_of(rows)):
        if sum(number >= 0 for number in telling[place : place + WINDOW]) >= MIN_OWN:
            yield window


def _key(told: Sequence[str]) -> int:
    digest = hashlib.blake2b("\n".join(told).encode(), digest_size=_HASH_BYTES).digest()
    return int.from_bytes(digest, "big")


def _joined(one: LearntLines, other: LearntLines) -> LearntLines:
    """Return the lines from the first to the last of both."""
    start, end = min(one.start_line, other.start_line), max(one.end_line, other.end_line)
    return LearntLines(one.path, start, end, one.licence)
