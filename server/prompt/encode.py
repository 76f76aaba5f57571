"""A cursor in a document -> token ids. SHARED WITH TRAINING AND EVALUATION: standard library only.

The one way from text to what a model is asked: serving, training examples, drift and probes all
take it, and `tests/server/prompt/test_golden.py` shows that they get the same ids for the same
cursor.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from homespun.server.prompt.render import (
    Context,
    Control,
    FimNames,
    Layout,
    Part,
    Prompt,
    Snippet,
    render,
    split,
    with_added,
)

# A word as Qwen's tokenizer cuts text before it looks for tokens: letters and one sign before them.
_LAST_WORD = re.compile(r"(?:(?![\r\n])[\W_])?[^\W\d_]+\Z")
_COUNTED_TEXTS = 20_000  # lines whose token counts are remembered


class PartEncoder(Protocol):
    """The calls of a tokenizer that a prompt needs."""

    def encode(self, text: str) -> list[int]:
        """Encode as plain text."""

    def decode(self, ids: Sequence[int]) -> str:
        """Decode; incomplete UTF-8 at the end becomes U+FFFD."""

    def control(self, name: str) -> int:
        """Return the id of a control token."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """The prompt of a line; what is typed on the line comes behind its ids."""

    prompt: Prompt
    ids: tuple[int, ...]  # up to and with the middle token, each part encoded by itself
    behind: str  # what may be shown of the text behind the cursor


@dataclass(frozen=True, slots=True)
class Encoded:
    """What a model is asked: token ids, and the text that its answer has to begin with."""

    ids: list[int]
    heal: str  # stands in the document already


class PromptEncoder:
    """Makes prompts for one model."""

    def __init__(
        self,
        tokenizer: PartEncoder,
        fim: FimNames,
        *,
        layout: Layout,
        counted_texts: int = _COUNTED_TEXTS,
    ) -> None:
        """`counted_texts` is how many texts' token counts are remembered."""
        self._tokenizer = tokenizer
        self._fim = fim
        self._layout = layout
        self.count: Callable[[str], int] = lru_cache(counted_texts)(
            lambda text: len(tokenizer.encode(text))
        )

    def render(
        self,
        before: str,
        after: str,
        *,
        repo: str,
        path: str,
        snippets: tuple[Snippet, ...] = (),
        budget: int,
    ) -> Rendered:
        """Render the prompt of the line between two halves of a document, of `budget` tokens."""
        prefix, typed, behind = split(before, after)
        prompt = render(
            Context(repo, path, prefix, behind, snippets, typed),
            fim=self._fim,
            budget=budget,
            count_tokens=self.count,
            layout=self._layout,
        )
        return Rendered(prompt, tuple(encode_parts(prompt.parts, self._tokenizer)), behind)

    def with_added(
        self, rendered: Rendered, snippets: Sequence[Snippet], *, path: str, room: int
    ) -> Rendered:
        """Return a rendered prompt with more snippets, of at most `room` tokens."""
        prompt = with_added(
            rendered.prompt,
            snippets,
            path=path,
            fim=self._fim,
            room=room,
            count_tokens=self.count,
        )
        kept = len(rendered.prompt.parts) - 1  # up to the middle token
        added = encode_parts(prompt.parts[kept:], self._tokenizer)
        return Rendered(prompt, (*rendered.ids[:-1], *added), rendered.behind)

    def encode(self, ids: Sequence[int], typed: str) -> Encoded:
        """Return what is asked where `typed` stands behind a rendered prompt's ids."""
        kept, heal = split_last_word(typed, self._tokenizer)
        return Encoded([*ids, *kept], heal)


def encode_parts(parts: Sequence[Part], tokenizer: PartEncoder) -> list[int]:
    """Return the token ids of parts."""
    ids: list[int] = []
    for part in parts:
        ids += (
            [tokenizer.control(part.name)] if isinstance(part, Control) else tokenizer.encode(part)
        )
    return ids


def split_last_word(typed: str, tokenizer: PartEncoder) -> tuple[list[int], str]:
    """Return the ids of `typed` without its last token or word, and the text of that.

    Half a word may be several tokens that the whole word does not have: `retur` is `ret`, `ur`.
    """
    word = _LAST_WORD.search(typed)
    most = word.start() if word else len(typed) - 1
    ids = tokenizer.encode(typed)
    while ids:
        ids.pop()
        kept = tokenizer.decode(ids)
        if len(kept) <= most and typed.startswith(kept):  # else a character is cut in the middle
            return ids, typed[len(kept) :]
    return [], typed
