"""Python: how modules are imported."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from homespun.training.conventions.base.parsed_file import ParsedSource, RepositoryPaths
from homespun.training.conventions.base.rule import Rule, Site

if TYPE_CHECKING:
    from tree_sitter import Node

IMPORT_OF = "python/import-of:"  # the module's name follows: one rule a module

RULES = (
    Rule(
        "python/own-imports",
        "imports",
        "own package",
        {"relative": "from .x import …", "absolute": "from package.x import …"},
    ),
    Rule(
        "python/import-form",
        "imports",
        "names or modules",
        {"from": "from x import name", "module": "import x"},
    ),
    Rule(
        "python/imported-names",
        "imports",
        "several names of a module",
        {"together": "in one statement", "apart": "a statement each"},
        settled_by="isort and ruff put them together",
    ),
    Rule(
        "python/import-place",
        "imports",
        "where imports stand",
        {"top": "at the top of the file", "inside": "inside functions"},
    ),
    Rule(
        "python/future-annotations",
        "types",
        "files with annotations",
        {
            "future": "from __future__ import annotations",
            "without": "no future import of annotations",
        },
    ),
    Rule(
        "python/abstract-collections",
        "types",
        "Iterable, Mapping, Callable …",
        {"collections.abc": "from collections.abc", "typing": "from typing"},
    ),
)

_ABSTRACT = frozenset(
    """AsyncGenerator AsyncIterable AsyncIterator Awaitable ByteString Callable Collection Container
    Coroutine Generator Hashable ItemsView Iterable Iterator KeysView Mapping MappingView
    MutableMapping MutableSequence MutableSet Reversible Sequence Sized ValuesView""".split()
)


def module_rule(module: str) -> Rule:
    """Return the rule that asks how one module is imported; its forms name themselves."""
    return Rule(f"{IMPORT_OF}{module}", "imports", f"module {module}")


def sites(file: ParsedSource, repository: RepositoryPaths) -> Iterator[Site]:
    """Yield the sites of a file."""
    taken: dict[str, list[Node]] = {}
    for node in file.nodes("import.from"):
        yield from _from(file, node, repository, taken)
    for node in file.nodes("import"):
        yield from _modules(file, node, repository)
    yield from _together(file, taken)
    yield from _places(file)
    yield from _future(file)
    yield from _abstract_attributes(file)


def _from(
    file: ParsedSource, node: Node, repository: RepositoryPaths, taken: dict[str, list[Node]]
) -> Iterator[Site]:
    module = file.field(node, "module_name")
    names = [file.read(name) for name in node.children_by_field_name("name")]
    if module.startswith("."):
        yield file.site("python/own-imports", "relative", node)
    else:
        yield file.site("python/import-form", "from", node)
        if not repository.is_own(module):
            yield file.site(f"{IMPORT_OF}{module}", f"from {module} import …", node)
        if not file.is_test and in_own_package(file.path, module, repository):
            yield file.site("python/own-imports", "absolute", node)
    taken.setdefault(module, []).append(node)
    if module in ("typing", "collections.abc") and any(name in _ABSTRACT for name in names):
        yield file.site("python/abstract-collections", module, node)


def in_own_package(path: str, module: str, repository: RepositoryPaths) -> bool:
    """Tell whether a module belongs to the package that the file is in, so that a dot would do."""
    parts = PurePosixPath(path).parts[:-1]
    if parts and parts[0] in ("src", "lib", "python"):
        parts = parts[1:]
    # A package may be installed under a name that no folder has; then its second name is a folder.
    return bool(parts) and parts[0] in module.split(".")[:2] and repository.is_own(module)


def _modules(file: ParsedSource, node: Node, repository: RepositoryPaths) -> Iterator[Site]:
    for name in node.children_by_field_name("name"):
        yield file.site("python/import-form", "module", node)
        if name.type == "aliased_import":
            module = file.field(name, "name")
            form = f"import {module} as {file.field(name, 'alias')}"
        else:
            module = file.read(name)
            form = f"import {module}"
        if not repository.is_own(module):
            yield file.site(f"{IMPORT_OF}{module}", form, node)


def _together(file: ParsedSource, taken: dict[str, list[Node]]) -> Iterator[Site]:
    for nodes in taken.values():
        top = [node for node in nodes if node.start_point[1] == 0]
        if len(top) > 1:
            for node in top:
                yield file.site("python/imported-names", "apart", node)
        elif top and len(top[0].children_by_field_name("name")) > 1:
            yield file.site("python/imported-names", "together", top[0])


def _places(file: ParsedSource) -> Iterator[Site]:
    inside = {node.start_byte for node in file.nodes("import.inside")}
    for node in file.nodes("import", "import.from"):
        form = "inside" if node.start_byte in inside else "top"
        if form == "inside" or node.start_point[1] == 0:
            yield file.site("python/import-place", form, node)


def _future(file: ParsedSource) -> Iterator[Site]:
    if not any(True for _ in file.nodes("type")):
        return
    for node in file.nodes("import.future"):
        if "annotations" in file.read(node):
            yield file.site("python/future-annotations", "future", node)
            return
    yield Site("python/future-annotations", "without", 1)


def _abstract_attributes(file: ParsedSource) -> Iterator[Site]:
    """`t.Iterable[…]` where the module goes by a name of its own, counted once a file and name."""
    names = _names_of_modules(file)
    seen = set()
    for node in file.nodes("type") if names else ():
        text = file.read(node)
        for local, module in names.items():
            _, dot, rest = text.partition(f"{local}.")
            word = rest.split("[")[0].split(",")[0].split(" ")[0].rstrip("]")
            if dot and word in _ABSTRACT and (local, word) not in seen:
                seen.add((local, word))
                yield file.site("python/abstract-collections", module, node)


def _names_of_modules(file: ParsedSource) -> dict[str, str]:
    names = {}
    for node in file.nodes("import"):
        for name in node.children_by_field_name("name"):
            aliased = name.type == "aliased_import"
            module = file.field(name, "name") if aliased else file.read(name)
            if module in ("typing", "collections.abc"):
                names[file.field(name, "alias") if aliased else module] = module
    return names
