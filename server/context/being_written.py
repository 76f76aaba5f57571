"""What is being written is no candidate: a function is not shown to its own body.

Once a file is saved the index knows the function around the cursor, and its name is the likeliest
of all where code like its head is. Where the body calls it already, the code is recursive and it
may be called again.
"""

from __future__ import annotations

from collections.abc import Iterable

from homespun.indexer.types import Symbol
from homespun.server.analysis.enclosing import written_functions
from homespun.server.prompt.cursor import Cursor

_CALLABLES = frozenset({"function", "method", "constructor", "macro"})
# A declaration in another file says what the head at the cursor says.
_DECLARED_ELSEWHERE = frozenset({"c", "cpp"})


class BeingWritten:
    """The functions around one cursor that do not call themselves."""

    def __init__(
        self, cursor: Cursor, symbols: Iterable[Symbol], *, path: str, language: str
    ) -> None:
        """`symbols` are the document's, by the index or by its text; `path` is its own."""
        self._path = path
        self._language = language
        known: dict[str, list[Symbol]] = {}
        for symbol in symbols:
            if symbol.kind in _CALLABLES:
                known.setdefault(symbol.name, []).append(symbol)
        self._names: set[str] = set()
        self._qualified: set[str] = set()
        for function in written_functions(cursor, known, language=language):
            if not function.calls_itself(language):
                # The index may be some lines behind: the nearest of those with the name is it.
                same = known[function.name]
                nearest = min(same, key=lambda symbol: abs(symbol.start_line - function.line))
                self._names.add(function.name)
                self._qualified.add(nearest.qualified)

    def hides(self, symbol: Symbol) -> bool:
        """Say whether a definition is one of them, wherever the index believes it to stand."""
        if symbol.kind not in _CALLABLES:
            return False
        if symbol.path == self._path:
            return symbol.qualified in self._qualified
        return self._language in _DECLARED_ELSEWHERE and symbol.name in self._names

    def hides_member(self, owner: Symbol, name: str) -> bool:
        """Say whether a class's member is one of them."""
        return owner.path == self._path and f"{owner.qualified}.{name}" in self._qualified

    def hides_chunk(self, path: str, symbol: str) -> bool:
        """Say whether a chunk is one of them, as it was when the file was saved."""
        return path == self._path and symbol in self._qualified
