"""Where the tokens of a prompt stand in the document that it is a prompt of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from homespun.models.types import FimTokens, Tokenizer
from homespun.server.prompt.encode import Rendered
from homespun.server.prompt.render import Control
from homespun.training.dataset.examples import Example
from homespun.training.weighing.drawn import Span


@dataclass(frozen=True, slots=True)
class ShownPart:
    """A part of a prompt that is text of the document itself, not a heading, not a snippet."""

    first: int  # place of its first token in the prompt
    ids: Sequence[int]
    start: int  # of the text, in characters of the document
    end: int


def shown_parts(
    example: Example, rendered: Rendered, tokenizer: Tokenizer, fim: FimTokens
) -> tuple[ShownPart | None, ShownPart | None]:
    """Return what a prompt shows of the document before and behind the hole; None: nothing.

    The document is prefix, middle and suffix of the example, one behind the other.
    """
    document_end = len(example.prefix) + len(example.middle) + len(example.suffix)
    before_end = len(example.prefix) - len(rendered.prompt.typed)
    behind_start = document_end - len(rendered.behind)
    before = behind = None
    place, is_behind = 0, False
    for part in rendered.prompt.parts:
        if isinstance(part, Control):
            is_behind = is_behind or part.name == fim.suffix
            place += 1
            continue
        ids = tokenizer.encode(part)
        if is_behind and rendered.behind.startswith(part):
            behind = ShownPart(place, ids, behind_start, behind_start + len(part))
        elif not is_behind and example.prefix.endswith(part, 0, before_end):
            before = ShownPart(place, ids, before_end - len(part), before_end)
        place += len(ids)
    return before, behind


def answer_span(example: Example, rendered: Rendered, answer: str) -> Span:
    """Return where the answer stands in the document."""
    start = len(example.prefix) - len(rendered.prompt.typed)
    return start, start + len(answer)
