"""Which lines of a file are plain code inside of functions, in any language with a grammar."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from homespun.indexer.syntax.parse import syntax_tree

if TYPE_CHECKING:
    from tree_sitter import Node

_FUNCTION = re.compile(r"function|method|constructor|closure|lambda")
_COMMENT = re.compile(r"comment")
_STRING = re.compile(r"string|heredoc|char")
_LEVELS = ("\t", "  ", "    ", "        ")


def lines_of_code(text: str, language: str) -> set[int]:
    """Return the lines, from 0, of function bodies that are neither comment nor long string."""
    tree = syntax_tree(language, text.encode())
    if tree is None:
        return set()
    lines = text.split("\n")
    inside: set[int] = set()
    outside: set[int] = set()
    for node in _nodes(tree.root_node):
        first, last = node.start_point[0], node.end_point[0]
        if _COMMENT.search(node.type):
            begins = not lines[first][: node.start_point[1]].strip()
            outside.update(range(first if begins else first + 1, last + 1))
        elif _STRING.search(node.type) and (first != last or _is_documentation(node)):
            outside.update(range(first, last + 1))
        elif _FUNCTION.search(node.type) and (body := node.child_by_field_name("body")):
            inside.update(_body_lines(body))
    return {n for n in inside - outside if lines[n].strip() and lines[n] == lines[n].rstrip()}


def level_of(text: str) -> str:
    """Return one step of indentation, as most steps of the file are."""
    indents = [line[: len(line) - len(line.lstrip())] for line in text.split("\n") if line.strip()]
    steps = Counter(
        now.removeprefix(before)
        for before, now in zip(indents, indents[1:], strict=False)
        if now.startswith(before)
    )
    return max(_LEVELS, key=lambda level: (steps[level], level == "    "))


def _body_lines(body: Node) -> range:
    """Return the lines of a body without its braces."""
    first, last = body.start_point[0], body.end_point[0]
    has_braces = bool(body.child_count) and body.children[0].type == "{"
    return range(first + 1, last) if has_braces else range(first, last + 1)


def _is_documentation(node: Node) -> bool:
    return node.parent is not None and node.parent.type == "expression_statement"


def _nodes(root: Node) -> Iterator[Node]:
    waiting = [root]
    while waiting:
        node = waiting.pop()
        yield node
        waiting.extend(node.children)
