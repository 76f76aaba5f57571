"""Answers that are known already: the user types what a suggestion says, or asks the same again.

What is kept of a document is a hash of its text before and after the cursor, so an answer is never
given to another state, however alike. Typing along a suggestion is recognised from the text alone:
it does not matter in how many edits it came, or whether each of them was followed by a request.
"""

from __future__ import annotations

import sys
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, replace
from hashlib import blake2b

from homespun.server.types import Completion

_LOOK_BACK_CHARS = 128  # of a suggestion that were typed; llama.vim looks back as far
_MAX_CLOSERS = 8  # that an editor put behind the cursor by itself
_CLOSERS = ")]}>\"'`"
_CUT_CHARS = (
    10  # an answer cut by its length limit is asked for anew when no more than this is left
)
_ENTRY_BYTES = 1000  # of an entry without its texts: keys, hashes, objects
_TOKENS = ("prompt", "reused", "generated", "drafted", "accepted")
_STAGES = ("context", "retrieve", "prefill", "decode", "total")


@dataclass(frozen=True, slots=True)
class CachedAnswer:
    """What is left of an answer, and how many characters of it stand in the document."""

    completion: Completion
    typed_chars: int


@dataclass(frozen=True, slots=True)
class _State:
    """A cursor in a document; lengths in code points."""

    key: Hashable
    before_chars: int
    after_chars: int
    before: bytes
    after: bytes


class _Cursor:
    """A document at its cursor; what was hashed once is remembered."""

    def __init__(self, text: str, offset: int) -> None:
        self.before, self.after = text[:offset], text[offset:]
        self._hashes: dict[tuple[str, int], bytes] = {}

    def hash_before(self, chars: int) -> bytes:
        """Hash the first `chars` characters of the document."""
        return self._hash("before", chars, self.before[:chars])

    def hash_after(self, skipped: int = 0) -> bytes:
        """Hash what follows the cursor, without the `skipped` characters next to it."""
        return self._hash("after", skipped, self.after[skipped:])

    def _hash(self, side: str, chars: int, text: str) -> bytes:
        known = self._hashes.get((side, chars))
        if known is None:
            known = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
            self._hashes[side, chars] = known
        return known


class AnswerCache:
    """The last answers; the least recently used one goes when there are too many."""

    def __init__(self, *, most_entries: int = 256, most_bytes: int = 2**20) -> None:
        """`most_bytes` bounds what the entries take, roughly."""
        self._most_entries = most_entries
        self._most_bytes = most_bytes
        self._entries: OrderedDict[_State, Completion] = OrderedDict()
        self._bytes = 0

    def __len__(self) -> int:
        """Return how many answers are kept."""
        return len(self._entries)

    def remember(self, key: Hashable, text: str, offset: int, completion: Completion) -> None:
        """Keep an answer; `key` is everything beside the text that shapes one."""
        cursor = _Cursor(text, offset)
        before_chars, after_chars = len(cursor.before), len(cursor.after)
        hashes = cursor.hash_before(before_chars), cursor.hash_after()
        state = _State(key, before_chars, after_chars, *hashes)
        self._drop(state)
        self._entries[state] = completion
        self._bytes += _bytes_of(completion)
        while len(self._entries) > self._most_entries or self._bytes > self._most_bytes:
            self._drop(next(iter(self._entries)))

    def find(
        self, key: Hashable, text: str, offset: int, *, is_on_display: bool = False
    ) -> CachedAnswer | None:
        """Return what is left of an answer for this cursor; None where the model is to be asked.

        The answer to this very state goes first, then the one that was given nearest before it.
        With `is_on_display` also the last characters of one that was cut, which is asked for anew.
        """
        cursor = _Cursor(text, offset)
        near = [
            (typed, state)
            for state in self._entries
            if 0 <= (typed := len(cursor.before) - state.before_chars) <= _LOOK_BACK_CHARS
            and 0 <= len(cursor.after) - state.after_chars <= _MAX_CLOSERS
            and state.key == key
        ]
        for typed, state in sorted(near, key=lambda pair: pair[0]):
            completion = self._entries[state]
            rest = _rest(completion, cursor, state, is_on_display=is_on_display)
            if rest is not None:
                self._entries.move_to_end(state)
                return CachedAnswer(_as_cached(completion, rest), typed)
        return None

    def clear(self, *, but_the_last: bool = False) -> None:
        """Forget everything, or all but the answer that was given or found last."""
        for state in list(self._entries)[: -1 if but_the_last else None]:
            self._drop(state)

    def _drop(self, state: _State) -> None:
        completion = self._entries.pop(state, None)
        if completion is not None:
            self._bytes -= _bytes_of(completion)


def _rest(
    completion: Completion, cursor: _Cursor, state: _State, *, is_on_display: bool
) -> str | None:
    """Return what of an answer is not in the document yet; None where it does not belong here."""
    typed = cursor.before[state.before_chars :]
    closers = cursor.after[: len(cursor.after) - state.after_chars]
    # The cheap comparisons first: a hash reads the whole document.
    if not completion.text.startswith(typed):
        return None
    rest = completion.text[len(typed) :]
    if closers:
        if not typed or closers.strip(_CLOSERS) or not rest.endswith(closers):
            return None
        rest = rest[: -len(closers)]
    if typed and (not rest or (typed.endswith("\r") and rest.startswith("\n"))):
        return None
    is_cut = completion.finish == "length" and len(rest) <= _CUT_CHARS
    if typed and is_cut and not is_on_display:
        return None
    same = state.after == cursor.hash_after(len(closers))
    same = same and state.before == cursor.hash_before(state.before_chars)
    return rest if same else None


def _as_cached(completion: Completion, rest: str) -> Completion:
    return replace(
        completion,
        text=rest,
        timings_ms=dict.fromkeys(_STAGES, 0.0),
        tokens={**dict.fromkeys(_TOKENS, 0), "recalled": 1},
    )


def _bytes_of(completion: Completion) -> int:
    texts = [completion.text, *(source.path for source in completion.sources)]
    return _ENTRY_BYTES + sum(sys.getsizeof(text) for text in texts)
