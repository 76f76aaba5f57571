"""textDocument/inlineCompletion: never null, never an error, the newest request first.

A handler takes its snapshot before its first await, so later edits cannot move the cursor under
it. What is known already is answered at once; the model runs on a thread of its own
(`server/requests/scheduler.py`), and the event loop only waits.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import replace

from lsprotocol import types as lsp

from homespun.models.types import Cancellation
from homespun.server.acceptance.suggestions import Suggestion, Suggestions
from homespun.server.lsp.documents import Documents
from homespun.server.lsp.protocol import InlineParams
from homespun.server.requests.answer_cache import AnswerCache, CachedAnswer
from homespun.server.requests.debounce import Debounce, is_urgent
from homespun.server.requests.manners import CURSOR_MOVED, DISMISSED, Manners
from homespun.server.requests.prefetch import Prefetch
from homespun.server.requests.request import Arrival, Ticket
from homespun.server.requests.scheduler import Job, Scheduler
from homespun.server.requests.snapshot import RequestSnapshot, Snapshots, because
from homespun.server.requests.target import CompletionTarget
from homespun.server.traces.trail import RequestTrail
from homespun.server.types import Completion

logger = logging.getLogger(__name__)


class InlineCompletions:
    """Turns requests into items: from what is known, or from the model."""

    def __init__(
        self,
        *,
        documents: Callable[[], Documents],
        target: Callable[[str, str], CompletionTarget],
        suggestions: Suggestions,
        clock: Callable[[], float] = time.monotonic,
        trails: Callable[[], RequestTrail | None] = lambda: None,
    ) -> None:
        """Ask `target`, with a document's uri and language id, who completes it.

        `trails` begins the trace of a request, where the user wants traces.
        """
        self._trails = trails
        self._snapshots = Snapshots(documents, target)
        self._suggestions = suggestions
        self._clock = clock
        self._scheduler = Scheduler()
        self._cache = AnswerCache()
        self._manners = Manners()
        self._debounce = Debounce(clock=clock)
        self.prefetch = Prefetch(
            self._scheduler, look=self._snapshots.view, failed=self._log_failure
        )
        self._newest: dict[str, Ticket] = {}  # by uri; only touched on the event loop
        self._failures: set[str] = set()  # kinds of failure that were logged with their trace
        self._numbers = itertools.count(1)
        self.last_arrival = Arrival("")
        self.last = because("")  # what the last request gave, or why nothing
        self.answered = 0
        self.from_cache = 0  # of the answered ones: without the model

    @property
    def last_finish(self) -> str:
        """Why the last request gave what it gave."""
        return self.last.finish

    async def complete(self, params: InlineParams) -> lsp.InlineCompletionList:
        """Answer a request; everything that goes wrong gives the empty list."""
        arrival = Arrival(params.text_document.uri, next(self._numbers), self._trails())
        try:
            return await self._complete(arrival, params)
        except asyncio.CancelledError:  # by the client
            self._note(arrival, _cancelled())
            raise
        except Exception as error:
            self._log_failure(error)
            return self._nothing(arrival, because(f"error:{type(error).__name__}"))

    async def _complete(self, arrival: Arrival, params: InlineParams) -> lsp.InlineCompletionList:
        self.retire(arrival.uri)
        now = self._snapshots
        while True:
            snapshot = now.taken(params)
            if isinstance(snapshot, Completion):
                return self._nothing(arrival, snapshot)
            ticket = self._ticket(arrival, snapshot)
            self.prefetch.moved(ticket.uri, snapshot.offset)
            if not self._is_written_at(ticket):
                self.prefetch.resting(ticket.uri)
                return self._nothing(arrival, because(CURSOR_MOVED))
            cached = self._known(ticket)
            if cached is not None:
                return self._answer(ticket, cached.completion, cached)
            on_display = self._on_display(ticket)
            completion, is_newest = await self._wait(ticket)
            completion = self._steady(ticket, completion, on_display)
            # Who waits has not typed on: another model, index or setting answers in its place.
            if not is_newest or now.is_stale(snapshot) or now.is_current(snapshot):
                return self._answer(ticket, completion)

    def edited(
        self, uri: str, offset: int | None, row: int | None = None, last_row: int | None = None
    ) -> None:
        """Note an edit that ends at `offset`: what is under way belongs to text that is gone.

        `row` and `last_row` are where it began and ended, 0-based.
        """
        self.retire(uri)
        rows = None if row is None or last_row is None else (row, last_row)
        self._manners.edited(uri, rows)
        if row is not None:
            self._snapshots.recent.edited(uri, row)
        self._debounce.typed()
        self.prefetch.moved(uri, offset)
        self.prefetch.resting(uri)

    def opened(self, uri: str) -> None:
        """Note that a document was opened."""
        self.retire(uri)
        self.prefetch.opened([uri])

    def closed(self, uri: str) -> None:
        """Note that a document was closed."""
        self.retire(uri)
        self._snapshots.recent.closed(uri)
        self._manners.closed(uri)
        self.prefetch.closed(uri)

    def dismissed(self, identifier: str, uri: str) -> None:
        """Note that the user took a suggestion away; without an id the one on display."""
        known = self._suggestions.get(identifier) or self._suggestions.displayed(uri)
        document = self._snapshots.document(known.uri) if known is not None else None
        if known is None or document is None:
            logger.debug("dismissed: a suggestion that is forgotten or another server's")
            return
        self._manners.dismissed(known.uri, document.source, known.offset, known.completion.text)
        self._suggestions.forget_live(known.uri)

    def retire(self, uri: str) -> None:
        """Answer a document's request in progress with nothing; the model stops within a step."""
        ticket = self._newest.pop(uri, None)
        if ticket is not None:
            self._break_off(ticket)

    def forget(self) -> None:
        """Forget what was answered: the repository has changed. What is on display stays."""
        self._cache.clear(but_the_last=bool(self._suggestions.live()))

    def renew(self) -> None:
        """Begin anew where the model or the settings are others, and make the documents ready."""
        self._cache.clear()
        for ticket in reversed(list(self._newest.values())):
            if not self._snapshots.is_current(ticket.snapshot):
                # It is still its document's newest: `_complete` asks anew, in this order.
                self._break_off(ticket)
        self.prefetch.forget()
        self.prefetch.opened(self._snapshots.uris())

    def busy(self) -> bool:
        """Say whether the model is at work or about to be."""
        return bool(self._newest) or self._scheduler.running()

    def running(self) -> bool:
        """Say whether the scheduler thread is inside a completion."""
        return self._scheduler.running()

    def close(self) -> None:
        """Stop everything; requests still waiting are answered with nothing."""
        for uri in list(self._newest):
            self.retire(uri)
        self.prefetch.forget()
        self._scheduler.close()

    def _ticket(self, arrival: Arrival, snapshot: RequestSnapshot) -> Ticket:
        loop = asyncio.get_running_loop()
        ticket = Ticket(
            arrival=arrival,
            snapshot=snapshot,
            began=self._clock(),
            answer=loop.create_future(),
            job=Job(lambda stop: self._run(ticket, stop, loop), arrival.number),
        )
        if arrival.trail is not None:
            arrival.trail.admit(snapshot.request)
        return ticket

    def _known(self, ticket: Ticket) -> CachedAnswer | None:
        """Return the answer, or the rest of one, that is known; who asks by hand asks anew."""
        if ticket.request.explicit:
            return None
        return self._cache.find(ticket.key, ticket.request.text, ticket.request.offset)

    def _is_written_at(self, ticket: Ticket) -> bool:
        """Say whether the cursor stands where somebody writes, and does not only move."""
        snapshot, request = ticket.snapshot, ticket.request
        document = self._snapshots.document(ticket.uri)
        if document is None or snapshot.lead:  # who walks through the suggest widget asks
            return True
        return self._manners.follows_an_edit(
            ticket.uri, document.source, snapshot.offset, explicit=request.explicit
        )

    def _on_display(self, ticket: Ticket) -> Completion | None:
        """Return the last characters of an answer that was cut, for which the model is asked."""
        request = ticket.request
        if request.explicit:
            return None
        found = self._cache.find(ticket.key, request.text, request.offset, is_on_display=True)
        return found.completion if found is not None else None

    def _steady(
        self, ticket: Ticket, completion: Completion, on_display: Completion | None
    ) -> Completion:
        """Return an answer that does not change what is on display, only what follows it."""
        is_broken_off = completion.finish == "cancelled"
        if on_display is None or is_broken_off or completion.text.startswith(on_display.text):
            return completion
        request = ticket.request
        self._cache.remember(ticket.key, request.text, request.offset, on_display)
        return on_display

    async def _wait(self, ticket: Ticket) -> tuple[Completion, bool]:
        """Return what comes of a request, and whether neither an edit nor a newer one came."""
        self._newest[ticket.uri] = ticket
        try:
            completion = await self._ask(ticket)
        except asyncio.CancelledError:
            self._scheduler.cancel(ticket.job)
            self.prefetch.resting(ticket.uri)
            raise
        finally:
            is_newest = self._newest.get(ticket.uri) is ticket
            if is_newest:
                del self._newest[ticket.uri]
        return completion, is_newest

    def _break_off(self, ticket: Ticket) -> None:
        self._scheduler.cancel(ticket.job)
        ticket.settle(_cancelled())

    async def _ask(self, ticket: Ticket) -> Completion:
        """Have the scheduler answer, unless a newer request comes while this one may wait."""
        request = ticket.request
        urgent = request.explicit or is_urgent(request.text[: request.offset])
        delay = self._debounce.delay(urgent=urgent)
        if delay > 0:
            await asyncio.wait({ticket.answer}, timeout=delay)
        if not ticket.answer.done() and not self._scheduler.request(ticket.job):
            return _cancelled()
        return await ticket.answer

    def _run(self, ticket: Ticket, stop: Cancellation, loop: asyncio.AbstractEventLoop) -> None:
        """Have the model answer; on the scheduler's thread."""
        began = self._clock()
        if (trail := ticket.arrival.trail) is not None:
            trail.run()
        try:
            completion = ticket.snapshot.completer.complete(ticket.request, cancelled=stop)
        except Exception as error:
            self._log_failure(error)
            completion = Completion("", f"error:{type(error).__name__}", model="")
        try:
            loop.call_soon_threadsafe(self._arrived, ticket, completion, self._clock() - began)
        except RuntimeError:  # the loop has ended, and with it whoever asked
            logger.debug("a completion came after the end")

    def _arrived(self, ticket: Ticket, completion: Completion, seconds: float) -> None:
        """Take what the scheduler's thread brings."""
        try:
            self._learn(ticket, completion, seconds)
        except Exception as error:
            self._log_failure(error)
        ticket.settle(completion)

    def _learn(self, ticket: Ticket, completion: Completion, seconds: float) -> None:
        """Remember an answer, though it may come too late: it may say what is typed next."""
        request = ticket.request
        is_whole = completion.finish != "cancelled"
        is_typical = not request.others  # who types is not kept waiting for other answers
        if is_typical and (completion.tokens.get("prompt") or not is_whole):  # the model was asked
            self._debounce.served(seconds, whole=is_whole)
        # Arrival by hand, the model is silent for other reasons.
        is_worth_it = bool(completion.text) or not request.explicit
        is_failure = completion.finish.startswith("error:")
        if is_whole and is_worth_it and not is_failure:
            completion = replace(completion, id=request.id, others=())
            self._cache.remember(ticket.key, request.text, request.offset, completion)

    def _answer(
        self, ticket: Ticket, completion: Completion, cached: CachedAnswer | None = None
    ) -> lsp.InlineCompletionList:
        """Make the list; the editor's document may have moved on while the model was at work."""
        document = self._snapshots.document(ticket.uri)
        if not completion.text:
            if completion.finish != "cancelled":  # else there is a newer request
                self.prefetch.resting(ticket.uri)
            return self._nothing(ticket.arrival, completion)
        if document is None or self._snapshots.is_stale(ticket.snapshot):
            late = replace(completion, text="", finish="filtered:stale-version")
            return self._nothing(ticket.arrival, late)
        if not self._snapshots.is_current(ticket.snapshot):
            return self._nothing(ticket.arrival, replace(completion, text="", finish="cancelled"))
        others = [replace(each, id=uuid.uuid4().hex) for each in completion.others]
        if not self._may_be_shown(ticket, completion, document.source):
            self.prefetch.resting(ticket.uri)
            dismissed = replace(completion, text="", finish=DISMISSED)
            return self._nothing(ticket.arrival, dismissed)
        identifier = self._followed(ticket, completion, others, cached, document.source)
        completion = replace(completion, id=identifier)
        self._note(ticket.arrival, completion)
        self.answered += 1
        self.from_cache += cached is not None
        self.prefetch.resting(ticket.uri, completion.text)
        return lsp.InlineCompletionList(items=[ticket.item(each) for each in (completion, *others)])

    def _may_be_shown(self, ticket: Ticket, completion: Completion, text: str) -> bool:
        snapshot = ticket.snapshot
        return self._manners.allows(
            ticket.uri, text, snapshot.offset, completion.text, explicit=ticket.request.explicit
        )

    def _followed(
        self,
        ticket: Ticket,
        completion: Completion,
        others: Sequence[Completion],
        cached: CachedAnswer | None,
        text: str,
    ) -> str:
        """Follow what becomes of a suggestion; return its id, for the rest that of the whole."""
        request, snapshot = ticket.request, ticket.snapshot
        if cached is not None and self._suggestions.resumed(
            completion.id, cached.typed_chars, snapshot.offset, lead=snapshot.lead, text=text
        ):
            return completion.id
        ms = (self._clock() - ticket.began) * 1000
        first, *rest = (
            Suggestion(
                each.id, ticket.uri, snapshot.offset, each, snapshot.lead, request.language, ms
            )
            for each in (replace(completion, id=request.id), *others)
        )
        self._suggestions.add(first, text, others=rest)
        return request.id

    def _nothing(self, arrival: Arrival, completion: Completion) -> lsp.InlineCompletionList:
        logger.debug("no completion: %s", completion.finish)
        self._note(arrival, completion)
        return lsp.InlineCompletionList(items=[])

    def _note(self, arrival: Arrival, completion: Completion) -> None:
        if arrival.trail is not None:
            arrival.trail.end(completion)
        if arrival.number >= self.last_arrival.number:
            self.last_arrival, self.last = arrival, completion

    def _log_failure(self, error: Exception) -> None:
        """Log a failure with its trace once; a key press later it is old news."""
        kind = f"{type(error).__module__}.{type(error).__qualname__}"
        if kind in self._failures:
            logger.debug("the completion failed again: %s", kind)
            return
        self._failures.add(kind)
        logger.error("the completion failed: %s", error, exc_info=error)


def _cancelled() -> Completion:
    return because("cancelled")
