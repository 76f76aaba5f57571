"""Token ids -> which characters of their text each stands for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol, runtime_checkable

from homespun.training.weighing.drawn import Span


@runtime_checkable
class SpellsTokens(Protocol):
    """A tokenizer that says which bytes its tokens are."""

    def encode(self, text: str) -> list[int]:
        """Encode as plain text."""

    def pieces(self) -> dict[int, bytes]:
        """Return the bytes that each plain token stands for."""


class Spelling:
    """Knows the bytes of all tokens of one tokenizer."""

    def __init__(self, tokenizer: SpellsTokens) -> None:
        """Take a byte-level tokenizer: the bytes of its tokens, in a row, are the text."""
        self._lengths = {token: len(piece) for token, piece in tokenizer.pieces().items()}

    def spans(self, ids: Sequence[int], text: str) -> list[Span]:
        """Return which characters of `text` each token has a byte of. Raises ValueError.

        A character of several tokens belongs to all of them. `ids` are those of the text.
        """
        lengths = [self._lengths[token] for token in ids]
        owners = list(_owners(text))
        if sum(lengths) != len(owners):
            raise ValueError(f"{sum(lengths)} bytes of tokens for {len(owners)} bytes of text")
        spans, done = [], 0
        for length in lengths:
            spans.append((owners[done], owners[done + length - 1] + 1))
            done += length
        return spans


def _owners(text: str) -> Iterator[int]:
    """Yield the character that each byte of a text belongs to."""
    if text.isascii():
        yield from range(len(text))
        return
    for place, character in enumerate(text):
        for _ in character.encode("utf-8", "replace"):
            yield place


def overlaps(spans: Sequence[Span], others: Sequence[Span]) -> list[int]:
    """Return for each span the number of the first of `others` that it shares characters with.

    -1 where it shares none. Both are in order; spans may share characters with each other.
    """
    found, first = [], 0
    for start, end in spans:
        while first < len(others) and others[first][1] <= start:
            first += 1
        is_in = first < len(others) and others[first][0] < end
        found.append(first if is_in else -1)
    return found
