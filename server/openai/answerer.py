"""From a question to a completion: one model, one thread; of a client's questions the newest.

What a client asks a second time while it waits is asked once. What nobody waits for any more, as
the connection was closed or the client has asked something else, ends inside a step of the model.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Hashable
from dataclasses import dataclass, replace

from homespun.models.types import Cancellation
from homespun.server.completion.completer import Completer
from homespun.server.openai.find_file import FileFinder, Found
from homespun.server.openai.question import CursorQuestion
from homespun.server.requests.answer_cache import AnswerCache
from homespun.server.requests.scheduler import Job, Scheduler
from homespun.server.traces.trail import complete_traced
from homespun.server.types import Completion, CompletionRequest

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Answered:
    """A completion, and of which document."""

    completion: Completion
    path: str = ""
    language: str = ""


@dataclass(eq=False, slots=True)
class _Flight:
    """A question under way."""

    question: CursorQuestion
    answer: asyncio.Future[Answered]
    job: Job
    waiting: int = 0  # how many wait for the answer


class Answerer:
    """Answers questions with a completer; its methods belong on one event loop."""

    def __init__(self, completer: Completer, finder: FileFinder, *, max_tokens: int) -> None:
        """`max_tokens` is the longest answer by the settings; a question may ask for a shorter."""
        self._completer = completer
        self._finder = finder
        self._max_tokens = max_tokens
        self._scheduler = Scheduler()
        self._cache = AnswerCache()  # of the scheduler's thread
        self._is_outdated = threading.Event()
        self._flights: dict[Hashable, _Flight] = {}  # the newest of each client
        self._preparation: Job | None = None

    async def answer(self, client: Hashable, question: CursorQuestion) -> Answered:
        """Return the answer; a question that a newer one of the client's ends gets an empty one.

        Raises what the completer does.
        """
        flight = self._flights.get(client)
        if flight is None or flight.answer.done() or flight.question != question:
            if flight is not None:
                self._end(flight)
            flight = self._flights[client] = self._begin(question)
        flight.waiting += 1
        try:
            return await asyncio.shield(flight.answer)
        finally:
            flight.waiting -= 1
            if not flight.waiting:
                self._end(flight)
                if self._flights.get(client) is flight:
                    del self._flights[client]

    def busy(self) -> bool:
        """Say whether the model is at work or about to be."""
        return bool(self._flights) or self._scheduler.running()

    def forget(self) -> None:
        """Forget what was answered: the repository has changed. Safe on any thread."""
        self._is_outdated.set()

    def close(self) -> None:
        """Stop; who waits is answered with nothing."""
        for flight in self._flights.values():
            self._end(flight)
        self._scheduler.close()

    def _begin(self, question: CursorQuestion) -> _Flight:
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Answered] = loop.create_future()

        def work(stop: Cancellation) -> None:
            try:
                found, failure = self._answer(question, stop), None
            except Exception as error:
                logger.error("a completion failed: %s", error, exc_info=error)
                found, failure = Answered(Completion("", "error", model="")), error
            try:
                loop.call_soon_threadsafe(_settle, answer, found, failure)
            except RuntimeError:  # the loop has ended, and with it whoever asked
                logger.debug("an answer came after the end")

        job = Job(work)
        if not self._scheduler.request(job):
            _settle(answer, _cancelled(), None)
        return _Flight(question, answer, job)

    def _end(self, flight: _Flight) -> None:
        """Break a question off, unless it is answered."""
        self._scheduler.cancel(flight.job)
        _settle(flight.answer, _cancelled(), None)

    def _answer(self, question: CursorQuestion, stop: Cancellation) -> Answered:
        """Find the file, complete in it; on the scheduler's thread."""
        if self._is_outdated.is_set():
            self._is_outdated.clear()
            self._cache.clear()
        found = self._finder.find(
            question.before, question.after, path=question.path, language=question.language
        )
        request = self._request(found, question)
        completion = self._known(request) or complete_traced(
            self._completer, request, cancelled=stop
        )
        if completion.finish == "cancelled":
            return Answered(completion, found.path, found.language)
        self._cache.remember(self._key(request), request.text, request.offset, completion)
        text, is_cut = _cut_at_stops(completion.text, question.stop)
        if text:
            self._make_ready(request, text)
        finish = "stop" if is_cut else completion.finish
        return Answered(replace(completion, text=text, finish=finish), found.path, found.language)

    def _request(self, found: Found, question: CursorQuestion) -> CompletionRequest:
        asked = question.max_tokens
        return CompletionRequest(
            found.before + found.after,
            len(found.before),
            path=found.path,
            language=found.language,
            max_tokens=asked if asked is not None and asked < self._max_tokens else None,
        )

    def _known(self, request: CompletionRequest) -> Completion | None:
        cached = self._cache.find(self._key(request), request.text, request.offset)
        return cached.completion if cached is not None else None

    def _key(self, request: CompletionRequest) -> Hashable:
        return self._completer.key(request)

    def _make_ready(self, request: CompletionRequest, accepted: str) -> None:
        """Have the model read the text as it would be with the answer; a question goes before."""

        def work(stop: Cancellation) -> None:
            try:
                self._completer.prepare(request, accepted=accepted, cancelled=stop)
            except Exception as error:
                logger.error("a preparation failed: %s", error, exc_info=error)

        if self._preparation is not None:
            self._scheduler.cancel(self._preparation)
        self._preparation = Job(work)
        self._scheduler.prepare(self._preparation)


def _settle(answer: asyncio.Future[Answered], found: Answered, failure: Exception | None) -> None:
    if answer.done():
        return
    if failure is not None:
        answer.set_exception(failure)
    else:
        answer.set_result(found)


def _cancelled() -> Answered:
    return Answered(Completion("", "cancelled", model=""))


def _cut_at_stops(text: str, stops: tuple[str, ...]) -> tuple[str, bool]:
    """Cut before the first of the stop strings; say whether there was one."""
    ends = [place for stop in stops if (place := text.find(stop)) >= 0]
    return (text[: min(ends)], True) if ends else (text, False)
