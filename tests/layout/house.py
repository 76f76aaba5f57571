"""The house as a graph: which file imports which, type-only imports included."""

from __future__ import annotations

import ast
import functools
from collections import Counter
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("cli", "homespun", "indexer", "models", "server", "training")
NOT_IN_THE_WHEEL = "training/shipped"  # the jobs that make the shipped encoder and adapter


def sources() -> list[Path]:
    """Every Python file that is installed, and the jobs beside them."""
    return [path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py"))]


@functools.cache
def modules() -> frozenset[str]:
    """The names of the files of `sources`."""
    return frozenset(module_of(path) for path in sources())


def relative(path: Path) -> str:
    """A path as the tables write it."""
    return path.relative_to(ROOT).as_posix()


def module_of(path: Path) -> str:
    """`server/prompt/render.py` -> `homespun.server.prompt.render`."""
    parts = list(path.relative_to(ROOT).with_suffix("").parts)
    if parts[-1] == "__init__":
        parts.pop()
    return ".".join(parts if parts[0] == "homespun" else ["homespun", *parts])


@functools.cache
def imports_of(text: str) -> tuple[tuple[str, int], ...]:
    """What `imported_modules` says of a file, whose text is parsed once for all who ask."""
    return tuple(imported_modules(ast.parse(text)))


def imported_modules(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Every module that is imported anywhere in a file, with the line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"relative import in line {node.lineno}"
            assert node.module is not None
            yield node.module, node.lineno
            yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)


def own_imports(text: str) -> dict[str, int]:
    """Modules of the house that a file imports, each with the first line that does.

    `from homespun.server import types` imports the module, not the package before it.
    """
    found = [(name, line) for name, line in imports_of(text) if name in modules()]
    longer = {name.rpartition(".")[0] for name, _ in found}
    kept: dict[str, int] = {}
    for name, line in found:
        if name not in longer or name in _plain(text):
            kept.setdefault(name, line)
    return kept


@functools.cache
def graph() -> dict[str, dict[str, int]]:
    """Module -> the modules that it imports."""
    return {module_of(path): own_imports(path.read_text(encoding="utf-8")) for path in sources()}


def circle(arrows: dict[str, set[str]]) -> list[str]:
    """A circle of imports, or nothing."""
    try:
        TopologicalSorter(arrows).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def depth(arrows: dict[str, set[str]]) -> int:
    """How many arrows the longest chain has; there must be no circle."""
    deepest: dict[str, int] = {}
    for name in TopologicalSorter(arrows).static_order():
        deepest[name] = max((deepest[it] + 1 for it in arrows.get(name, ())), default=0)
    return max(deepest.values(), default=0)


@functools.cache
def _plain(text: str) -> set[str]:
    """Packages that are imported for themselves, by `import homespun`."""
    nodes = ast.walk(ast.parse(text))
    return {a.name for n in nodes if isinstance(n, ast.Import) for a in n.names}


def places(files: dict[str, dict[str, int]]) -> dict[str, set[str]]:
    """Sub-package -> those it imports from; a file of a room's own stands for itself."""
    arrows: dict[str, set[str]] = {}
    for name, them in files.items():
        arrows.setdefault(_place(name), set()).update({_place(it) for it in them} - {_place(name)})
    return arrows


def folders() -> dict[str, int]:
    """Folder -> how many Python files it has, `__init__.py` not counted."""
    counted = Counter(path.parent for path in sources() if path.stem != "__init__")
    return {relative(folder): count for folder, count in counted.most_common()}


def prefixes() -> dict[str, int]:
    """`folder/word_` -> how many files of the folder begin with it."""
    names = [path for path in sources() if "_" in path.stem.strip("_")]
    counted = Counter(f"{relative(path.parent)}/{path.stem.partition('_')[0]}_" for path in names)
    return dict(counted.most_common())


def lines_of(path: Path) -> int:
    """How many lines a file has."""
    return path.read_text(encoding="utf-8").count("\n")


def _place(module: str) -> str:
    room, _, rest = module.removeprefix("homespun").removeprefix(".").partition(".")
    if room not in ROOMS or not rest:
        return room if room in ROOMS and not rest else "homespun"
    return f"{room}.{rest.rpartition('.')[0] or rest}"
