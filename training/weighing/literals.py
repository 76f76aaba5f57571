"""Where a text has literals that nobody could guess: in strings, numbers and comments.

The grammars of the index say what a name is, so that `x86_64_v2_f16c` in code stays a name; a
language without a grammar, and what a parser makes nothing of, is taken as it stands.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from homespun.indexer.syntax.parse import syntax_tree
from homespun.training.weighing.drawn import Drawn, drawn

if TYPE_CHECKING:
    from tree_sitter import Node

# Words in what grammars call their nodes. `_type` is left out: `integer_type` is a name.
_LITERAL = re.compile(
    r"(?:^|_)(?:string|str|char|character|rune|number|numeric|int|integer|float|decimal|real|hex"
    r"|comment|doc|heredoc|template|regex|pattern|text|bytes|atom|sigil|error)(?:$|_)(?!.*type$)",
    re.IGNORECASE,
)
# A substitution in a string is code again.
_CODE_AGAIN = re.compile(r"interpolation|substitution|expansion")
_MAX_UP = 4  # parents that are asked: a string's content, its string, its concatenation


def unguessable(text: str, language: str, start: int = 0, end: int | None = None) -> list[Drawn]:
    """Return the pieces of literals and comments in `text[start:end]` that look drawn by chance.

    `text` is a whole document; it is only parsed where something is found.
    """
    found = list(drawn(text, start, end))
    if not found:
        return []
    tree = syntax_tree(language, text.encode("utf-8", "replace"))
    if tree is None:
        return found
    root = tree.root_node
    return [
        piece
        for piece, (start, end) in zip(found, _bytes_of(text, found), strict=True)
        if _is_literal(root.descendant_for_byte_range(start, end))
    ]


def _bytes_of(text: str, pieces: list[Drawn]) -> Iterator[tuple[int, int]]:
    """Yield where pieces stand in UTF-8."""
    done = place = 0
    for piece in pieces:
        place += len(text[done : piece.start].encode("utf-8", "replace"))
        length = len(text[piece.start : piece.end].encode("utf-8", "replace"))
        yield place, place + length
        place, done = place + length, piece.end


def _is_literal(node: Node | None) -> bool:
    """Tell whether a node is a literal or in one, or nothing that the grammar knows."""
    if node is None or node.parent is None:
        return True  # the file itself: the piece reaches over several nodes
    for _ in range(_MAX_UP):
        if node is None or _CODE_AGAIN.search(node.type):
            return False
        if _LITERAL.search(node.type):
            return True
        node = node.parent
    return False
