"""llama.vim's ring: chunks of other files that the prompt begins with."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence

from bench.typing.llama_vim.context import Buffer


class Ring:
    """Chunks of the files that were looked at: those in use, and those that wait."""

    N_CHUNKS = 16
    CHUNK_LINES = 64  # of which half are taken
    SCOPE_LINES = 1024
    QUEUED = 16

    def __init__(
        self, rng: random.Random, *, fits: Callable[[Sequence[str]], bool] = lambda texts: True
    ) -> None:
        """`fits` says whether texts may be in use together, whatever else there is room for."""
        self._rng = rng
        self._fits = fits
        self.chunks: list[tuple[str, list[str]]] = []
        self.queued: list[tuple[str, list[str]]] = []

    def pick(self, name: str, text: Sequence[str], *, evict: bool) -> None:
        """Queue a random part of a text; what is much like it goes, or it is not taken."""
        if len(text) < 3:
            return
        chunk = list(text) if len(text) + 1 < self.CHUNK_LINES else self.part(text)
        if any(chunk == known for _, known in (*self.chunks, *self.queued)):
            return
        for held in (self.queued, self.chunks):
            for place in range(len(held) - 1, -1, -1):
                if similarity(held[place][1], chunk) > 0.9:
                    if not evict:
                        return
                    del held[place]
        if len(self.queued) == self.QUEUED:
            del self.queued[0]
        self.queued.append((name, chunk))

    def part(self, text: Sequence[str]) -> list[str]:
        """Return a random part of half a chunk's size."""
        half = self.CHUNK_LINES // 2
        first = self._rng.randint(0, max(0, len(text) - half))
        return list(text[first : min(first + half, len(text)) + 1])

    def around(self, buffer: Buffer) -> list[str]:
        """Return the lines around a cursor."""
        half = self.CHUNK_LINES // 2
        return buffer.lines[max(0, buffer.y - half) : buffer.y + half + 1]

    def take_one(self) -> bool:
        """Put the first chunk that waits to use; False where none waits."""
        if not self.queued:
            return False
        chunk = self.queued.pop(0)
        if not self._fits([_text(chunk)]):
            return True
        if len(self.chunks) == self.N_CHUNKS:
            del self.chunks[0]
        self.chunks.append(chunk)
        while not self._fits([_text(known) for known in self.chunks]):
            del self.chunks[0]
        return True

    def drop_like(self, chunk: Sequence[str]) -> None:
        """Drop the chunks in use that are like the text at the cursor: they would be repeated."""
        self.chunks = [known for known in self.chunks if similarity(known[1], chunk) <= 0.5]

    def extra(self) -> list[dict[str, str]]:
        """Return the chunks as the server takes them."""
        return [{"text": _text(chunk), "filename": chunk[0]} for chunk in self.chunks]


def similarity(left: Sequence[str], right: Sequence[str]) -> float:
    """Return how alike two chunks are: 0 not at all, 1 the same words."""
    words_left = re.findall(r"\w+", "\n".join(left))
    words_right = re.findall(r"\w+", "\n".join(right))
    if not words_left and not words_right:
        return 1.0
    known = set(words_left)
    common = sum(word in known for word in words_right)
    return 2.0 * common / (len(words_left) + len(words_right))


def _text(chunk: tuple[str, list[str]]) -> str:
    return "\n".join(chunk[1]) + "\n"
