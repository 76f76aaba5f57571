"""Both at once: the first answer that can be shown; the other one is ended on the spot."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from queue import Empty, SimpleQueue

from homespun.models.errors import RemoteError
from homespun.models.remote.route.question import (
    LOCAL,
    REMOTE,
    AsksHere,
    AsksThere,
    RoutedQuestion,
    Who,
    is_usable,
)
from homespun.models.types import Cancellation, Generation

GRACE_SECONDS = 0.1  # the server's answer is the better one, and nobody sees a tenth of a second
_POLL_SECONDS = 0.02  # how often a plain `cancelled` is asked

_News = tuple[Who, Generation | BaseException] | None  # None: who asked has left


def race(
    question: RoutedQuestion,
    cancelled: Callable[[], bool],
    *,
    here: AsksHere,
    there: AsksThere,
    timeout_ms: int,
    grace_seconds: float = GRACE_SECONDS,
    clock: Callable[[], float] = time.monotonic,
) -> Generation:
    """Ask both and return who comes first; the server's where it comes within the grace.

    Each is asked in a thread of its own and has ended, or soon will have, when this returns. Raises
    what the model here raises.
    """
    news: SimpleQueue[_News] = SimpleQueue()
    ends = {LOCAL: Cancellation(), REMOTE: Cancellation()}
    runs: dict[Who, Callable[[], Generation]] = {
        LOCAL: lambda: here(ends[LOCAL]),
        REMOTE: lambda: there(ends[REMOTE], within_ms=timeout_ms),
    }
    try:
        with _told(cancelled, news):
            for who, run in runs.items():
                name = f"homespun-race-{who}"
                threading.Thread(
                    target=_report, args=(who, run, news), name=name, daemon=True
                ).start()
            return _winner(question, _Arrivals(news, cancelled, clock), grace_seconds)
    finally:
        for end in ends.values():
            end.cancel()


class _Left(Exception):
    """Who asked has left."""


class _Arrivals:
    """Waits for answers."""

    def __init__(
        self,
        news: SimpleQueue[_News],
        cancelled: Callable[[], bool],
        clock: Callable[[], float],
    ) -> None:
        self._news, self._cancelled, self.clock = news, cancelled, clock

    def next(self, until: float | None) -> tuple[Who, Generation | BaseException] | None:
        """Return the next answer, None where none has come `until` then. Raises `_Left`."""
        while not self._cancelled():
            left = None if until is None else until - self.clock()
            if left is not None and left <= 0:
                return None
            try:
                told = self._news.get(
                    timeout=_POLL_SECONDS if left is None else min(left, _POLL_SECONDS)
                )
            except Empty:
                continue
            if told is None:
                break
            return told
        raise _Left


def _winner(question: RoutedQuestion, arrivals: _Arrivals, grace_seconds: float) -> Generation:
    answers: dict[Who, Generation] = {}
    until: float | None = None
    trouble = ""
    try:
        for _ in (LOCAL, REMOTE):
            arrived = arrivals.next(until)
            if arrived is None:
                break
            who, answer = arrived
            if isinstance(answer, RemoteError):
                trouble = str(answer)
                continue
            if isinstance(answer, BaseException):
                raise answer
            answers[who] = answer
            if who == REMOTE and is_usable(answer):
                break
            if who == LOCAL and is_usable(answer):
                until = arrivals.clock() + grace_seconds
    except _Left:
        return question.cancelled()
    return _told_why(answers, trouble, question)


def _told_why(answers: dict[Who, Generation], trouble: str, question: RoutedQuestion) -> Generation:
    """Return the answer to show, with the sentence on why it is that one."""
    here, there = answers.get(LOCAL), answers.get(REMOTE)
    if there is not None and is_usable(there):
        why = "your server answered before the model here, or as good as at the same time"
        return replace(there, route=REMOTE, route_why=why, instead=here)
    if here is None:
        return replace(there, route=REMOTE) if there is not None else question.cancelled()
    if trouble:
        why = f"your server did not help: {trouble}"
    elif there is not None:
        why = "your server wrote nothing"
    else:
        why = "the model here answered before your server"
    return replace(here, route=LOCAL, route_why=why)


def _report(who: Who, run: Callable[[], Generation], news: SimpleQueue[_News]) -> None:
    try:
        news.put((who, run()))
    except BaseException as error:  # raised again by who waits for it
        news.put((who, error))


@contextmanager
def _told(cancelled: Callable[[], bool], news: SimpleQueue[_News]) -> Iterator[None]:
    """Have a `Cancellation` wake who waits for news."""
    if not isinstance(cancelled, Cancellation):
        yield
        return
    cancelled.on_cancel(lambda: news.put(None))
    try:
        yield
    finally:
        cancelled.on_cancel(None)
