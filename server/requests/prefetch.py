"""Makes the model ready ahead of need: on open, while the cursor rests, for what may be accepted.

Runs on the event loop; the preparing itself is the lowest priority of the scheduler, one at a time,
and any request breaks it off. A document that is opened is prepared as if somebody were to write
on at its end: where all of it fits the prompt, every later cursor has what stands before it ready.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections import deque
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from hashlib import blake2b

from homespun.models.types import Cancellation
from homespun.server.requests.scheduler import Job, Scheduler
from homespun.server.types import CompletionRequest

logger = logging.getLogger(__name__)

REST_SECONDS = 0.3  # without a key or a request: the cursor rests
SHOWN_SECONDS = 0.15  # a suggestion that stood so long is being read, not typed over
_MAX_DOCUMENTS = 4  # that wait: opening a session's twenty files prepares the last of them
_REMEMBERED = 8  # states that are ready


@dataclass(frozen=True, slots=True)
class View:
    """A document as it is now, and who prepares it."""

    prepare: Callable[[CompletionRequest, str, Cancellation], bool]
    request: CompletionRequest
    key: Hashable  # what shapes an answer beside the text


@dataclass(eq=False, slots=True)
class _Wish:
    """A cursor to be made ready."""

    uri: str
    offset: int | None  # None = the end of the document
    accepted: str = ""  # as if this were inserted there
    job: Job | None = None  # once the scheduler has it


class Prefetch:
    """Decides what is prepared and when."""

    def __init__(
        self,
        scheduler: Scheduler,
        *,
        look: Callable[[str, int | None], View | None],
        failed: Callable[[Exception], None],
        rest_seconds: float = REST_SECONDS,
        shown_seconds: float = SHOWN_SECONDS,
    ) -> None:
        """`look`, with a URI and an offset, returns None where nothing is to be prepared.

        `failed` logs what went wrong, on any thread: nobody asked, so nobody is troubled.
        """
        self._scheduler = scheduler
        self._look = look
        self._failed = failed
        self._rest_seconds = rest_seconds
        self._shown_seconds = shown_seconds
        self._offsets: dict[str, int] = {}  # the last known cursors
        self._timers: dict[str, list[asyncio.TimerHandle]] = {}
        self._wishes: list[_Wish] = []  # the most wanted one last
        self._under_way: _Wish | None = None
        self._ready: deque[Hashable] = deque(maxlen=_REMEMBERED)
        self.prepared = 0

    def opened(self, uris: Iterable[str]) -> None:
        """Prepare documents, the last one first: at its last known cursor, else at its end."""
        for uri in list(uris):
            self.moved(uri, None)
            self._wish(_Wish(uri, self._offsets.get(uri)))
        self._next()

    def moved(self, uri: str, offset: int | None) -> None:
        """Note an edit or a request: what was to be prepared of this document is old."""
        if offset is not None:
            self._offsets[uri] = offset
        for timer in self._timers.pop(uri, ()):
            timer.cancel()
        self._wishes = [wish for wish in self._wishes if wish.uri != uri]
        if self._under_way is not None and self._under_way.uri == uri:
            self._break_off()
            self._next()

    def resting(self, uri: str, accepted: str = "") -> None:
        """Prepare soon, if nothing happens until then; `accepted` is a suggestion on display."""
        offset = self._offsets.get(uri)
        if offset is None:
            return
        for timer in self._timers.pop(uri, ()):
            timer.cancel()
        later = asyncio.get_running_loop().call_later
        timers = [later(self._rest_seconds, self._due, _Wish(uri, offset))]
        if accepted:
            timers.append(later(self._shown_seconds, self._due, _Wish(uri, offset, accepted)))
        self._timers[uri] = timers

    def closed(self, uri: str) -> None:
        """Forget a document."""
        self.moved(uri, None)
        self._offsets.pop(uri, None)

    def forget(self) -> None:
        """Drop everything but the cursors: the model or the settings are others."""
        for timer in itertools.chain(*self._timers.values()):
            timer.cancel()
        self._timers.clear()
        self._wishes.clear()
        self._ready.clear()
        self._break_off()

    def _due(self, wish: _Wish) -> None:
        self._wish(wish)
        self._next()

    def _wish(self, wish: _Wish) -> None:
        self._wishes.append(wish)
        newest = dict.fromkeys(wish.uri for wish in reversed(self._wishes))
        kept = list(newest)[:_MAX_DOCUMENTS]
        self._wishes = [wish for wish in self._wishes if wish.uri in kept]

    def _break_off(self) -> None:
        wish, self._under_way = self._under_way, None
        if wish is not None and wish.job is not None:
            self._scheduler.cancel(wish.job)

    def _next(self) -> None:
        """Give the scheduler the next wish that is not fulfilled yet."""
        while self._wishes and self._under_way is None:
            wish = self._wishes.pop()
            try:
                view = self._look(wish.uri, wish.offset)
            except Exception as error:
                self._failed(error)
                continue
            state = _state(wish, view) if view is not None else None
            if view is not None and state not in self._ready:
                self._begin(wish, view, state)

    def _begin(self, wish: _Wish, view: View, state: Hashable) -> None:
        loop = asyncio.get_running_loop()

        def work(stop: Cancellation) -> None:
            is_ready = False
            try:
                is_ready = view.prepare(view.request, wish.accepted, stop)
            except Exception as error:
                self._failed(error)
            try:
                loop.call_soon_threadsafe(self._done, wish, state, is_ready)
            except RuntimeError:
                logger.debug("a preparation ended after the event loop")

        wish.job = Job(work)
        self._under_way = wish
        self._scheduler.prepare(wish.job)

    def _done(self, wish: _Wish, state: Hashable, is_ready: bool) -> None:
        if self._under_way is not wish:  # broken off by us, the document is another by now
            return
        self._under_way = None
        assert wish.job is not None  # it ran
        if is_ready or not wish.job.stop():
            self._ready.append(state)
            self.prepared += is_ready
        else:  # broken off by a request: what was done stays done, the rest comes after it
            self._wishes.append(_Wish(wish.uri, wish.offset, wish.accepted))
        self._next()


def _state(wish: _Wish, view: View) -> Hashable:
    """Return what is made ready: the key and the document around the cursor, as if accepted."""
    request = view.request
    before = request.text[: request.offset] + wish.accepted
    hashes = [
        blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
        for text in (before, request.text[request.offset :])
    ]
    return (wish.uri, view.key, *hashes)
