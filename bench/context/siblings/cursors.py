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
            if _defines(node, name):
                return self.files[module], node.lineno
            if isinstance(node, ast.ImportFrom):
                origin = self.absolute(module, node)
                bound = {alias.asname or alias.name: alias.name for alias in node.names}
                if "*" in bound:
                    starred.append(origin)
                elif name in bound:
                    return self.defined(origin, bound[name], hops=hops + 1)
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


def _defines(node: ast.stmt, name: str) -> bool:
    if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        return node.name == name
    if not isinstance(node, ast.Assign | ast.AnnAssign):
        return False
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    return any(isinstance(target, ast.Name) and target.id == name for target in targets)


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
    names, modules = _bound(sources.trees[module])
    lines = (sources.root / path).read_text(encoding="utf-8").split("\n")
    for node in ast.walk(sources.trees[module]):
        used = _used(node, names, modules)
        if used is None:
            continue
        line, column, shown, origin, name = used
        owner = others.get(origin.partition(".")[0])
        place = owner.defined(origin, name) if owner else None
        # Columns of `ast` are bytes: lines of other characters are left out.
        if owner is not None and place is not None and lines[line - 1].isascii():
            yield (path, line, column, shown, owner.name, *place)


def _bound(tree: ast.Module) -> tuple[dict[str, tuple[str, str]], dict[str, str]]:
    """Return name -> (module, name there), and name -> module, of a file's imports."""
    names: dict[str, tuple[str, str]] = {}
    modules: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and not node.level:
            for alias in node.names:
                names[alias.asname or alias.name] = (node.module or "", alias.name)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.asname or "." not in alias.name:
                    modules[alias.asname or alias.name] = alias.name
    return names, modules


def _used(
    node: ast.AST, names: Mapping[str, tuple[str, str]], modules: Mapping[str, str]
) -> tuple[int, int, str, str, str] | None:
    """Return (line, column, name as written, module, name there) of an imported name's use."""
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in names:
        return (node.lineno, node.col_offset, node.id, *names[node.id])
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        if node.value.id in modules and node.end_lineno and node.end_col_offset:
            column = node.end_col_offset - len(node.attr)
            return (node.end_lineno, column, node.attr, modules[node.value.id], node.attr)
    return None


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
