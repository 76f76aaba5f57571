"""One file as the rules see it: its syntax tree, asked once, and where in the tree it lies."""

from __future__ import annotations

import functools
import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

from homespun.indexer.syntax.parse import grammar, syntax_tree
from homespun.training.conventions.base.rule import Site

if TYPE_CHECKING:
    from tree_sitter import Node, Query

_TEST_FOLDERS = frozenset({"test", "tests", "testing", "__tests__", "spec", "specs", "e2e"})
_TEST_FILE = re.compile(
    r"(?:test_.*|.*_tests?|tests?|conftest)\.py|.*[._-](?:test|spec)\.\w+|test[._-].*\.\w+"
)
_SOURCE_FOLDERS = frozenset({"src", "lib", "python"})
_MEMBERS = ("attribute", "member_expression")
_MAX_OWNER_BYTES = 80
_DEEPEST = 400  # levels that are looked into; code that people write has fewer


@dataclass(frozen=True, slots=True)
class RepositoryPaths:
    """What one file alone cannot tell."""

    paths: frozenset[str] = frozenset()  # of all files, relative, with "/"
    folders: frozenset[str] = frozenset()  # that hold Python files; an empty `__init__` is no file

    @classmethod
    def of(cls, paths: Iterable[str]) -> RepositoryPaths:
        """Make it from the paths of all files."""
        known = frozenset(paths)
        folders: set[str] = set()
        for path in known:
            folder = path.rpartition("/")[0] if path.endswith(".py") else ""
            while folder and folder not in folders:
                folders.add(folder)
                folder = folder.rpartition("/")[0]
        return cls(known, frozenset(folders))

    def is_own(self, module: str) -> bool:
        """Tell whether a dotted Python module is a file of this repository.

        A top-level package may be installed under a name that no folder has: then the rest of the
        dotted name is looked for.
        """
        top, _, rest = module.partition(".")
        if top in sys.stdlib_module_names:
            return False
        folder = module.rpartition(".")[0]
        if self._exists(module) or (bool(folder) and self._exists(folder)):
            return True
        return bool(rest) and self._exists(rest)

    def _exists(self, module: str) -> bool:
        path = module.replace(".", "/")
        roots = ("", *(f"{folder}/" for folder in _SOURCE_FOLDERS))
        return any(
            f"{root}{path}.py" in self.paths or f"{root}{path}" in self.folders for root in roots
        )


class CallSite(NamedTuple):
    """A call, its callee read."""

    node: Node
    owner: str  # what stands before the last dot, "" for a plain name; "…" where it is long
    name: str  # the last part of the callee

    @property
    def arguments(self) -> Node | None:
        """Return the node of the brackets."""
        return self.node.child_by_field_name("arguments")


class ParsedSource:
    """A parsed file. Node positions are bytes; lines are 1-based."""

    def __init__(
        self, path: str, language: str, text: str, source: bytes, root: Node, query: Query
    ) -> None:
        from tree_sitter import QueryCursor

        self.path = path
        self.language = language
        self.text = text
        self.source = source
        self.root = root
        self.is_test = is_test(path)
        self._captures: dict[str, list[Node]] = {
            name: sorted(nodes, key=lambda node: (node.start_byte, -node.end_byte))
            for name, nodes in QueryCursor(query).captures(root).items()  # in any order
        }

    def nodes(self, *captures: str) -> Iterable[Node]:
        """Return the nodes of captures of the family's query, sorted by place within each."""
        for capture in captures:
            yield from self._captures.get(capture, ())

    @functools.cached_property
    def calls(self) -> list[CallSite]:
        """All calls with a name (the capture "call" of the family's query)."""
        found = []
        for node in self.nodes("call"):
            function = node.child_by_field_name("function")
            if function is None:
                continue
            if function.type == "identifier":
                found.append(CallSite(node, "", self.read(function)))
            elif function.type in _MEMBERS:
                owner, name = first_child(function), function.named_children[-1]
                if owner is not None:
                    is_long = owner.end_byte - owner.start_byte > _MAX_OWNER_BYTES
                    found.append(
                        CallSite(node, "…" if is_long else self.read(owner), self.read(name))
                    )
        return found

    @functools.cached_property
    def lines(self) -> list[str]:
        """The lines of the text."""
        return self.text.split("\n")

    def read(self, node: Node) -> str:
        """Return the source of a node."""
        return self.source[node.start_byte : node.end_byte].decode("utf-8", "replace")

    def field(self, node: Node, name: str) -> str:
        """Return the source of a node's field, "" where it has none."""
        child = node.child_by_field_name(name)
        return "" if child is None else self.read(child)

    def site(self, rule: str, form: str, node: Node) -> Site:
        """Return a node as a site of a rule."""
        return Site(rule, form, node.start_point[0] + 1, node.start_byte, node.end_byte)


def parse_with(
    path: str, language: str, text: str, queries: tuple[str, ...]
) -> ParsedSource | None:
    """Parse a file; None where its language has no grammar or the parser gives up.

    `queries` are files of this room that are read one after the other.
    """
    source = text.encode("utf-8", "replace")
    tree = syntax_tree(language, source)
    if tree is None:
        return None
    return ParsedSource(path, language, text, source, tree.root_node, _query(language, queries))


def is_test(path: str) -> bool:
    """Tell whether a file belongs to the tests, by its name and folders."""
    pure = PurePosixPath(path)
    return not _TEST_FOLDERS.isdisjoint(part.lower() for part in pure.parts[:-1]) or bool(
        _TEST_FILE.fullmatch(pure.name)
    )


def parent(node: Node, *types: str) -> Node | None:
    """Return the nearest node around this one that has one of the types."""
    around = node.parent
    for _ in range(_DEEPEST):
        if around is None or around.type in types:
            return around
        around = around.parent
    return None


def first_child(node: Node) -> Node | None:
    """Return the first named child."""
    return node.named_child(0) if node.named_child_count else None


def named_children(node: Node | None, *, without: Sequence[str] = ("comment",)) -> list[Node]:
    """Return the named children that are no comments."""
    return [] if node is None else [c for c in node.named_children if c.type not in without]


@functools.cache
def _query(language: str, names: tuple[str, ...]) -> Query:
    from tree_sitter import Query

    folder = resources.files("homespun.training").joinpath("conventions")
    texts = [folder.joinpath(name).read_text(encoding="utf-8") for name in names]
    return Query(grammar(language), "\n".join(texts))
