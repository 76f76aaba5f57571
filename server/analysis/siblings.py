"""The repository with its siblings beside it: what an import of another repository's package means.

One's own files come first. Of a sibling only a pack is here: definitions, without their bodies
(unless they were published). So that all that reads Python files can read one of a sibling's, its
definitions are written at their lines with nothing between them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from homespun.indexer.packs.definition import ATTRIBUTE, FIELD, FILE, IMPORT, PackRow
from homespun.indexer.packs.members import closed
from homespun.indexer.packs.modules import is_named_so
from homespun.indexer.packs.pack import Pack
from homespun.indexer.packs.siblings import Siblings
from homespun.indexer.types import Import, Symbol
from homespun.server.analysis.name_resolution import KnowsNames, ReadsLines

if TYPE_CHECKING:
    from homespun.indexer.index import Index

_MEMBERS = (FIELD, ATTRIBUTE)
_MAX_LINES = 100_000  # of a file that is written anew


def beside(index: Index, sources: ReadsLines, language: str) -> tuple[KnowsNames, ReadsLines]:
    """Return what knows names and lines for a document: with the siblings, where there are any."""
    if language != "python" or not index.siblings.packs:
        return index, sources
    both = WithSiblings(index, index.siblings, sources)
    return both, both


class WithSiblings:
    """An index and the packs beside it, as one; made for one request."""

    def __init__(self, index: KnowsNames, siblings: Siblings, sources: ReadsLines) -> None:
        self._index = index
        self._siblings = siblings
        self._sources = sources
        self._written: dict[str, list[str]] = {}

    def resolve_import(self, path: str, imported: Import) -> str | None:
        """Return the file that an import means, one's own before a sibling's."""
        found = self._siblings.pack_of(path)
        if found is not None:
            return self._within(*found, imported)
        own = self._index.resolve_import(path, imported)
        module, name = imported.module, imported.name
        if module.startswith(".") or (own is not None and is_named_so(own, module, name)):
            return own
        # A path of one's own that only ends alike is a guess; a sibling's module is none.
        return self._siblings.file_of(module, name) or own

    def definitions(self, name: str) -> list[Symbol]:
        """Return definitions of a name; those of siblings only where there is none of one's own."""
        own = self._index.definitions(name)
        if own:
            return own
        return [
            _symbol(row, pack.called(row.path))
            for pack in self._siblings.packs
            for row in pack.named(name)
            if row.kind not in _MEMBERS
        ]

    def symbols_in(self, path: str) -> list[Symbol]:
        """Return the definitions in a file, in order."""
        rows = self._rows(path)
        if rows is None:
            return self._index.symbols_in(path)
        hidden = (FILE, IMPORT, *_MEMBERS)
        return [_symbol(row, path) for row in rows if row.kind not in hidden]

    def imports(self, path: str) -> list[Import]:
        """Return the imports of a file, in order."""
        rows = self._rows(path)
        if rows is None:
            return self._index.imports(path)
        imports = [row for row in rows if row.kind == IMPORT]
        return [Import(row.signature, row.qualified, row.name, row.start_line) for row in imports]

    def calls_of(self, name: str) -> list[tuple[str, int]]:
        """Return calls of a name in one's own files."""
        return self._index.calls_of(name)

    def lines(self, path: str, first: int, last: int) -> list[str]:
        """Return lines of a file, 1-based and inclusive; a sibling's as its definitions tell."""
        rows = self._rows(path)
        if rows is None:
            return self._sources.lines(path, first, last)
        if path not in self._written:
            self._written[path] = _written(rows)
        return self._written[path][first - 1 : last]

    def _within(self, pack: Pack, path: str, imported: Import) -> str | None:
        """Resolve an import of a sibling's file: in its own pack, else in another one."""
        module, name = imported.module, imported.name
        if not module.startswith("."):
            found = pack.file_of(module, name)
            return pack.called(found) if found else self._siblings.file_of(module, name)
        inner = module.lstrip(".")
        up = len(module) - len(inner)
        is_door = path.rpartition("/")[2].startswith("__init__.")
        package = pack.module_of(path).split(".")
        package = package[: len(package) - up + is_door]
        whole = ".".join([*package, *([inner] if inner else [])])
        found = pack.file_of(whole, name) if whole else None
        return pack.called(found) if found else None

    def _rows(self, path: str) -> tuple[PackRow, ...] | None:
        found = self._siblings.pack_of(path)
        return None if found is None else found[0].rows_in(found[1])


def _symbol(row: PackRow, path: str) -> Symbol:
    return Symbol(
        name=row.name,
        qualified=row.qualified,
        kind=row.kind,
        path=path,
        language="python",
        start_line=row.start_line,
        end_line=row.end_line,
        signature=row.signature,
        doc=row.doc,
    )


def _written(rows: tuple[PackRow, ...]) -> list[str]:
    """Return the lines of a file of which only definitions are known; the others are empty."""
    lines: dict[int, str] = {}
    for row in rows:
        for number, text in enumerate(_shown(row), start=row.start_line):
            lines.setdefault(number, text)
    last = min(max(lines, default=0), _MAX_LINES)
    return [lines.get(number, "") for number in range(1, last + 1)]


def _shown(row: PackRow) -> list[str]:
    """Return a definition's lines: all of them, where its body is known, else its head."""
    if row.body:
        return row.body.split("\n")
    if row.kind in (FILE, IMPORT):
        return []
    depth = row.qualified.count(".") + (row.kind == ATTRIBUTE)
    head = closed(row.signature).replace('"""', '""').replace("'''", "''")
    if head.startswith(("class ", "def ", "async def ")):
        head += ":"
    lead = [f"@{name}" for name in row.lead.split()[:1]]
    return [f"{'    ' * depth}{line}" for line in (*lead, head)]
