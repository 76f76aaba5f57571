"""Which classes an annotation names, what they are derived from and what they have."""

from __future__ import annotations

from collections.abc import Iterable

from homespun.indexer.types import Symbol
from homespun.server.analysis.name_resolution import CLASSES, Files
from homespun.server.analysis.python.outline import (
    Class,
    logical_line,
    read_class,
    split_once,
    split_top,
)
from homespun.server.analysis.python.text import generic, unquoted

_MAX_DEPTH = 12  # of one annotation inside another
_MAX_BASES = 12
_WRAPPERS = frozenset(
    """Optional Union Annotated Final ClassVar Required NotRequired Awaitable Coroutine ReadOnly
    InitVar Mapped""".split()
)


class Annotations:
    """Reads annotations of a repository's files; the classes that were read are remembered."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self._classes: dict[tuple[str, int], Class | None] = {}

    def classes(self, text: str, path: str, *, depth: int = 0) -> list[Symbol]:
        """Return the classes that an annotation in a file names."""
        text = unquoted(text)
        if depth > _MAX_DEPTH or not text:
            return []
        parts = split_top(text, "|")
        if len(parts) > 1:
            return [s for part in parts for s in self.classes(part, path, depth=depth + 1)]
        head, arguments = generic(text)
        last = head.rpartition(".")[2]
        if last in _WRAPPERS and arguments:
            used = arguments[-1:] if last == "Coroutine" else arguments
            used = used[:1] if last == "Annotated" else used
            return [s for part in used for s in self.classes(part, path, depth=depth + 1)]
        if last in ("type", "Type") and arguments:
            return self.classes(arguments[0], path, depth=depth + 1)
        meant = self._files.dotted(path, head)
        if not isinstance(meant, Symbol):
            return []
        if meant.kind in CLASSES and meant.signature.startswith("class"):
            return [meant]
        if meant.kind in ("function", "method"):
            return []
        return self._aliased(meant, depth + 1)

    def with_bases(self, classes: Iterable[Symbol]) -> list[Symbol]:
        """Return classes and what they are derived from, nearest first."""
        found: list[Symbol] = []
        queue = list(classes)
        while queue and len(found) < _MAX_BASES:
            symbol = queue.pop(0)
            if any((s.path, s.start_line) == (symbol.path, symbol.start_line) for s in found):
                continue
            found.append(symbol)
            read = self.read(symbol)
            for base in read.bases if read else ():
                queue += self.classes(base.split("[")[0], symbol.path, depth=1)
        return found

    def read(self, symbol: Symbol) -> Class | None:
        """Return a class's own members; None where its lines cannot be read."""
        key = (symbol.path, symbol.start_line)
        if key not in self._classes:
            lines = self._files.lines(symbol.path)
            self._classes[key] = read_class(lines, symbol.start_line - 1) if lines else None
        return self._classes[key]

    def _aliased(self, symbol: Symbol, depth: int) -> list[Symbol]:
        """Read `Alias = A | B`, `type Alias = A`, `T = TypeVar("T", bound=A)`."""
        lines = self._files.lines(symbol.path)
        if not 0 < symbol.start_line <= len(lines):
            return []
        text, _ = logical_line(lines, symbol.start_line - 1)
        value = split_once(text, "=")[2].strip()
        callee, bracket, arguments = value.partition("(")
        if callee.rpartition(".")[2] == "TypeVar":
            bound = [p for p in split_top(arguments.rstrip(")")) if p.strip().startswith("bound=")]
            value = bound[0].partition("=")[2] if bound else ""
        elif callee.rpartition(".")[2] == "NewType":
            value = split_top(arguments.rstrip(")"))[-1]
        elif bracket:
            return []
        return self.classes(value, symbol.path, depth=depth)
