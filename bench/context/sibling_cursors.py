"""Cursors right before a name of another package: where it is defined is read from the sources.

The truth is not the product's: imports are followed by Python's own `ast`, through re-exports, to
the statement that defines the name. What cannot be followed is no cursor.
"""

from __future__ import annotations

import ast
import random
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bench.context.cursors import STATES, NameCursor, cut, outer_functions

_MAX_HOPS = 8
_ASIDE = re.compile(r"(?:^|/)(?:tests?|docs\w*|examples?|benchmarks|scripts|fuzz)/|setup\.py$")


@dataclass
class Sources:
    """The Python files of one package, by the module that each one is."""

    name: str
    root: Path
    top: str  # the folder that others import, below the root: "src/anyio"
    files: dict[str, str] = field(default_factory=dict)  # module -> path below the root
    trees: dict[str, ast.Module] = field(default_factory=dict)

    @classmethod
    def read(cls, name: str, root: Path, top: str) -> Sources:
        """Parse every file of the package."""
        found = cls(name, root, top)
        package = top.rpartition("/")[2]
        for file in sorted((root / top).rglob("*.py")):
            path = file.relative_to(root).as_posix()
            inside = path.removeprefix(top).removesuffix(".py").removesuffix("/__init__")
            module = package + inside.replace("/", ".")
            try:
                found.trees[module] = ast.parse(file.read_text(encoding="utf-8"))
            except (SyntaxError, UnicodeDecodeError):
                continue
            found.files[module] = path
        return found

    def defined(self, module: str, name: str, *, hops: int = 0) -> tuple[str, int] | None:
        """Return (path, line) of what a module's name means; None where that is not read."""
        if hops > _MAX_HOPS or module not in self.trees:
            return None
        starred = []
        for node in _statements(self.trees[module].body):
            if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                if node.name == name:
                    return self.files[module], node.lineno
            elif isinstance(node, ast.Assign | ast.AnnAssign):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                if any(isinstance(t, ast.Name) and t.id == name for t in targets):
                    return self.files[module], node.lineno
            elif isinstance(node, ast.ImportFrom):
                origin = self.absolute(module, node)
                for alias in node.names:
                    if alias.name == "*":
                        starred.append(origin)
                    elif (alias.asname or alias.name) == name:
                        return self.defined(origin, alias.name, hops=hops + 1)
        found = (self.defined(origin, name, hops=hops + 1) for origin in starred)
        return next((place for place in found if place), None)

    def absolute(self, module: str, node: ast.ImportFrom) -> str:
        """Return the module that a `from … import` in a module names."""
        if not node.level:
            return node.module or ""
        parts = module.split(".")
        is_door = self.files[module].endswith("__init__.py")
        kept = parts[: len(parts) - node.level + is_door]
        return ".".join([*kept, *([node.module] if node.module else [])])


def _statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    for node in body:
        yield node
        if isinstance(node, ast.If):
            yield from _statements([*node.body, *node.orelse])
        elif isinstance(node, ast.Try):
            yield from _statements([*node.body, *node.orelse])


def cursors_of(
    sources: Sources, others: Mapping[str, Sources], *, most: int, seed: int
) -> list[NameCursor]:
    """Return cursors in both states before names of `others` (by their first module's name)."""
    found = [place for module in sources.files for place in _uses(sources, module, others)]
    random.Random(seed).shuffle(found)
    return [cursor for place in sorted(found[:most]) for cursor in _cursors(sources, *place)]


def _uses(
    sources: Sources, module: str, others: Mapping[str, Sources]
) -> Iterator[tuple[str, int, int, str, str, str, int]]:
    path = sources.files[module]
    if _ASIDE.search(path):
        return
    names: dict[str, tuple[str, str]] = {}
    modules: dict[str, str] = {}
    for node in ast.walk(sources.trees[module]):
        if isinstance(node, ast.ImportFrom) and not node.level:
            for alias in node.names:
                names[alias.asname or alias.name] = (node.module or "", alias.name)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.asname or "." not in alias.name:
                    modules[alias.asname or alias.name] = alias.name
    lines = (sources.root / path).read_text(encoding="utf-8").split("\n")
    for node in ast.walk(sources.trees[module]):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in names:
            origin, name = names[node.id]
            column, shown = node.col_offset, node.id
        elif (
            isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and node.value.id in modules
        ):
            origin, name, shown = modules[node.value.id], node.attr, node.attr
            column = (node.end_col_offset or 0) - len(name)
        else:
            continue
        owner = others.get(origin.partition(".")[0])
        place = owner.defined(origin, name) if owner else None
        line = node.end_lineno if isinstance(node, ast.Attribute) else node.lineno
        if owner is None or place is None or not lines[(line or 1) - 1].isascii():
            continue
        yield (path, line or 1, column, shown, owner.name, *place)


def _cursors(
    sources: Sources, path: str, line: int, column: int, name: str, owner: str, *place: object
) -> Iterator[NameCursor]:
    text = (sources.root / path).read_text(encoding="utf-8")
    needs_path, needs_line = place
    for state in STATES:
        before, rest, after = cut(text, line, column, state, outer_functions(text))
        yield NameCursor(
            package=sources.name, path=path, line=line, column=column, name=name, how=owner,
            needs_path=str(needs_path), needs_line=int(str(needs_line)), state=state,
            group="sibling", before=before, after=after, rest=rest,
        )  # fmt: skip
