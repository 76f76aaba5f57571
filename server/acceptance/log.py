"""What became of suggestions, one JSON line each: `home()/acceptance/YYYY-MM.jsonl`.

A line holds numbers and names of models, no source text, no path and no file name. It is written
for the user alone: the file's mode is 600, and nothing sends it anywhere. Files are bounded: a
month that outgrows its file begins anew and keeps the one before, months beyond a year go.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import logging
import os
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from homespun.paths import home
from homespun.storage import make_private_folder, open_private, replace

logger = logging.getLogger(__name__)

RECORD_VERSION = 1
OUTCOMES = ("shown", "typed", "partial", "accepted")
MAX_FILE_BYTES = 8_000_000  # some 20,000 suggestions, twice that with the file before
MAX_READ_BYTES = 32_000_000  # of all files together, the newest first
_MAX_MONTHS = 13
_MAX_LINE_BYTES = 8_000  # ours have 400
_MAX_ITEMS = 1_000  # of a list in a line
_MONTH = "[0-9][0-9][0-9][0-9]-[0-9][0-9]"


@dataclass(frozen=True, slots=True)
class Record:
    """A suggestion whose fate is known. Lists of shares follow `survival.HORIZONS_SECONDS`."""

    id: str
    time: str  # when it was answered, UTC: "2026-11-21T19:30:00Z"
    language: str
    model: str
    adapter: str
    sources: int  # snippets of the repository in the prompt
    kind: str  # "line", "block"
    chars: int  # of the suggestion
    lines: int
    ms: float  # from the request to the answer
    outcome: str  # one of OUTCOMES
    stood_ms: int  # how long it was there to be seen
    typed: int = 0  # characters of it that were typed key by key
    accepted: int = 0  # characters that came by acceptance
    steps: tuple[str, ...] = ()  # "word", "line", "rest", "all", in this order
    kept: tuple[float | None, ...] = ()  # share of accepted characters; None where nobody looked
    changed: tuple[float | None, ...] = ()  # edit distance, as a share of the same
    # How likely it was found, before this log had a say; None where nobody said, also in lines that
    # were written before it was.
    likelihood: float | None = None
    v: int = field(default=RECORD_VERSION)

    def to_json(self) -> dict[str, object]:
        """Return the line's JSON object."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, body: object) -> Record:
        """Read a line's JSON object. Raises `ValueError` where it is none of ours."""
        if not isinstance(body, dict) or body.get("v") != RECORD_VERSION:
            raise ValueError(f"no record of version {RECORD_VERSION}")
        kinds = _kinds()
        body = {"likelihood": None} | body
        if not kinds.keys() <= body.keys():
            raise ValueError("fields are missing")
        values: dict[str, Any] = {name: body[name] for name in kinds}
        for name, kind in kinds.items():
            if not kind.fits(values[name]):
                raise ValueError(f"{name} is {values[name]!r}")
        if values["outcome"] not in OUTCOMES:
            raise ValueError(f"outcome is {values['outcome']!r}")
        for name in ("steps", "kept", "changed"):
            values[name] = tuple(values[name])
        return cls(**values)


@dataclass(frozen=True, slots=True)
class _Kind:
    """The types that a field's value may have, in itself or in a list of at most a few."""

    types: frozenset[type]
    is_list: bool

    def fits(self, value: object) -> bool:
        if not self.is_list:
            return type(value) in self.types  # and so never a bool for an int
        if not isinstance(value, list) or len(value) > _MAX_ITEMS:
            return False
        return all(type(each) in self.types for each in value)


@functools.cache
def _kinds() -> dict[str, _Kind]:
    """Return what each field of a record holds, by its annotation."""
    named: dict[str, tuple[type, ...]] = {"str": (str,), "int": (int,), "float": (int, float)}
    kinds = {}
    for each in dataclasses.fields(Record):
        text = str(each.type)
        item = text.removeprefix("tuple[").removesuffix(", ...]")
        types = named[item.removesuffix(" | None")]
        optional = (type(None),) if item.endswith("| None") else ()
        kinds[each.name] = _Kind(frozenset((*types, *optional)), is_list=item != text)
    return kinds


def folder() -> Path:
    """Return where the files are; it may not exist."""
    return home() / "acceptance"


class AcceptanceLog:
    """Appends records; several servers may write to the same file."""

    def __init__(self, directory: Path | None = None) -> None:
        self._folder = directory
        self._waiting: list[Record] = []
        self._writing = threading.Lock()
        self._has_failed = False

    def add(self, record: Record) -> None:
        """Keep a record for the next `flush`."""
        self._waiting.append(record)

    def flush(self) -> None:
        """Write what waits. What cannot be written is dropped, and said once."""
        with self._writing:
            records, self._waiting = self._waiting, []
            by_month: dict[str, list[Record]] = {}
            for record in records:
                by_month.setdefault(record.time[:7], []).append(record)
            try:
                for month, of_month in by_month.items():
                    self._append(self._folder or folder(), month, of_month)
            except OSError as error:
                level = logging.DEBUG if self._has_failed else logging.WARNING
                self._has_failed = True
                logger.log(level, "what was accepted cannot be written down: %s", error)

    def _append(self, directory: Path, month: str, records: Sequence[Record]) -> None:
        make_private_folder(directory)
        path = directory / f"{month}.jsonl"
        if not path.exists():
            _forget_old(directory)
        elif path.stat().st_size > MAX_FILE_BYTES:
            replace(path, path.with_suffix(".old.jsonl"))
        lines = [json.dumps(record.to_json(), separators=(",", ":")) for record in records]
        body = "".join(line + "\n" for line in lines).encode()
        # Appended in a single write: lines of two servers do not mix.
        with open_private(path, append=True) as stream:
            os.write(stream.fileno(), body if _ends_whole(path) else b"\n" + body)


@dataclass(slots=True)
class Recorded:
    """What was read."""

    records: list[Record] = field(default_factory=list)
    broken: int = 0  # lines that are no records
    unread_bytes: int = 0  # older ones, beyond `MAX_READ_BYTES`


def read(directory: Path | None = None, *, since: str = "") -> Recorded:
    """Read the records from a time on (as `Record.time`), the oldest first.

    No more than `MAX_READ_BYTES` is read: what is older counts as unread.
    """
    found = Recorded()
    directory = directory or folder()
    paths = [*directory.glob(f"{_MONTH}.old.jsonl"), *directory.glob(f"{_MONTH}.jsonl")]
    room = MAX_READ_BYTES
    by_file: list[list[Record]] = []
    for path in sorted(paths, key=lambda path: (path.name[:7], path.name[7:] == ".jsonl"))[::-1]:
        if path.name[:7] < since[:7]:
            continue
        text, unread = _end_of(path, room)
        room -= len(text)
        found.unread_bytes += unread
        read_here = list(_records_of(path, text))
        found.broken += read_here.count(None)
        by_file.append([each for each in read_here if each is not None and each.time >= since])
    found.records = [record for records in reversed(by_file) for record in records]
    found.records.sort(key=lambda record: record.time)
    return found


def _end_of(path: Path, most: int) -> tuple[bytes, int]:
    """Return the last whole lines of a file, and how many bytes before them are left unread."""
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        begin = max(0, size - most)
        file.seek(begin)
        text = file.read(min(size, most))
    if begin:
        text = text[text.find(b"\n") + 1 :] if b"\n" in text else b""
    return text, size - len(text)


def _records_of(path: Path, text: bytes) -> Iterator[Record | None]:
    """Read the lines of one file; None for one that is no record."""
    for line in text.split(b"\n"):
        if not line.strip():
            continue
        if len(line) > _MAX_LINE_BYTES:
            yield None
            continue
        try:
            yield Record.from_json(json.loads(line.decode()))
        except (ValueError, RecursionError) as error:
            logger.debug("a line of %s is no record: %s", path.name, error)
            yield None


def _ends_whole(path: Path) -> bool:
    """Say whether the last line has its end; a kill in the middle of a write leaves one without."""
    with path.open("rb") as file:
        if not file.seek(0, os.SEEK_END):
            return True
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"


def _forget_old(directory: Path) -> None:
    """Remove the files of all but the last months."""
    months = sorted({path.name[:7] for path in directory.glob(f"{_MONTH}*.jsonl")})
    for month in months[: -(_MAX_MONTHS - 1)]:
        for path in directory.glob(f"{month}*.jsonl"):
            path.unlink(missing_ok=True)
