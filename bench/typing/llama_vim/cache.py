"""llama.vim's cache of answers: by a hash of the context, found again when one types along."""

from __future__ import annotations

from collections import OrderedDict
from hashlib import sha256

from bench.typing.llama_vim.context import Local

MAX_CACHE_KEYS = 250
LOOK_BACK_CHARS = 128


class ResultCache:
    """The last answers by a hash of their context; the least recently used one goes."""

    def __init__(self) -> None:
        self._entries: OrderedDict[str, str] = OrderedDict()

    def __len__(self) -> int:
        """Return how many keys it holds."""
        return len(self._entries)

    def insert(self, key: str, content: str) -> None:
        """Keep an answer."""
        if len(self._entries) > MAX_CACHE_KEYS - 1:
            self._entries.popitem(last=False)
        self._entries[key] = content
        self._entries.move_to_end(key)

    def get(self, key: str) -> str | None:
        """Return an answer, which counts as used."""
        if key in self._entries:
            self._entries.move_to_end(key)
        return self._entries.get(key)

    def near(self, local: Local) -> str | None:
        """Return the answer for a context, or what is left of one that was typed along."""
        exact = self.get(key_of(local.prefix + local.middle, local.suffix))
        if exact is not None:
            return exact
        before = local.prefix + local.middle
        found: str | None = None
        best = 0
        for count in range(1, LOOK_BACK_CHARS + 1):
            content = self.get(key_of(before[:-count], local.suffix))
            if not content or content[:count] != before[-count:] or len(content) == count:
                continue
            rest = content[count:]
            if found is None:
                found = rest
            elif len(rest) > best:
                best, found = len(rest), rest
        return found


def key_of(before: str, suffix: str) -> str:
    """Return the key of a context."""
    return sha256(f"{before}\u00ce{suffix}".encode()).hexdigest()


def keys_of(local: Local) -> list[str]:
    """Return the keys an answer is kept under: also without the first one to three lines."""
    keys = [key_of(local.prefix + local.middle, local.suffix)]
    trimmed = local.prefix
    for _ in range(3):
        trimmed = trimmed.partition("\n")[2] if "\n" in trimmed else trimmed
        if not trimmed:
            break
        keys.append(key_of(trimmed + local.middle, local.suffix))
    return keys
