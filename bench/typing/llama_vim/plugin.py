"""llama.vim's policy as published (autoload/llama.vim, January 2026), written anew. No I/O.

What it asks the server and when, what it keeps, and what it shows: the local context, the cache of
results with its look back, the speculative request as if the suggestion were accepted, the ring of
chunks from other files, and the suggestions that it withholds. Names follow the original where one
may want to compare. As published: while a request is under way no other is sent, the newest is
tried again every 100 ms; `kill` closes the running request instead, as its older versions did.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from bench.typing.llama_vim.cache import ResultCache, keys_of
from bench.typing.llama_vim.context import N_PREFIX, N_SUFFIX, Buffer, Local, local_context
from bench.typing.llama_vim.ring import Ring
from bench.typing.llama_vim.suggestion import to_show

POLICY = "llama.vim a1c8e6e40cb4, 2026-01-31"
N_PREDICT = 128  # tokens
T_MAX_PROMPT_MS = 500
T_MAX_PREDICT_FIRST_MS = 250
T_MAX_PREDICT_MS = 1000
MAX_LINE_SUFFIX = 8  # characters right of the cursor
RETRY_SECONDS = 0.1

Busy = Literal["wait", "kill"]


@dataclass(frozen=True, slots=True)
class VimRequest:
    """What is sent to the server, and the keys its answer is kept under."""

    kind: str  # "fim", "speculative" or "ring"
    body: dict[str, Any]
    keys: tuple[str, ...] = ()


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


@dataclass(slots=True)
class _Hint:
    lines: list[str] = field(default_factory=list)
    can_accept: bool = False
    is_shown: bool = False
