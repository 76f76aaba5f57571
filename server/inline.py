"""textDocument/inlineCompletion: never null, never an error, the newest request first.

A handler takes its snapshot before its first await, so later edits cannot move the cursor under
it. One worker thread runs the model; the event loop only waits.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import unquote

from lsprotocol import types as lsp

from homespun.server.acceptance import Suggestion, Suggestions
from homespun.server.documents import Documents
from homespun.server.positions import offset_at
from homespun.server.protocol import InlineParams
from homespun.server.types import Completion, CompletionRequest

logger = logging.getLogger(__name__)

ACCEPTED_COMMAND = "homespun.accepted"


class Completes(Protocol):
    """What answers one request; `homespun.server.complete.Completer` does."""

    def complete(
        self, request: CompletionRequest, *, cancelled: Callable[[], bool] = ...
    ) -> Completion:
        """Return the completion, or why there is none."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a document belongs and who completes it; `completer` None = not now, because."""

    completer: Completes | None
    path: str  # relative to the workspace folder, "" outside of any
    language: str
    because: str = ""  # a `finish`, e.g. "filtered:loading-model"


@dataclass(slots=True)
class _Ticket:
    """One request on its way."""

    uri: str
    request: CompletionRequest
    completer: Completes
    region: lsp.Range  # what the item replaces
    version: int | None
    lead: str  # text of the selected entry of the suggest widget; the item begins with it
    answer: asyncio.Future[Completion]
    stop: threading.Event = field(default_factory=threading.Event)


class InlineCompletions:
    """Queues requests for the one worker and turns completions into items."""

    def __init__(
        self,
        *,
        documents: Callable[[], Documents],
        place: Callable[[str, str], Place],
        suggestions: Suggestions,
    ) -> None:
        """Ask `place`, with a document's uri and language id, who completes it."""
        self._documents = documents
        self._place = place
        self._suggestions = suggestions
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="homespun-complete")
        self._lock = threading.Lock()
        self._waiting: list[_Ticket] = []  # newest last; guarded by the lock
        self._newest: dict[str, _Ticket] = {}  # by uri; only touched on the event loop
        self._running = False
        self._failures: set[str] = set()  # kinds of failure that were logged with their trace
        self.last_finish = ""  # why the last request gave what it gave
        self.last_timings_ms: dict[str, float] = {}
        self.answered = 0
        self._kinds = TriggerKinds()

    async def complete(self, params: InlineParams) -> lsp.InlineCompletionList:
        """Answer a request; everything that goes wrong gives the empty list."""
        uri = params.text_document.uri
        try:
            self.retire(uri)
            ticket = self._admit(params)
        except Exception as error:
            self._log_failure(error)
            ticket = f"error:{type(error).__name__}"
        if isinstance(ticket, str):
            return self._nothing(ticket)
        try:
            completion = await ticket.answer
        except asyncio.CancelledError:
            self._stop(ticket)
            raise
        finally:
            if self._newest.get(uri) is ticket:
                del self._newest[uri]
        return self._answer(ticket, completion)

    def retire(self, uri: str) -> None:
        """Answer a document's request in progress with nothing; the model stops within a step."""
        ticket = self._newest.pop(uri, None)
        if ticket is not None:
            self._stop(ticket)
            _settle(ticket.answer, _cancelled())

    def busy(self) -> bool:
        """Say whether the model is at work or about to be."""
        return bool(self._newest)

    def running(self) -> bool:
        """Say whether the worker thread is inside a completion."""
        return self._running

    def close(self) -> None:
        """Stop everything; requests still waiting are answered with nothing."""
        for uri in list(self._newest):
            self.retire(uri)
        self._executor.shutdown(wait=False, cancel_futures=True)

    def _admit(self, params: InlineParams) -> _Ticket | str:
        """Take the snapshot and queue it; a string says why not."""
        document = self._documents().text_documents.get(unquote(params.text_document.uri))
        if document is None:
            return "filtered:not-open"
        if params.text_document.version not in (None, document.version):
            return "filtered:stale-version"
        encoding = str(document.position_codec.encoding)
        offset = offset_at(document.lines, params.position, encoding)
        if offset is None:
            return "filtered:cursor-out-of-range"
        is_explicit = self._kinds.is_explicit(params.context.trigger_kind)
        text, lead = document.source, ""
        region = lsp.Range(_copy(params.position), _copy(params.position))
        selected = params.context.selected_completion_info
        if selected is not None:
            start = offset_at(document.lines, selected.range.start, encoding)
            end = offset_at(document.lines, selected.range.end, encoding)
            if start is None or end is None or not start <= offset <= end:
                return "filtered:selection-out-of-range"
            region, lead = selected.range, selected.text
            text = text[:start] + lead + text[end:]
            offset = start + len(lead)
        place = self._place(document.uri, document.language_id or "")
        if place.completer is None:
            return place.because
        ticket = _Ticket(
            uri=params.text_document.uri,
            request=CompletionRequest(
                text,
                offset,
                path=place.path,
                language=place.language,
                id=uuid.uuid4().hex,
                explicit=is_explicit,
            ),
            completer=place.completer,
            region=region,
            version=document.version,
            lead=lead,
            answer=asyncio.get_running_loop().create_future(),
        )
        self._newest[ticket.uri] = ticket
        with self._lock:
            self._waiting.append(ticket)
        try:
            self._executor.submit(self._work, asyncio.get_running_loop())
        except RuntimeError:  # shut down: the process is about to end
            return "cancelled"
        return ticket

    def _work(self, loop: asyncio.AbstractEventLoop) -> None:
        """Run the newest request that waits; on the worker thread."""
        with self._lock:
            if not self._waiting:
                return
            ticket = self._waiting.pop()
        self._running = True
        try:
            completion = ticket.completer.complete(ticket.request, cancelled=ticket.stop.is_set)
        except Exception as error:
            self._log_failure(error)
            completion = Completion("", f"error:{type(error).__name__}", model="")
        finally:
            self._running = False
        try:
            loop.call_soon_threadsafe(_settle, ticket.answer, completion)
        except RuntimeError:  # the loop has ended, and with it whoever asked
            logger.debug("a completion came after the end")

    def _stop(self, ticket: _Ticket) -> None:
        ticket.stop.set()
        with self._lock:
            if ticket in self._waiting:
                self._waiting.remove(ticket)

    def _answer(self, ticket: _Ticket, completion: Completion) -> lsp.InlineCompletionList:
        document = self._documents().text_documents.get(unquote(ticket.uri))
        self.last_timings_ms = completion.timings_ms
        if not completion.text:
            return self._nothing(completion.finish)
        if document is None or document.version != ticket.version:
            return self._nothing("filtered:stale-version")
        self.last_finish = completion.finish
        self.answered += 1
        self._suggestions.add(
            Suggestion(ticket.request.id, ticket.uri, ticket.request.offset, completion)
        )
        item = lsp.InlineCompletionItem(
            insert_text=ticket.lead + completion.text,
            range=ticket.region,
            command=lsp.Command(
                title="Suggestion accepted",
                command=ACCEPTED_COMMAND,
                arguments=[ticket.request.id],
            ),
        )
        return lsp.InlineCompletionList(items=[item])

    def _nothing(self, because: str) -> lsp.InlineCompletionList:
        logger.debug("no completion: %s", because)
        self.last_finish = because
        return lsp.InlineCompletionList(items=[])

    def _log_failure(self, error: Exception) -> None:
        """Log a failure with its trace once; a key press later it is old news."""
        kind = f"{type(error).__module__}.{type(error).__qualname__}"
        if kind in self._failures:
            logger.debug("the completion failed again: %s", kind)
            return
        self._failures.add(kind)
        logger.error("the completion failed: %s", error, exc_info=error)


class TriggerKinds:
    """Tells asked-for from automatic requests in both dialects.

    LSP 3.18 sends 1 and 2, older clients send 0 and 1: what a 1 means shows once a client has sent
    one of the others. Until then it counts as automatic, which only means that filters hold.
    """

    def __init__(self) -> None:
        self._explicit: int | None = None

    def is_explicit(self, kind: object) -> bool:
        """Say whether the user asked for this completion."""
        if kind == 0:
            self._explicit = 0
        elif kind == 2:
            self._explicit = 1
        return self._explicit is not None and kind == self._explicit


def _settle(answer: asyncio.Future[Completion], completion: Completion) -> None:
    if not answer.done():
        answer.set_result(completion)


def _cancelled() -> Completion:
    return Completion("", "cancelled", model="")


def _copy(position: lsp.Position) -> lsp.Position:
    return lsp.Position(position.line, position.character)
