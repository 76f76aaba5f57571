"""Which file of the folder a piece of text is of, told by its lines; and the rest of the file.

Clients of this kind send what stands around the cursor, often without a path. A file counts as
found where runs of its lines, in their order, are most of what was sent, and where no other file
has as many: two copies of one file are no answer. Nothing is claimed otherwise.

What the client did not send of a file that is found is taken from the disk, above and below, so
that its imports are known. Read is only what the index reads: no link, no secret, nothing outside.
"""

from __future__ import annotations

import os
import re
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from difflib import Match, SequenceMatcher
from pathlib import Path

from homespun.indexer.config import IndexConfig
from homespun.indexer.languages import has_grammar, language_of
from homespun.indexer.scan import walk
from homespun.indexer.scan.decode import decode
from homespun.indexer.types import Hit, Skipped
from homespun.server.lsp.workspaces import language_name
from homespun.showable import is_showable

# Reading and comparing a longer file takes longer than a completion may.
_READING = IndexConfig(max_file_bytes=400_000)
_ABOVE_LINES = 400  # of what was sent are compared
_BELOW_LINES = 200
_WINDOW = (40, 20)  # lines above and below the cursor by which the index is asked
_MAX_CANDIDATES = 8
_MAX_RECENT = 4
_MAX_FILES = 16  # kept ready to be compared
_MIN_LINES = 3  # that say something and are the file's
_MIN_SHARE = 0.5  # of the lines that were sent
_TELLING = re.compile(r"\w.*\w.*\w")  # a line that says something

Similar = Callable[[str, int], Sequence[Hit]]
"""Asks the index for chunks like a text, at most so many; `Index.similar` behind it."""


@dataclass(frozen=True, slots=True)
class Found:
    """A document as it is completed; `path` and `language` are "" where they are not known."""

    before: str
    after: str
    path: str = ""
    language: str = ""


@dataclass(frozen=True, slots=True)
class _ComparedFile:
    """A file as it was read, ready to be compared."""

    stamp: tuple[int, int]  # its size and time
    lines: list[str]
    matcher: SequenceMatcher[str]


@dataclass(frozen=True, slots=True)
class _Fit:
    """How much of what was sent a file has."""

    path: str
    file: list[str]
    blocks: list[Match]
    lines: int  # that say something, in its runs


class FileFinder:
    """Finds the files of one folder; not thread-safe."""

    def __init__(self, root: Path, similar: Similar | None) -> None:
        self._root = root
        self._similar = similar
        self._recent: OrderedDict[str, None] = OrderedDict()  # found lately, the newest last
        self._files: OrderedDict[str, _ComparedFile] = OrderedDict()  # compared lately, likewise

    def find(self, before: str, after: str, *, path: str = "", language: str = "") -> Found:
        """Return the document around a cursor; `path` and `language` are what the client says."""
        sent = _Sent.of(before, after)
        named = self._named(path)
        fit = self._best(sent, named)
        if fit is not None:
            self._remember(fit.path)
            whole = _joined(sent, fit)
            return Found(*whole, path=fit.path)
        if named:
            return Found(before, after, path=named)
        return Found(before, after, language=self._language(sent, path, language))

    def _best(self, sent: _Sent, named: str) -> _Fit | None:
        """Return the one file that has most of the lines; a file that was named needs no rival."""
        if sent.telling < _MIN_LINES:
            return None
        needed = max(_MIN_LINES, _MIN_SHARE * sent.telling)
        if named and (fit := self._fit(sent, named)) is not None and fit.lines >= needed:
            return fit
        fits = []
        for candidate in self._candidates(sent):
            fit = self._fit(sent, candidate)
            if fit is not None and fit.lines >= needed:
                fits.append(fit)
        fits.sort(key=lambda fit: -fit.lines)
        if not fits or (len(fits) > 1 and fits[0].lines == fits[1].lines):
            return None
        return fits[0]

    def _candidates(self, sent: _Sent) -> Iterable[str]:
        """Return files that may be it, once each."""
        hits = self._similar(sent.window, 2 * _MAX_CANDIDATES) if self._similar else ()
        alike = list(dict.fromkeys(hit.path for hit in hits))[:_MAX_CANDIDATES]
        return dict.fromkeys([*self._recent, *alike])

    def _fit(self, sent: _Sent, path: str) -> _Fit | None:
        file = self._file(path)
        if file is None:
            return None
        file.matcher.set_seq1(sent.lines)
        blocks = [block for block in file.matcher.get_matching_blocks() if block.size]
        count = sum(_telling(sent.lines[block.a : block.a + block.size]) for block in blocks)
        return _Fit(path, file.lines, blocks, count)

    def _file(self, path: str) -> _ComparedFile | None:
        """Return a file, None where it is not to be read; one that has changed is read again."""
        found = walk.judge(self._root, path, _READING)
        if not isinstance(found, walk.FoundFile):
            return None
        stamp = (found.size, found.mtime_ns)
        known = self._files.pop(path, None)
        if known is None or known.stamp != stamp:
            source = walk.read(self._root, path, _READING)
            text = source if isinstance(source, Skipped) else decode(source)
            if isinstance(text, Skipped):
                return None
            known = _comparable(stamp, text.split("\n"))
        self._files[path] = known
        if len(self._files) > _MAX_FILES:
            self._files.popitem(last=False)
        return known

    def _remember(self, path: str) -> None:
        self._recent[path] = None
        self._recent.move_to_end(path)
        if len(self._recent) > _MAX_RECENT:
            self._recent.popitem(last=False)

    def _named(self, path: str) -> str:
        """Return the path in the folder that a client means, "" where it is none.

        A file that is not there yet may be named; what leads out of the folder is not.
        """
        if not (path.isprintable() and is_showable(path)) or not path:
            return ""
        if os.path.isabs(path):
            path = os.path.relpath(os.path.realpath(path), os.path.realpath(self._root))
        path = Path(path).as_posix().removeprefix("./")
        is_good = ".." not in path.split("/") and path != "." and walk.is_inside(self._root, path)
        return path if is_good else ""

    def _language(self, sent: _Sent, path: str, language: str) -> str:
        """Guess: what the client says, what the path's end says, what the most alike chunks are."""
        for name in (language_name(language.lower()), language_of(path) if path else ""):
            if has_grammar(name):
                return name
        votes: dict[str, float] = {}
        for hit in self._similar(sent.window, _MAX_CANDIDATES) if self._similar else ():
            votes[hit.language] = votes.get(hit.language, 0.0) + hit.score
        best = max(votes, key=lambda name: votes[name], default="")
        return best if votes and votes[best] > 0.5 * sum(votes.values()) else ""


@dataclass(frozen=True, slots=True)
class _Sent:
    """What a client sent, by lines; the cursor's own line is one of them."""

    before: str
    after: str
    lines: list[str]
    left_out: int  # lines above `lines`, which are not compared
    cut_below: bool  # there are lines below `lines`
    telling: int
    window: str  # for a question to the index

    @classmethod
    def of(cls, before: str, after: str) -> _Sent:
        above, below = _split(before), _split(after)
        shown = above[-_ABOVE_LINES - 1 :]
        cursor_line = shown[-1] + below[0]
        behind = below[1 : _BELOW_LINES + 1]
        lines = [*shown[:-1], cursor_line, *behind]
        near = [*shown[-_WINDOW[0] - 1 : -1], cursor_line, *behind[: _WINDOW[1]]]
        return cls(
            before=before,
            after=after,
            lines=lines,
            left_out=len(above) - len(shown),
            cut_below=len(below) - 1 > _BELOW_LINES,
            telling=_telling(lines),
            window="\n".join(near),
        )


def _comparable(stamp: tuple[int, int], lines: list[str]) -> _ComparedFile:
    # Lines that are everywhere in a file ("}", "") lead no run; they only lengthen one.
    matcher = SequenceMatcher(lambda line: not _says_something(line), b=lines)
    return _ComparedFile(stamp, lines, matcher)


def _joined(sent: _Sent, fit: _Fit) -> tuple[str, str]:
    """Return what was sent with the lines of the file above and below it."""
    end = "\r\n" if "\r\n" in sent.before + sent.after else "\n"
    runs = _sure_runs(sent.lines, fit.blocks)
    first, last = runs[0], runs[-1]
    before, after = sent.before, sent.after
    head = fit.file[: max(first.b - first.a - sent.left_out, 0)]
    if first.a == 1 and not sent.left_out and first.b > 0:
        # A client that counts characters cuts its first line anywhere.
        line, whole = sent.lines[0], fit.file[first.b - 1]
        if line != whole and whole.endswith(line):
            before = whole[: len(whole) - len(line)] + before
    rest = len(sent.lines) - (last.a + last.size)
    tail = [] if sent.cut_below else fit.file[last.b + last.size + rest :]
    if rest == 1 and not sent.cut_below and last.b + last.size < len(fit.file):
        line, whole = sent.lines[-1], fit.file[last.b + last.size]
        if line != whole and whole.startswith(line):
            after += whole[len(line) :]
    if head:
        before = end.join(head) + end + before
    if tail:
        after += end + end.join(tail)
    return before, after


def _sure_runs(lines: Sequence[str], blocks: list[Match]) -> list[Match]:
    """Return the runs that are surely at their place: two lines that say something, or all."""
    sure = [b for b in blocks if _telling(lines[b.a : b.a + b.size]) > 1]
    return sure or [max(blocks, key=lambda block: block.size)]


def _split(text: str) -> list[str]:
    return text.replace("\r\n", "\n").split("\n")


def _telling(lines: Sequence[str]) -> int:
    return sum(_says_something(line) for line in lines)


def _says_something(line: str) -> bool:
    return _TELLING.search(line[:500]) is not None
