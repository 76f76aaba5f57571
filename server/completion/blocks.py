"""Whether a block is due at a cursor: under an opener whose body is still empty.

The syntax tree decides. A word is put at the cursor first: with it the body has a statement, so
the tree is whole, and the body is empty when that word is all that it holds (beside comments and
a docstring). Where no grammar is at hand, the ends and indentations of the lines decide.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from homespun.indexer.syntax.parse import syntax_tree
from homespun.server.prompt.cursor import Cursor, indentation

if TYPE_CHECKING:
    from tree_sitter import Node

_WORD = "homespun_here"
_LONGEST_LINE_CHARS = 500
_OPENER = re.compile(r"(?::|\{|=>|->|\bdo|\bthen|\bbegin)\s*(?:(?:#|//).*)?$")
_RUBY_OPENER = re.compile(
    r"^\s*(?:def|class|module|if|unless|while|until|case|begin)\b(?!.*\bend$)"
)
_DOCSTRING_END = re.compile(r"(?:\"\"\"|''')\s*$")
_COMMENT_ONLY = re.compile(r"^\s*(?:#|//|/?\*|\"\"\".*\"\"\"\s*$)")
_BODY = re.compile(r"block|body|compound_statement|declaration_list|statements|do_group|suite")
_NO_BODY = re.compile(r"comment|string|parameter|argument|import")
_PROSE = re.compile(r"^(?:text|markdown|rst|yaml|toml|json|ini|)$")


@dataclass(frozen=True, slots=True)
class Block:
    """A block that is due."""

    opener_columns: int  # indentation of the line that opens it


def due(cursor: Cursor, language: str) -> Block | None:
    """Return the block that the cursor should fill, None where a single line is due."""
    if cursor.right.strip():
        return None
    opener = _opener_above(cursor, language)
    if opener is None:
        return None
    columns = indentation(opener)
    if cursor.line_below and indentation(cursor.line_below) > columns:
        return None
    if not cursor.left.strip() and cursor.left and indentation(cursor.left) <= columns:
        return None  # the user has left the block again
    return Block(columns) if _body_is_empty(cursor, language, columns) else None


def around(cursor: Cursor) -> Block:
    """Return a block that goes on as deep as the cursor stands, for those who always want one."""
    line = cursor.left if cursor.left.strip() or cursor.left else cursor.line_above
    return Block(indentation(line) - 1)


def _opener_above(cursor: Cursor, language: str) -> str | None:
    """Return the line that opens a block right above the cursor, over comments and a docstring."""
    if cursor.left.strip():
        return _opening_line(cursor.before.split("\n"), language)
    lines = cursor.before.split("\n")[:-1]
    while lines and not lines[-1].strip():
        lines.pop()
    if lines and _DOCSTRING_END.search(lines[-1][-_LONGEST_LINE_CHARS:]):
        lines = _without_docstring(lines)
    while lines and _COMMENT_ONLY.match(lines[-1]):
        lines.pop()
    return _opening_line(lines, language)


def _opening_line(lines: list[str], language: str) -> str | None:
    """Return the first line of a head that ends at the last of `lines`, None if none does."""
    if not lines:
        return None
    last = lines[-1]
    if len(last) > _LONGEST_LINE_CHARS:
        return None
    if not _OPENER.search(last) and not (language == "ruby" and _RUBY_OPENER.match(last)):
        return None
    if last.rstrip().endswith(":") and _open_brackets(last) > 0:
        return None  # a key of a dictionary, a slice
    # A head over several lines ends like ") -> int:"; it begins where the bracket was opened.
    depth = 0
    for number in range(len(lines) - 1, max(len(lines) - 40, -1), -1):
        line = lines[number]
        ends = line[: len(line.rstrip()) - 1] if number == len(lines) - 1 else line
        depth += sum(ends.count(c) for c in ")]") - sum(ends.count(c) for c in "([")
        if depth <= 0:
            return line
    return last


def _open_brackets(line: str) -> int:
    return sum(line.count(c) for c in "([{") - sum(line.count(c) for c in ")]}")


def _without_docstring(lines: list[str]) -> list[str]:
    """Drop a docstring at the end; `lines` as they are when its beginning is not found."""
    mark = lines[-1].rstrip()[-3:]
    if lines[-1].count(mark) >= 2:
        return lines[:-1]
    for number in range(len(lines) - 2, -1, -1):
        if mark in lines[number]:
            stands_alone = lines[number].lstrip(" \trRbBuUfF").startswith(mark)
            return lines[:number] if stands_alone else lines
    return lines


def _body_is_empty(cursor: Cursor, language: str, columns: int) -> bool:
    if cursor.left.strip():
        filler = f"\n{' ' * (columns + 4)}{_WORD}"
    else:
        filler = f"{'' if cursor.left else ' ' * (columns + 4)}{_WORD}"
    before = (cursor.before + filler).encode("utf-8", "replace")
    tree = syntax_tree(language, before + cursor.after.encode("utf-8", "replace"))
    if tree is None:
        # No grammar: the lines have said it, but prose ends lines with a colon, too.
        return not _PROSE.search(language)
    node = tree.root_node.named_descendant_for_byte_range(len(before) - len(_WORD), len(before))
    while node is not None and node.parent is not None:
        if _NO_BODY.search(node.type):
            return False
        if _BODY.search(node.type):
            return _holds_only_the_word(node)
        if node.type == "ERROR":
            return True
        node = node.parent
    return False


def _holds_only_the_word(body: Node) -> bool:
    for child in body.named_children:
        word = child.text is not None and _WORD.encode() in child.text
        if word or "comment" in child.type:
            continue
        if not _is_docstring(child):
            return False
    return True


def _is_docstring(node: Node) -> bool:
    if node.type == "string":
        return True
    inner = node.named_children
    return node.type == "expression_statement" and len(inner) == 1 and inner[0].type == "string"
