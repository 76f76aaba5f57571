"""llama.vim's policy as published (autoload/llama.vim, January 2026), written anew. No I/O.

What it asks the server and when, what it keeps, and what it shows: the local context, the cache of
results with its look back, the speculative request as if the suggestion were accepted, the ring of
chunks from other files, and the suggestions that it withholds. Names follow the original where one
may want to compare. As published: while a request is under way no other is sent, the newest is
tried again every 100 ms; `kill` closes the running request instead, as its older versions did.
"""

from __future__ import annotations

import random
import re
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Literal

POLICY = "llama.vim a1c8e6e40cb4, 2026-01-31"
N_PREFIX = 256  # lines
N_SUFFIX = 64
N_PREDICT = 128  # tokens
T_MAX_PROMPT_MS = 500
T_MAX_PREDICT_FIRST_MS = 250
T_MAX_PREDICT_MS = 1000
MAX_LINE_SUFFIX = 8  # characters right of the cursor
MAX_CACHE_KEYS = 250
LOOK_BACK_CHARS = 128
RETRY_SECONDS = 0.1

Busy = Literal["wait", "kill"]


@dataclass(frozen=True, slots=True)
class Local:
    """The text around the cursor as the server gets it."""

    prefix: str
    middle: str
    suffix: str
    indent: int


def local_context(
    lines: Sequence[str], x: int, y: int, previous: Sequence[str] = (), *, last_indent: int = 0
) -> Local:
    """Cut the context at column `x` of line `y`, both from 0, as if `previous` were accepted."""
    if not previous:
        current = lines[y]
        left, right = current[:x], current[x:]
        above = list(lines[max(0, y - N_PREFIX) : y])
        indent = len(current) - len(current.lstrip())
        if not current.strip():  # such a line is written from its beginning
            left, right, indent = "", "", 0
    else:
        left = lines[y] + previous[0] if len(previous) == 1 else previous[-1]
        right, indent = "", last_indent
        above = list(lines[max(0, y - N_PREFIX + len(previous) - 1) : y])
        if len(previous) > 1:
            above += [lines[y] + previous[0], *previous[1:-1]]
    below = lines[y + 1 : y + 1 + N_SUFFIX]
    return Local(
        prefix="\n".join(above) + "\n",
        middle=left,
        suffix=right + "\n" + "\n".join(below) + "\n",
        indent=indent,
    )


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


def to_show(content: str, lines: Sequence[str], x: int, y: int) -> tuple[list[str], bool]:
    """Return the lines of a suggestion, and whether it can be accepted; what repeats goes."""
    shown = content.split("\n")
    while shown and shown[-1] == "":
        shown.pop()
    can_accept = bool(shown)
    shown = shown or [""]
    current = lines[y]
    if not current.strip():
        lead = min(len(shown[0]) - len(shown[0].lstrip()), len(current))
        current, shown[0] = shown[0][:lead], shown[0][lead:]
    left, right = current[:x], current[x:]
    if _repeats(shown, lines, y, left=left, right=right):
        shown = [""]
    shown[-1] += right
    return shown, can_accept and bool("".join(shown).strip())


def _repeats(shown: list[str], lines: Sequence[str], y: int, *, left: str, right: str) -> bool:
    """Say whether a suggestion is text that stands behind the cursor."""
    below = list(lines[y + 1 : y + len(shown)])
    if len(shown) > 1 and shown[0] == "" and shown[1:] == below:
        return True
    if len(shown) == 1 and shown[0] == right:
        return True
    place = y + 1
    while place < len(lines) - 1 and not lines[place].strip():
        place += 1
    if place >= len(lines) or left + shown[0] != lines[place]:
        return False
    if len(shown) == 1:
        return True
    following = list(lines[place + 1 : place + len(shown)])
    if len(shown) == 2:
        return bool(following) and shown[-1] == following[0][: len(shown[-1])]
    return shown[1:] == following


@dataclass(slots=True)
class Buffer:
    """A document with a cursor: column `x` of line `y`, from 0."""

    name: str
    lines: list[str]
    x: int = 0
    y: int = 0
    modified: bool = False


@dataclass(frozen=True, slots=True)
class VimRequest:
    """What is sent to the server, and the keys its answer is kept under."""

    kind: str  # "fim", "speculative" or "ring"
    body: dict[str, Any]
    keys: tuple[str, ...] = ()


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


def _text(chunk: tuple[str, list[str]]) -> str:
    return "\n".join(chunk[1]) + "\n"


def similarity(left: Sequence[str], right: Sequence[str]) -> float:
    """Return how alike two chunks are: 0 not at all, 1 the same words."""
    words_left = re.findall(r"\w+", "\n".join(left))
    words_right = re.findall(r"\w+", "\n".join(right))
    if not words_left and not words_right:
        return 1.0
    known = set(words_left)
    common = sum(word in known for word in words_right)
    return 2.0 * common / (len(words_left) + len(words_right))


@dataclass(slots=True)
class _Hint:
    lines: list[str] = field(default_factory=list)
    can_accept: bool = False
    is_shown: bool = False


class Vim:
    """The state machine: keys, answers and a timer go in, requests and hints come out.

    `send` gets a request, `cancel` closes the one under way (only with `busy="kill"`), `show`
    hears what is on the screen: the text, and whether it came without waiting for the server.
    """

    def __init__(
        self,
        *,
        send: Callable[[VimRequest], None],
        cancel: Callable[[], None],
        show: Callable[[str, bool], None],
        busy: Busy = "wait",
        seed: int = 0,
        fits: Callable[[Sequence[str]], bool] = lambda texts: True,
    ) -> None:
        self.ring = Ring(random.Random(seed), fits=fits)
        self.cache = ResultCache()
        self.buffer = Buffer("", [""])
        self.retry_at: float | None = None
        self._retry: tuple[int, int, tuple[str, ...]] | None = None
        self._send, self._cancel, self._show = send, cancel, show
        self._busy_policy = busy
        self._seed = seed
        self._is_busy = False
        self._hint = _Hint()
        self._indent_last = -1
        self._picked_y = -9999

    def enter(self, buffer: Buffer) -> None:
        """Enter a buffer in normal mode."""
        self.buffer = buffer
        self._hint = _Hint()
        self._retry, self.retry_at = None, None
        self.look()

    def look(self) -> None:
        """Queue a chunk at the cursor, as on entering and leaving a buffer."""
        if not self.buffer.modified:
            self.ring.pick(self.buffer.name, self.ring.around(self.buffer), evict=True)

    def update_ring(self) -> bool:
        """Put one chunk to use and let the server read it; False where none waits."""
        if not self.ring.take_one():
            return False
        body = self._body(Local("", "", "", 0), 0, 1) | {"samplers": [], "temperature": 0.0}
        self._send(VimRequest("ring", body | {"n_predict": 0, "t_max_prompt_ms": 1}))
        return True

    def moved(self, now: float) -> None:
        """Take note that a key moved the cursor, which `buffer` says already."""
        self._hint = _Hint()
        self._try_hint(now, cached=True)
        self._fim(now, None, ())

    def tick(self, now: float) -> None:
        """Let the timer run out, if it is time."""
        if self.retry_at is not None and now >= self.retry_at and self._retry is not None:
            x, y, previous = self._retry
            self._retry, self.retry_at = None, None
            self._fim(now, (x, y) if x >= 0 else None, previous)

    def answered(self, now: float, request: VimRequest, content: str) -> None:
        """Take the answer to the request under way."""
        if request.kind == "ring":
            return
        for key in request.keys:
            self.cache.insert(key, content)
        if not self._hint.is_shown or not self._hint.can_accept:
            self._try_hint(now, cached=False)
        self._is_busy = False

    def _try_hint(self, now: float, *, cached: bool) -> None:
        buffer = self.buffer
        content = self.cache.near(local_context(buffer.lines, buffer.x, buffer.y))
        if content is None:
            return
        shown, can_accept = to_show(content, buffer.lines, buffer.x, buffer.y)
        self._hint = _Hint(shown, can_accept, is_shown=True)
        self._show("\n".join(shown) if can_accept else "", cached)
        self._fim(now, (buffer.x, buffer.y), tuple(shown))

    def _fim(self, now: float, place: tuple[int, int] | None, previous: tuple[str, ...]) -> None:
        """Ask for a completion at a place, by default at the cursor."""
        if self._is_busy and not (self._busy_policy == "kill" and not previous):
            self._retry = (*(place or (-1, -1)), previous)
            self.retry_at = now + RETRY_SECONDS
            return
        buffer = self.buffer
        x, y = place or (buffer.x, buffer.y)
        if y >= len(buffer.lines):
            return
        local = local_context(buffer.lines, x, y, previous, last_indent=self._indent_last)
        if not previous and len(buffer.lines[y]) - x > MAX_LINE_SUFFIX:
            return
        keys = keys_of(local)
        if any(self.cache.get(key) is not None for key in keys):
            return
        self._indent_last = local.indent
        self.ring.drop_like(self.ring.part(self.ring.around(buffer)))
        if self._is_busy:
            self._cancel()
        self._is_busy = True
        limit = T_MAX_PREDICT_MS if previous else T_MAX_PREDICT_FIRST_MS
        kind = "speculative" if previous else "fim"
        self._send(VimRequest(kind, self._body(local, N_PREDICT, limit), tuple(keys)))
        if abs(y - self._picked_y) > 32:
            self._gather(y)

    def _gather(self, y: int) -> None:
        """Queue chunks of this file that the prompt does not show."""
        lines, name = self.buffer.lines, self.buffer.name
        above = lines[max(0, y - Ring.SCOPE_LINES) : max(1, y - N_PREFIX + 1)]
        below = lines[y + N_SUFFIX : y + N_SUFFIX + Ring.CHUNK_LINES + 1] or lines[-1:]
        self.ring.pick(name, above, evict=False)
        self.ring.pick(name, below, evict=False)
        self._picked_y = y

    def _body(self, local: Local, n_predict: int, t_max_predict_ms: int) -> dict[str, Any]:
        return {
            "id_slot": 0,
            "input_prefix": local.prefix,
            "input_suffix": local.suffix,
            "input_extra": self.ring.extra(),
            "prompt": local.middle,
            "n_predict": n_predict,
            "n_indent": max(local.indent, 0),
            "top_k": 40,
            "top_p": 0.90,
            "samplers": ["top_k", "top_p", "infill"],
            "stream": False,
            "cache_prompt": True,
            "t_max_prompt_ms": T_MAX_PROMPT_MS,
            "t_max_predict_ms": t_max_predict_ms,
            "seed": self._seed,
        }
