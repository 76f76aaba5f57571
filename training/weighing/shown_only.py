"""What of a text is shown and not learned: what nobody could guess, and what is not the house's.

No loss falls on characters in these spans, wherever they stand in what is learned from.
"""

from __future__ import annotations

import re

from homespun.training.sources.filters import head_of
from homespun.training.sources.licence_heads import licence_in_head
from homespun.training.weighing.drawn import Span
from homespun.training.weighing.literals import unguessable

_COPYRIGHT = re.compile(r"copyright|©|SPDX-License-Identifier|all rights reserved", re.IGNORECASE)
# The comment that a file begins with; a line that only opens a docstring is none.
_COMMENT_LINES = re.compile(
    r"(?:[ \t]*(?:#|//|--|;|%|\*)[^\n]*\n|[ \t]*/\*(?:(?!\*/).)*\*/[ \t]*\n|[ \t]*\n)+", re.DOTALL
)


def shown_only(text: str, language: str, start: int = 0, end: int | None = None) -> list[Span]:
    """Return the spans (characters, in order) of a document's `text[start:end]` without a loss."""
    head = licence_end(text)
    found = [(piece.start, piece.end) for piece in unguessable(text, language, start, end)]
    if head <= start:
        return found
    return [(start, head), *(span for span in found if span[0] >= head)]


def licence_end(text: str) -> int:
    """Return where the licence ends that a text begins with, 0 where there is none."""
    comment = _COMMENT_LINES.match(text)
    if comment is None:
        return 0
    said = head_of(comment[0])
    return comment.end() if _COPYRIGHT.search(said) or licence_in_head(said) else 0
