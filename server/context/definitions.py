"""Names in reach -> the definitions that they mean, as snippets: signatures, members, short bodies.

A name counts only when the repository says what it means: through an import of this file, in this
file itself, or because only one thing is called so. A guess would be a distractor.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property, lru_cache

from homespun.indexer.config import IndexConfig
from homespun.indexer.syntax.parse import parse_file
from homespun.indexer.types import Import, Skipped, Symbol
from homespun.server.analysis.name_resolution import CLASSES, Files
from homespun.server.analysis.names_in_reach import Name
from homespun.server.analysis.source_lines import SourceLines
from homespun.server.context.limits import BY_NAME
from homespun.server.context.next_name import NameCandidate, NameEvidence
from homespun.server.context.next_name_weights import MEMBERS
from homespun.server.context.snippet_text import head, is_short, shortened
from homespun.server.prompt.cursor import Cursor
from homespun.server.prompt.render import Snippet

_MIN_WEIGHT = 1.6  # of a name: what stands further away crowds out the code at the cursor
_TELLING_CHARS = 5
_IMPORT_LINES = 400  # of a file's head are looked at
_CALLABLES = frozenset({"function", "method"})
# Languages in which a plain name may mean a definition of another file without an import.
_OPEN_SCOPE = frozenset("c cpp csharp go java kotlin php ruby rust scala".split())
_IMPORT_LINE = re.compile(
    r"^\s*(?:import|from|use|using|require|include|export|package|#\s*include|const|let|var|mod)\b"
)
_GENERATED = re.compile(r"\s*(?:#|//|/?\*).*(?:generated|do not edit)", re.IGNORECASE)
_RETURNED = re.compile(r"(?:->|\)\s*:)\s*[\"']?(?:Optional\[|Promise<|Result<)?([A-Z]\w*)")


class Definitions:
    """Looks names of one document up."""

    def __init__(self, files: Files, sources: SourceLines, cursor: Cursor) -> None:
        """Begin; `sources` gives the lines as they are on the disk, where the index read them."""
        self._files = files
        self._index = files.index
        self._sources = sources
        self._path = files.path
        self._language = files.language
        self._cursor = cursor
        self._imports = {
            bound: imported
            for imported in files.imports
            if (bound := imported.alias or imported.name)
        }

    @cached_property
    def _evidence(self) -> NameEvidence:
        return NameEvidence(self._cursor)

    def snippets(
        self,
        names: Sequence[Name],
        *,
        hidden: Callable[[Symbol], bool],
        is_late: Callable[[], bool],
    ) -> Iterator[tuple[Snippet, Name]]:
        """Yield the definitions of the weightiest names, best first; `hidden` ones are left out."""
        seen: set[tuple[str, int]] = set()
        for name in names:
            full = len(seen) >= BY_NAME.definitions
            if full or name.weight < _MIN_WEIGHT or is_late():
                return
            for symbol, with_members in self._meant(name):
                location = (symbol.path, symbol.start_line)
                if location in seen or hidden(symbol):
                    continue
                seen.add(location)
                text = self._shown(symbol, with_members=with_members)
                yield (
                    Snippet(
                        path=symbol.path,
                        start_line=symbol.start_line,
                        end_line=symbol.end_line,
                        text=text,
                        score=round(name.weight, 3),
                        kind="definition",
                    ),
                    name,
                )

    def _meant(self, name: Name) -> list[tuple[Symbol, bool]]:
        """Return what a name means, with whether its members matter."""
        if name.is_type:
            return self._type_meant(name.text)
        if name.owner:
            return [(symbol, False) for symbol in self._member(name)]
        return [(symbol, False) for symbol in self._plain(name.text)]

    def _type_meant(self, text: str) -> list[tuple[Symbol, bool]]:
        """Return the class, also through what a function returns: `x = connect()` is a Client."""
        owner, _, last = text.replace("::", ".").rpartition(".")
        found = self._of_module(owner, last) if owner in self._imports else self._plain(last)
        classes = [(symbol, True) for symbol in found if symbol.kind in CLASSES]
        if classes or not found:
            return classes
        returned = _RETURNED.search(found[0].signature)
        if returned is None:
            return []
        near = [s for s in self._exact(returned[1]) if s.path == found[0].path]
        chosen = near or self._only(self._exact(returned[1]))
        return [(symbol, True) for symbol in chosen if symbol.kind in CLASSES]

    def _plain(self, text: str) -> list[Symbol]:
        imported = self._imports.get(text)
        if imported is not None:
            return self._imported(imported)
        found = self._exact(text)
        here = [symbol for symbol in found if symbol.path == self._path]
        if here:
            return here[:1]
        top_level = [symbol for symbol in found if "." not in symbol.qualified]
        return self._only(top_level) if self._language in _OPEN_SCOPE else []

    def _member(self, name: Name) -> list[Symbol]:
        """Return what `owner.name` means: of a module, or if only one thing is called so."""
        if name.owner in self._imports:
            return self._of_module(name.owner, name.text)
        if name.owner.partition(".")[0] in self._imports or len(name.text) < _TELLING_CHARS:
            return []  # `os.path.join`; "get" means nothing by itself
        found = [s for s in self._exact(name.text) if s.kind in _CALLABLES]
        return self._only(found)

    def _of_module(self, module: str, text: str) -> list[Symbol]:
        imported = self._imports[module]
        path = self._index.resolve_import(self._path, imported)
        if path is None:
            return []
        return _near(self._exact(text), path)[:1]

    def _imported(self, imported: Import) -> list[Symbol]:
        if not imported.name or imported.name == "*":
            return []
        path = self._index.resolve_import(self._path, imported)
        if path is None:
            return []  # of another package
        found = [s for s in self._exact(imported.name) if "." not in s.qualified]
        return _near(found, path)[:1]

    def _exact(self, text: str) -> list[Symbol]:
        return [symbol for symbol in self._index.definitions(text) if symbol.name == text]

    def _only(self, found: list[Symbol]) -> list[Symbol]:
        same = [symbol for symbol in found if symbol.language == self._language] or found
        return same if len(same) == 1 else []

    def _shown(self, symbol: Symbol, *, with_members: bool) -> str:
        is_class = symbol.kind in CLASSES
        parent = self._files.parent(symbol)
        if is_short(symbol, BY_NAME):
            lines = self._sources.lines(symbol.path, symbol.start_line, symbol.end_line)
            if lines and any(symbol.name in line for line in lines):
                lead = head(parent.signature, self._language, 0) if parent else []
                return "\n".join([*lead, *lines]) + "\n"
        shown = head(parent.signature, self._language, 0) if parent else []
        depth = 4 if parent else 0
        shown += head(symbol.signature, self._language, depth, doc=symbol.doc, body=is_class)
        if is_class:
            shown += self._members(symbol, depth + 4)
        return "\n".join(shown) + "\n"

    def _members(self, symbol: Symbol, depth: int) -> list[str]:
        lead = f"{symbol.qualified}."
        members = [
            member
            for member in self._index.symbols_in(symbol.path)
            if member.qualified.startswith(lead) and "." not in member.qualified[len(lead) :]
        ]
        public = [member for member in members if not member.name.startswith("_")]
        if len(public) > BY_NAME.members:
            candidates = [NameCandidate(m.name, _member_kind(m)) for m in public]
            odds = self._evidence.probabilities(candidates, MEMBERS)
            best = sorted(range(len(public)), key=lambda n: (-odds[n], n))[: BY_NAME.members]
            public = [public[number] for number in sorted(best)]
        shown: list[str] = []
        for member in public:
            shown += head(shortened(member.signature), self._language, depth)
        return shown


def _member_kind(symbol: Symbol) -> str:
    return "method" if symbol.kind in _CALLABLES else "field"


def imports_of(path: str, text: str) -> tuple[Import, ...]:
    """Return the imports of the text as it stands in the editor, saved or not."""
    lines = text.split("\n", _IMPORT_LINES)[:_IMPORT_LINES]
    # The indexer passes over generated files; whoever edits one is completed all the same.
    lines = ["" if _GENERATED.match(line) else line for line in lines]
    last = max((n for n, line in enumerate(lines) if _IMPORT_LINE.match(line)), default=-1)
    # An import over several lines ends a little further down.
    return _parsed_imports(path, "\n".join(lines[: last + 12])) if last >= 0 else ()


@lru_cache(maxsize=64)
def _parsed_imports(path: str, head: str) -> tuple[Import, ...]:
    parsed = parse_file(path, head.encode("utf-8", "replace"), IndexConfig())
    return () if isinstance(parsed, Skipped) else parsed.imports


def _near(found: Sequence[Symbol], path: str) -> list[Symbol]:
    """Keep what is defined in a file, or below its folder when it is a package's front door."""
    exact = [symbol for symbol in found if symbol.path == path]
    if exact:
        return exact
    folder, _, name = path.rpartition("/")
    is_door = name.startswith(("__init__.", "index.", "mod.", "lib.")) or not name.endswith(".py")
    return [s for s in found if is_door and s.path.startswith(f"{folder}/" if folder else "")]
