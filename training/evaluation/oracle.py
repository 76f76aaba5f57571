"""What retrieval could give at best: the definition and a call of every name that is missing.

An arm with this context says what knowledge alone would mend; what is still wrong is style, intent
or stopping. Only names that the repository defines count: the standard library is nobody's secret.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import PurePosixPath

from homespun.indexer.index import Index
from homespun.indexer.types import Symbol
from homespun.progress import never
from homespun.server.analysis.name_resolution import Files, KnowsNames
from homespun.server.analysis.source_lines import SourceLines
from homespun.server.context.definitions import imports_of
from homespun.server.context.retriever import Gathered, Retriever
from homespun.server.context.snippet_text import definition
from homespun.server.context.usages import usages
from homespun.server.prompt.cursor import Cursor
from homespun.server.prompt.render import Snippet
from homespun.server.types import Edited
from homespun.training.evaluation.items import names_of

_SCORE = 9.0  # before everything that the retriever found by itself
_MAX_NAMES = 6
_CHARS_BEFORE, _CHARS_AFTER = 2800, 900  # what a prompt of 1,024 tokens shows of the document
_WORD = re.compile(r"\w+")


def missing_names(middle: str, shown: str, index: Index) -> list[str]:
    """Return the names in a hole that the repository defines and the shown text does not have."""
    words = set(_WORD.findall(shown))
    return [name for name in names_of(middle) if name not in words and _defined(index, name)]


class OracleRetriever:
    """The production retriever, and on top of it what the hole needs and nothing shows."""

    def __init__(self, retriever: Retriever, index: Index, middle: str) -> None:
        """`middle` is the wanted text: only an oracle knows it."""
        self._retriever = retriever
        self._index = index
        self._middle = middle

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
        """Return what the retriever finds, with the missing definitions before it."""
        found = self._retriever.gather(
            cursor,
            path=path,
            language=language,
            budget_tokens=budget_tokens,
            deadline_ms=deadline_ms,
            recent=recent,
            cancelled=cancelled,
        )
        near = cursor.before[-_CHARS_BEFORE:] + cursor.after[:_CHARS_AFTER]
        shown = "\n".join([near, *(snippet.text for snippet in found.snippets)])
        names = missing_names(self._middle, shown, self._index)[:_MAX_NAMES]
        if not names:
            return found
        files = Files(
            self._index,
            SourceLines(self._index.root),
            path=path,
            language=language,
            text=cursor.before + cursor.after,
            imports=imports_of(path, cursor.before),
        )
        needed = [snippet for name in names for snippet in _needed(files, name)]
        return Gathered((*_once(needed), *found.snippets))


def _defined(index: KnowsNames, name: str) -> list[Symbol]:
    return [symbol for symbol in index.definitions(name) if symbol.name == name]


def _needed(files: Files, name: str) -> Iterable[Snippet]:
    found = [symbol for symbol in _defined(files.index, name) if symbol.path != files.path]
    if not found:
        return
    symbol = min(found, key=lambda s: (_distance(files.path, s.path), s.path, s.start_line))
    text = definition(files, symbol, body=True)
    lines = (symbol.start_line, symbol.end_line)
    yield Snippet(symbol.path, *lines, text, _SCORE, "definition")
    for usage in list(usages(files, name))[:1]:
        yield replace(usage, score=_SCORE - 1)


def _once(snippets: Iterable[Snippet]) -> list[Snippet]:
    places: dict[tuple[str, int], Snippet] = {}
    for snippet in snippets:
        places.setdefault((snippet.path, snippet.start_line), snippet)
    return [places[place] for place in sorted(places)]


def _distance(ours: str, theirs: str) -> int:
    """Return how many folders lie between two files."""
    mine, other = PurePosixPath(ours).parts[:-1], PurePosixPath(theirs).parts[:-1]
    shared = 0
    for one, two in zip(mine, other, strict=False):
        if one != two:
            break
        shared += 1
    return len(mine) + len(other) - 2 * shared
