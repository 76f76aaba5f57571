"""What names mean in the files of a repository, the document in the editor among them.

The document is read as it stands in the editor; of the other files the index knows definitions and
imports, and their lines come from the disk, secrets masked.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from homespun.indexer.types import Import, Symbol

CLASSES = frozenset("class interface struct enum trait object type".split())
_MAX_HOPS = 6  # re-exports of re-exports
_DEFINITION = re.compile(
    r"^(?P<indent>[ \t]*)(?:async[ \t]+)?(?P<what>def|class)[ \t]+(?P<name>\w+)"
    r"|^(?P<variable>[A-Za-z_]\w*)[ \t]*(?::[^=\n]+)?=(?!=)",
    re.MULTILINE,
)


class KnowsNames(Protocol):
    """What is asked of an index, or of one with its siblings beside it."""

    def resolve_import(self, path: str, imported: Import) -> str | None:
        """Return the file that an import of the file `path` means, if any."""

    def definitions(self, name: str) -> list[Symbol]:
        """Return definitions of a name."""

    def symbols_in(self, path: str) -> list[Symbol]:
        """Return the definitions in a file, in order."""

    def imports(self, path: str) -> list[Import]:
        """Return the imports of a file, in order."""

    def calls_of(self, name: str) -> list[tuple[str, int]]:
        """Return (path, 1-based line) of each call of a name."""


class ReadsLines(Protocol):
    """Gives the lines of files, without their secrets."""

    def lines(self, path: str, first: int, last: int) -> list[str]:
        """Return lines `first` to `last` (1-based, inclusive); none where they cannot be read."""


@dataclass(frozen=True, slots=True)
class Module:
    """A file, as a name that an import binds."""

    path: str


class Files:
    """Imports, definitions and lines of all files; made for one request."""

    def __init__(
        self,
        index: KnowsNames,
        sources: ReadsLines,
        *,
        path: str,
        language: str,
        text: str,
        imports: Sequence[Import],
    ) -> None:
        """Begin; `imports` are the document's, as they stand in the editor."""
        self.index = index
        self.path = path
        self.language = language
        self.imports = imports
        self._sources = sources
        self._text = text
        self._lines: list[str] | None = None
        self._own: list[Symbol] | None = None
        self._top_level: dict[str, dict[str, Symbol]] = {}

    def lines(self, path: str) -> list[str]:
        """Return the lines of a file, the document's from the editor."""
        if path != self.path:
            return self._sources.lines(path, 1, 10**9)
        if self._lines is None:
            self._lines = self._text.split("\n")
        return self._lines

    def imports_in(self, path: str) -> Sequence[Import]:
        """Return the imports of a file."""
        return self.imports if path == self.path else self.index.imports(path)

    def top_level(self, path: str) -> dict[str, Symbol]:
        """Return what a file defines outside of classes and functions, by name."""
        if path not in self._top_level:
            symbols = self.symbols_in(path)
            # The first definition counts: of overloads and alternatives it is as good as any.
            self._top_level[path] = {s.name: s for s in reversed(symbols) if "." not in s.qualified}
        return self._top_level[path]

    def symbols_in(self, path: str) -> list[Symbol]:
        """Return the definitions in a file, those of the document as it stands in the editor."""
        return self.own_symbols() if path == self.path else self.index.symbols_in(path)

    def parent(self, symbol: Symbol) -> Symbol | None:
        """Return the class that a definition belongs to."""
        owner = symbol.qualified.rpartition(".")[0]
        if not owner:
            return None
        return next((s for s in self.symbols_in(symbol.path) if s.qualified == owner), None)

    def own_symbols(self) -> list[Symbol]:
        """Return what the document defines, by its indentation (Python only)."""
        if self._own is None:
            self._own = (
                _outlined(self._text, self.path)
                if self.language == "python"
                else [*self.index.symbols_in(self.path)]
            )
        return self._own

    def module_of(self, path: str, imported: Import) -> str | None:
        """Return the file that an import of the file `path` means, if any."""
        found = self.index.resolve_import(path, imported)
        if found is None:
            found = self._front_door(path, imported)
            return found if found != path else None
        return found

    def _front_door(self, path: str, imported: Import) -> str | None:
        """`import acme` where the folder acme lies below any other one."""
        module = imported.module
        if imported.name or self.language != "python" or not module.isidentifier():
            return None
        return self.index.resolve_import(path, Import(module, "__init__", module, imported.line))

    def meaning(self, path: str, name: str, *, hops: int = 0) -> Symbol | Module | None:
        """Return what a plain name of a file's top level means, through imports and re-exports."""
        if hops > _MAX_HOPS:
            return None
        symbol = self.top_level(path).get(name)
        if symbol is not None:
            return symbol
        stars = []
        for imported in self.imports_in(path):
            if (imported.alias or imported.name) == name and imported.name != "*":
                found = self.imported(path, imported, hops=hops)
                if found is not None:
                    return found
            elif imported.name == "*":
                stars.append(imported)
        for imported in stars:
            module = self.module_of(path, imported)
            if module is not None and module != path:
                found = self.meaning(module, name, hops=hops + 1)
                if found is not None:
                    return found
        return None

    def imported(self, path: str, imported: Import, *, hops: int = 0) -> Symbol | Module | None:
        """Return what an import binds."""
        module = self.module_of(path, imported)
        if module is None:
            return None
        if not imported.name or self._is_submodule(module, imported):
            return Module(module)
        if module == path:
            return None
        name = imported.alias if imported.name == "default" else imported.name
        return self.meaning(module, name, hops=hops + 1) or self._below(module, imported)

    def _is_submodule(self, module: str, imported: Import) -> bool:
        """`from . import errors` means the file errors.py, or the folder errors."""
        *folders, name = module.split("/")
        stem = name.partition(".")[0]
        if stem in ("__init__", "index", "mod"):
            last = imported.module.lstrip(".").rpartition(".")[2]
            return bool(folders) and folders[-1] == imported.name != last
        return stem == imported.name and imported.module.rpartition(".")[2] != imported.name

    def _below(self, module: str, imported: Import) -> Symbol | None:
        """Look below a package's front door: what it gives on in ways that are not read."""
        folder, _, name = module.rpartition("/")
        if name.endswith(".py") and not name.startswith("__init__"):
            return None
        if name.endswith(".pyi"):
            return None
        inside = f"{folder}/" if folder else ""
        found = [
            symbol
            for symbol in self.index.definitions(imported.name)
            if symbol.name == imported.name
            and "." not in symbol.qualified
            and symbol.path.startswith(inside)
        ]
        return found[0] if found else None

    def dotted(self, path: str, name: str) -> Symbol | Module | None:
        """Return what `a.b.C` means in a file; also where `import a.b` binds two parts."""
        first, *rest = name.split(".")
        found = self.meaning(path, first)
        if found is None and rest:
            found, rest = self._long_import(path, name)
        for part in rest:
            if isinstance(found, Module):
                found = self.member_of_module(found.path, part)
            elif isinstance(found, Symbol) and found.kind in CLASSES:
                found = self.inner(found, part)
            else:
                return None
        return found

    def _long_import(self, path: str, name: str) -> tuple[Symbol | Module | None, list[str]]:
        for imported in self.imports_in(path):
            bound = imported.alias or imported.module
            if not imported.name and "." in bound and name.startswith(bound + "."):
                return self.imported(path, imported), name[len(bound) + 1 :].split(".")
        return None, []

    def member_of_module(self, path: str, name: str) -> Symbol | Module | None:
        """Return what `module.name` means."""
        return self.meaning(path, name) or self._module_below(path, name)

    def _module_below(self, path: str, name: str) -> Module | None:
        folder, _, file = path.rpartition("/")
        if not file.startswith("__init__."):
            return None
        found = self.module_of(path, Import(".", name, name, 0))
        return Module(found) if found and found.startswith(f"{folder}/{name}") else None

    def inner(self, owner: Symbol, name: str) -> Symbol | None:
        """Return what a class defines under a name, of its own."""
        wanted = f"{owner.qualified}.{name}"
        return next((s for s in self.symbols_in(owner.path) if s.qualified == wanted), None)


def _outlined(text: str, path: str) -> list[Symbol]:
    """Read the definitions of a Python text by their indentation, whether it parses or not."""
    found: list[Symbol] = []
    scopes: list[tuple[int, str]] = []
    row, start = 0, 0
    for match in _DEFINITION.finditer(text):
        row += text.count("\n", start, match.start())
        start = match.start()
        if match["variable"]:
            scopes = []
            name, kind, columns = match["variable"], "variable", 0
        else:
            columns = len(match["indent"])
            name = match["name"]
            kind = "class" if match["what"] == "class" else "function"
        while scopes and scopes[-1][0] >= columns:
            scopes.pop()
        qualified = ".".join([*(name for _, name in scopes), name])
        end = text.find("\n", match.end())
        head = text[match.start() : end if end >= 0 else len(text)].strip().rstrip(":")
        found.append(
            Symbol(name, qualified, kind, path, "python", row + 1, row + 1, head[:200], "")
        )
        if kind != "variable":
            scopes.append((columns, name))
    return found
