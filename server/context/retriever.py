"""What the model should see beside the code at the cursor: (text, offset, path, index) -> Context.

Two questions to the index: what do the names in reach mean, and where is code like this. What
stands in the prompt anyway, and copies of it, never come back. Each step looks at the clock; what
is late is left out. The order of the snippets is by path and line and so the same for the next
keystroke: that keeps the decoder's cache alive.
"""

from __future__ import annotations

import re
import string
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Protocol

from homespun.indexer.languages import has_grammar
from homespun.indexer.types import Hit, Region, Symbol
from homespun.indexer.words.telling import IMPORT, told_by
from homespun.indexer.words.tokens import split_identifiers
from homespun.progress import never
from homespun.server.analysis.name_resolution import Files
from homespun.server.analysis.names_in_reach import in_reach
from homespun.server.analysis.python.inference import PythonTypes
from homespun.server.analysis.siblings import beside
from homespun.server.analysis.source_lines import SourceLines
from homespun.server.context.being_written import BeingWritten
from homespun.server.context.candidates import PARTS, Needs, enclosing_call, words_beside
from homespun.server.context.definitions import Definitions, imports_of
from homespun.server.context.limits import BY_NEED
from homespun.server.context.needed import needed, overlaps
from homespun.server.context.usages import usages
from homespun.server.prompt.cursor import Cursor
from homespun.server.prompt.render import Snippet
from homespun.server.types import Edited

if TYPE_CHECKING:
    from homespun.indexer.index import Index

ALL_PARTS = (*PARTS, "usages", "similar")
_TIMED = ("names", "similar", "definitions")
_QUERY_LINES_ABOVE = 20
_QUERY_LINES_BELOW = 3
_LINE_CHARS = 500
_WORD_CHARS = string.ascii_letters + string.digits + "_"
_SIMILAR_POOL = 8
_BEHIND_DOT = re.compile(r"(?:\.|::|->)\s*\w*\Z")
_CALL_CHARS = 3000  # before the cursor; a call that began earlier is no longer looked for
_MAX_SIMILAR = 2
# Share of the best possible score. On 1,025 places in 35 packages: a chunk of .25 to .3 held a line
# like the wanted one in 12 % of the cases, one of .35 to .4 in 29 %, one of .45 to .5 in 48 %.
_MIN_SIMILARITY = 0.35
_QUERY_WORDS = 24  # few words are easily found together; below this the score counts less
_MIN_SHARED = 0.2  # of the words around the cursor, in an edit elsewhere
_RECENT_BASE, _RECENT_STEP = 0.3, 0.05
_SLICE_LINES = 24  # of a similar chunk, around its most similar line
_SLICE_LEAD = 8
# The prompt shows at most about this many characters for each token of its budget.
_CHARS_PER_TOKEN = 4
_PREFIX_SHARE = 0.72
_SUFFIX_SHARE = 0.25
# Of a chunk's telling lines, how many may stand around the cursor, too.
_MAX_COPIED = 0.5
_MAX_COPIED_HERE = 0.2  # in the same file they are the same lines, moved by unsaved edits
_NEAR_CHARS = 4000  # on each side of the cursor
_MIN_TELLING_LINES = 2


@dataclass(frozen=True, slots=True)
class Gathered:
    """What retrieval found in time."""

    snippets: tuple[Snippet, ...] = ()
    late: bool = False  # the deadline cut something off
    parts_ms: Mapping[str, float] = field(default_factory=dict)  # what each part took


class Retrieves(Protocol):
    """What a completion asks for snippets."""

    def gather(
        self,
        cursor: Cursor,
        *,
        path: str,
        language: str,
        budget_tokens: int,
        deadline_ms: float,
        recent: Sequence[Edited] = (),
        cancelled: Callable[[], bool] = never,
    ) -> Gathered:
        """Return snippets for the cursor, in the order of the prompt."""


class Retriever:
    """Asks one index; keeps the files it has read."""

    def __init__(
        self,
        index: Index,
        *,
        clock: Callable[[], float] = time.perf_counter,
        parts: Collection[str] = ALL_PARTS,
    ) -> None:
        """`parts` are what may be asked, to measure what each brings."""
        self._index = index
        self._sources = SourceLines(index.root)
        self._clock = clock
        self._parts = frozenset(parts)

    def gather(
        self,
        cursor: Cursor,
        *,
        path: str,
        language: str,
        budget_tokens: int,
        deadline_ms: float,
        recent: Sequence[Edited] = (),
        cancelled: Callable[[], bool] = never,
    ) -> Gathered:
        """Return snippets for the cursor, in the order of the prompt.

        `recent` are edits in other documents, the newest first. What is cancelled is late.
        """
        times = [self._clock()]
        end = times[0] + deadline_ms / 1000
        was_late = False

        def is_late() -> bool:
            nonlocal was_late
            was_late = was_late or self._clock() > end or cancelled()
            return was_late

        request = _Request(cursor, path, language, _window(cursor, path, budget_tokens), is_late)
        files = self._files(request)
        written = BeingWritten(cursor, files.own_symbols(), path=path, language=language)
        times.append(self._clock())
        hits = [hit for hit in self._hits(request) if not written.hides_chunk(hit.path, hit.symbol)]
        times.append(self._clock())
        steady, fresh = self._definitions(request, files, hits, written)
        steady += _recent(request, recent)
        if "similar" in self._parts and not is_late():
            steady += _similar(request, hits, [*steady, *fresh])
        ordered = [*sorted(steady, key=_location), *sorted(fresh, key=_location)]
        times.append(self._clock())
        took = {part: 1000 * (b - a) for part, (a, b) in zip(_TIMED, pairwise(times), strict=True)}
        return Gathered(tuple(ordered), was_late, took)

    def _hits(self, request: _Request) -> list[Hit]:
        """Return the chunks most like the code around the cursor."""
        query, current = request.query
        if not query.strip():
            return []
        return self._index.similar(
            query,
            limit=_SIMILAR_POOL,
            exclude=[request.window] if request.path else [],
            language=request.language if has_grammar(request.language) else None,
            focus=current,
        )

    def _definitions(
        self, request: _Request, files: Files, hits: Sequence[Hit], written: BeingWritten
    ) -> tuple[list[Snippet], list[Snippet]]:
        """Return definitions for the lines above, and those that only the current line wants.

        The second come last in the block: they change while the user types the line.
        """
        found = (
            self._of_python(request, files, hits, written)
            if request.language == "python"
            else self._of_any_language(request, files, hits, written)
        )
        steady: list[Snippet] = []
        fresh: list[Snippet] = []
        for snippet, is_fresh in found:
            if not _is_copy(snippet, request.near, request.path):
                (fresh if is_fresh else steady).append(snippet)
        return steady, fresh

    def _of_any_language(
        self, request: _Request, files: Files, hits: Sequence[Hit], written: BeingWritten
    ) -> Iterator[tuple[Snippet, bool]]:
        def hidden(symbol: Symbol) -> bool:
            if written.hides(symbol):
                return True
            return overlaps(request.window, symbol.path, symbol.start_line, symbol.end_line)

        cursor = request.cursor
        lookup = Definitions(files, self._sources, cursor)
        seen = set()
        names = in_reach(cursor)
        for snippet, name in lookup.snippets(names, hidden=hidden, is_late=request.is_late):
            seen.add((snippet.path, snippet.start_line))
            yield snippet, name.on_current_line
        if _BEHIND_DOT.search(cursor.tail) or "names" not in self._parts:
            return
        beside = words_beside({hit.text: hit.score for hit in hits if hit.path != request.path})
        for need in Needs(files, cursor, beside, PythonTypes(files, ""), written).names():
            if request.is_late() or len(seen) >= BY_NEED.definitions:
                return
            found = needed(files, need, request.window)
            if found is not None and (found.path, found.start_line) not in seen:
                seen.add((found.path, found.start_line))
                yield found, need.is_fresh

    def _of_python(
        self, request: _Request, files: Files, hits: Sequence[Hit], written: BeingWritten
    ) -> Iterator[tuple[Snippet, bool]]:
        beside = words_beside({hit.text: hit.score for hit in hits if hit.path != request.path})
        seen: set[tuple[str, int]] = set()
        for need in Needs(
            files, request.cursor, beside, PythonTypes(files, request.cursor.before), written
        ).find():
            if need.part not in self._parts:
                continue
            if request.is_late() or len(seen) >= BY_NEED.definitions:
                return
            location = need.location
            if location in seen:
                continue
            snippet = needed(files, need, request.window)
            if snippet is not None:
                seen.add(location)
                yield snippet, need.is_fresh
                if need.part == "callee" and "usages" in self._parts:
                    callee = enclosing_call(request.cursor.before[-_CALL_CHARS:])
                    yield from ((usage, True) for usage in usages(files, callee))

    def _files(self, request: _Request) -> Files:
        cursor = request.cursor
        return Files(
            *beside(self._index, self._sources, request.language),
            path=request.path,
            language=request.language,
            text=cursor.before + cursor.after,
            imports=imports_of(request.path, cursor.before),
        )


@dataclass(frozen=True)
class _Request:
    cursor: Cursor
    path: str
    language: str
    window: Region
    is_late: Callable[[], bool]

    @cached_property
    def query(self) -> tuple[str, int]:
        """The code around the cursor, and the row of the cursor in it."""
        return _query(self.cursor)

    @cached_property
    def words(self) -> set[str]:
        """The split words of the query."""
        return set(split_identifiers(self.query[0]))

    @cached_property
    def near(self) -> set[str]:
        """The telling lines near the cursor."""
        return _around(self.cursor)


def _recent(request: _Request, edits: Sequence[Edited]) -> list[Snippet]:
    """Return the edits elsewhere that speak of the same things as the lines around the cursor."""
    words = request.words
    found = []
    for age, edit in enumerate(edits):
        shared = len(words & set(split_identifiers(edit.text))) / max(len(words), _QUERY_WORDS)
        snippet = Snippet(
            edit.path,
            edit.start_line,
            edit.end_line,
            edit.text,
            round(_RECENT_BASE + shared - _RECENT_STEP * age, 3),
            "recent",
        )
        if shared >= _MIN_SHARED and not _is_copy(snippet, request.near, request.path):
            found.append(snippet)
    return found


def _similar(request: _Request, hits: Sequence[Hit], taken: Sequence[Snippet]) -> list[Snippet]:
    """Return the parts of similar chunks that are like the code around the cursor."""
    words = request.words
    found: list[Snippet] = []
    certainty = min(1.0, len(words) / _QUERY_WORDS)
    for hit in hits:
        if len(found) == _MAX_SIMILAR or hit.score * certainty < _MIN_SIMILARITY:
            break
        if _is_copy(hit, request.near, request.path):
            continue
        snippet = _slice(hit, words)
        if len(_telling(snippet.text)) < _MIN_TELLING_LINES:
            continue
        known = [s for s in (*taken, *found) if s.kind in ("similar", "recent", "usage")]
        if any(overlaps(_region(s), hit.path, hit.start_line, hit.end_line) for s in known):
            continue
        found.append(snippet)
    return found


def _window(cursor: Cursor, path: str, budget_tokens: int) -> Region:
    """Return the lines of the document that the prompt may show, generously."""
    chars = budget_tokens * _CHARS_PER_TOKEN
    before = cursor.before.count("\n")
    shown_before = cursor.before[-int(chars * _PREFIX_SHARE) :].count("\n")
    shown_after = cursor.after[: int(chars * _SUFFIX_SHARE)].count("\n")
    return Region(path, before + 1 - shown_before, before + 1 + shown_after)


def _query(cursor: Cursor) -> tuple[str, int]:
    """Return the code around the cursor, without the word that is being typed, and its own row."""
    left = cursor.tail.rstrip(_WORD_CHARS)
    above = cursor.above(_QUERY_LINES_ABOVE)
    below = [line[:_LINE_CHARS] for line in cursor.after.split("\n")[1 : 1 + _QUERY_LINES_BELOW]]
    before = [line for line in (*above, left) if not IMPORT.match(line)]
    lines = [*before, *(line for line in below if not IMPORT.match(line))]
    return "\n".join(lines), len(before) - 1


def _telling(text: str) -> set[str]:
    """Return the lines that say enough to be recognised."""
    return {told for line in text.split("\n") if (told := told_by(line))}


def _around(cursor: Cursor) -> set[str]:
    """Return the telling lines near the cursor; what repeats many of them is a copy of it."""
    return _telling(cursor.before[-_NEAR_CHARS:] + cursor.after[:_NEAR_CHARS])


def _is_copy(hit: Hit | Snippet, near: set[str], path: str) -> bool:
    lines = _telling(hit.text)
    share = len(lines & near) / len(lines) if lines else 0.0
    return share > (_MAX_COPIED_HERE if hit.path == path else _MAX_COPIED)


def _slice(hit: Hit, words: set[str]) -> Snippet:
    """Return the part of a chunk that is most like the query and what follows it."""
    lines = hit.text.removesuffix("\n").split("\n")
    first = 0
    if len(lines) > _SLICE_LINES:
        likeness = [
            0 if IMPORT.match(line) else len(words & set(split_identifiers(line))) for line in lines
        ]
        sums = [
            sum(likeness[start : start + _SLICE_LEAD])
            for start in range(len(lines) - _SLICE_LINES + 1)
        ]
        first = sums.index(max(sums))
        lines = lines[first : first + _SLICE_LINES]
    return Snippet(
        path=hit.path,
        start_line=hit.start_line + first,
        end_line=hit.start_line + first + len(lines) - 1,
        text="\n".join(lines) + "\n",
        score=round(hit.score, 4),
        kind="similar",
    )


def _region(snippet: Snippet) -> Region:
    return Region(snippet.path, snippet.start_line, snippet.end_line)


def _location(snippet: Snippet) -> tuple[str, int, int]:
    return (snippet.path, snippet.start_line, snippet.end_line)
