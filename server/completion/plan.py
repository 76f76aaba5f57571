"""How one request is answered: a line or a block, where it stops, who gets how many tokens."""

from __future__ import annotations

from dataclasses import dataclass

from homespun.models.types import StopRule
from homespun.server.completion import blocks, stop_rules
from homespun.server.options import CompletionOptions
from homespun.server.prompt.anchors import MAX_BEHIND_TOKENS
from homespun.server.prompt.cursor import Cursor
from homespun.server.types import CompletionRequest

_MIN_PROMPT_TOKENS = 64
_MIN_BUDGET = 48


@dataclass(frozen=True, slots=True)
class CompletionPlan:
    """How one request is answered."""

    cursor: Cursor
    language: str  # of the syntax tree
    stop: StopRule
    is_block: bool
    max_tokens: int  # of the answer
    budget: int  # of the prompt, in tokens


def plan_of(
    request: CompletionRequest,
    cursor: Cursor,
    *,
    language: str,
    options: CompletionOptions,
    context_tokens: int,
) -> CompletionPlan:
    """Plan an answer by the settings; `context_tokens` is what the model can hold."""
    block = blocks.due(cursor, language) if options.multiline == "auto" else None
    if options.multiline == "always" and not cursor.right.strip():
        block = blocks.due(cursor, language) or blocks.around(cursor)
    if block:
        stop = stop_rules.block(
            cursor.left,
            opener_columns=block.opener_columns,
            line_below=cursor.line_below,
            max_lines=options.max_lines,
        )
    else:
        stop = stop_rules.single_line(cursor.left)
    wanted = request.max_tokens or (options.max_block_tokens if block else options.max_tokens)
    max_tokens = max(min(wanted, context_tokens - _MIN_PROMPT_TOKENS), 1)
    reserve = min(MAX_BEHIND_TOKENS, context_tokens // 4)
    left = context_tokens - max_tokens - reserve
    return CompletionPlan(
        cursor=cursor,
        language=language,
        stop=stop,
        is_block=block is not None,
        max_tokens=max_tokens,
        budget=max(min(options.context_tokens, left), _MIN_BUDGET),
    )
