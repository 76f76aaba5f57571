"""What `git diff-tree -p -U0` prints -> which lines a commit added; moved lines are not added."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

_HUNK = re.compile(rb"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
_COMMIT = re.compile(rb"[0-9a-f]{40}(?:[0-9a-f]{24})?\n\Z")
_ESCAPE = re.compile(rb"\\([0-7]{3}|.)")
_ESCAPED = {b"n": b"\n", b"t": b"\t", b"r": b"\r", b"a": b"\a", b"b": b"\b", b"f": b"\f"}
_SPECIAL_MODES = (b"120000", b"160000")  # links and submodules have no lines of code
_WHITE = re.compile(rb"\s+")
# What formatters of Python may change besides; the syntax trees have the last word.
_FORMATTING = re.compile(rb"[\s,()\\'\";]+")

Ranges = tuple[tuple[int, int], ...]  # 1-based, inclusive


@dataclass(frozen=True, slots=True)
class Hunk:
    """A replaced run of lines; a start with no lines names the line before it, as in diffs."""

    old_start: int
    old_lines: int
    new_start: int
    new_lines: int


@dataclass(frozen=True, slots=True)
class FileChange:
    """What a commit did to one text file that it left in the tree."""

    path: str
    old_path: str  # in the parent; "" for a new file
    hunks: tuple[Hunk, ...]
    added: Ranges  # lines of the new version that the parent had nowhere; blank ones beside them


@dataclass(slots=True)
class CommitChanges:
    """What a commit did."""

    commit: str
    changes: list[FileChange] = field(default_factory=list)
    files: int = 0  # that it touched, the deleted and binary ones, too
    may_be_format: bool = False  # only white space, or what formatters of Python move about


@dataclass(slots=True)
class _File:
    path: str = ""
    old_path: str = ""
    special: bool = False
    hunks: list[Hunk] = field(default_factory=list)
    removed: list[bytes] = field(default_factory=list)
    added: list[tuple[int, bytes]] = field(default_factory=list)  # line number, line


def read_differences(lines: Iterator[bytes]) -> Iterator[CommitChanges]:
    """Yield what `git diff-tree --stdin -p -U0` prints, one commit after the other."""
    commit, files = "", list[_File]()
    file = _File()
    for line in lines:
        if line.startswith(b"diff --git "):
            file = _File()
            files.append(file)
        elif line.startswith(b"@@ "):
            _read_hunk(line, lines, file)
        elif _COMMIT.match(line):
            if commit:
                yield _difference(commit, files)
            commit, files = line.strip().decode(), []
        elif files:
            _read_header(line, file)
    if commit:
        yield _difference(commit, files)


def _read_header(line: bytes, file: _File) -> None:
    word, _, rest = line.rstrip(b"\n").partition(b" ")
    if word == b"+++":
        file.path = _name(rest)
    elif word == b"---":
        file.old_path = _name(rest)
    elif line.startswith(b"rename from "):
        file.old_path = _name(line[len(b"rename from ") :].rstrip(b"\n"))
    elif line.startswith(b"rename to "):
        file.path = _name(line[len(b"rename to ") :].rstrip(b"\n"))
    elif word in (b"index", b"new", b"old", b"deleted") and line.rstrip().endswith(_SPECIAL_MODES):
        file.special = True


def _name(raw: bytes) -> str:
    """Return a path as git prints it in a header; "" for /dev/null."""
    raw = raw.removesuffix(b"\t")
    if raw.startswith(b'"') and raw.endswith(b'"'):
        raw = _ESCAPE.sub(_unescaped, raw[1:-1])
    return "" if raw == b"/dev/null" else raw.decode("utf-8", "surrogateescape")


def _unescaped(match: re.Match[bytes]) -> bytes:
    code = match[1]
    return bytes([int(code, 8) & 0xFF]) if len(code) == 3 else _ESCAPED.get(code, code)


def _read_hunk(head: bytes, lines: Iterator[bytes], file: _File) -> None:
    """Take as many lines as the head says: a line of code may look like a header."""
    match = _HUNK.match(head)
    if match is None:
        return
    old_lines, new_lines = (1 if n is None else int(n) for n in (match[2], match[4]))
    hunk = Hunk(int(match[1]), old_lines, int(match[3]), new_lines)
    file.hunks.append(hunk)
    number = hunk.new_start
    while old_lines or new_lines:
        line = next(lines, None)
        if line is None:
            return
        if line.startswith(b"-"):
            old_lines -= 1
            file.removed.append(line[1:])
        elif line.startswith(b"+"):
            new_lines -= 1
            file.added.append((number, line[1:]))
            number += 1


def _difference(commit: str, files: Sequence[_File]) -> CommitChanges:
    gone = Counter(line.strip() for file in files for line in file.removed)
    changes = [
        FileChange(file.path, file.old_path, tuple(file.hunks), _added(file, gone))
        for file in files
        if file.path and not file.special
    ]
    return CommitChanges(commit, changes, len(files), _may_be_format(files))


def _added(file: _File, gone: Counter[bytes]) -> Ranges:
    """Return the lines that the commit removed nowhere, whatever their indentation.

    `gone` loses what is found again. A blank line counts where the line before it does.
    """
    kept: list[int] = []
    last = (-1, False)
    for number, line in file.added:
        stripped = line.strip()
        if not stripped:
            counts = last == (number - 1, True)
        elif gone[stripped] > 0:
            gone[stripped] -= 1
            counts = False
        else:
            counts = True
        last = (number, counts)
        if counts:
            kept.append(number)
    return _ranges(kept)


def _ranges(numbers: Sequence[int]) -> Ranges:
    ranges: list[tuple[int, int]] = []
    for number in numbers:
        if ranges and ranges[-1][1] == number - 1:
            ranges[-1] = (ranges[-1][0], number)
        else:
            ranges.append((number, number))
    return tuple(ranges)


def _may_be_format(files: Sequence[_File]) -> bool:
    changed = [file for file in files if file.hunks]
    return bool(changed) and all(
        file.path and file.old_path and not file.special and _same_characters(file)
        for file in changed
    )


def _same_characters(file: _File) -> bool:
    pattern = _FORMATTING if file.path.endswith((".py", ".pyi")) else _WHITE
    added = b"".join(line for _, line in file.added)
    return pattern.sub(b"", b"".join(file.removed)) == pattern.sub(b"", added)
