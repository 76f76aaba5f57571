"""Requests to one server: a deadline, retries before the first byte, sentences for what fails.

No sentence holds a header, a key, a path of the address or anything that the server said, beside
the short message of an error in JSON, from which what was sent along as secret is taken out.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from queue import Empty
from typing import Any

from homespun.models.errors import RemoteError, RemoteFailed, RemoteRefused
from homespun.models.remote.wire.address import Address
from homespun.models.remote.wire.breaker import CircuitBreaker
from homespun.models.remote.wire.exchange import (
    AnswerHead,
    Connections,
    Ended,
    Exchange,
    Left,
    Line,
    News,
)
from homespun.models.remote.wire.setting_names import COMPLETES, SettingNames
from homespun.models.types import Cancellation
from homespun.parsing import parse_json
from homespun.showable import showable_line

_RETRIES = 2
_FIRST_PAUSE_SECONDS = 0.1  # before a retry, doubled each time, with jitter of a half
_POLL_SECONDS = 0.02  # how often a plain `cancelled` is asked
_MAX_MESSAGE_CHARS = 200
_MAX_BODY_BYTES = 4_000_000  # of an answer that is not streamed
_MAX_ERROR_BYTES = 20_000
_FOR_GOOD = (400, 401, 403, 404, 405, 413, 422)  # asking the same again gets the same
_TRANSIENT = (408, 429, 500, 502, 503, 504)


class Cancelled(Exception):
    """Who asked has cancelled; not an error."""


class TimedOut(RemoteFailed):
    """The time was up."""


class LeftAlone(RemoteFailed):
    """Nothing was sent: the server has failed too often of late."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How long an answer is waited for."""

    deadline: float  # by the client's clock, in seconds
    cancelled: Callable[[], bool]
    retries: int = _RETRIES
    is_whole: bool = False  # what has come by then is no answer


class _Transient(RemoteFailed):
    """It failed before the first byte, in a way that the next try may not."""


class RemoteClient:
    """Asks one server; safe on any thread."""

    def __init__(
        self,
        address: Address,
        headers: Mapping[str, str],
        *,
        secrets: Sequence[str] = (),
        names: SettingNames = COMPLETES,
        breaker: CircuitBreaker | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`secrets` are what of the headers must be in no sentence; `names` stand in them."""
        self.address = address
        self._names = names
        self.clock = clock
        self.breaker = breaker or CircuitBreaker()
        self._connections = Connections(address, headers)
        self._secrets = tuple(secret for secret in secrets if secret)

    def json(self, path: str, body: object = None, *, limits: Limits) -> Any:  # noqa: ANN401
        """Ask for one JSON answer. Raises `RemoteError`, `Cancelled`; the breaker is not asked."""
        whole = b""
        with closing(self._lines(path, body, limits)) as lines:
            for line in lines:
                whole += line + b"\n"
                if len(whole) > _MAX_BODY_BYTES:
                    raise self._failed("answers without an end")
        return self._parsed(whole)

    def answer(self, path: str, body: object, *, limits: Limits) -> Any:  # noqa: ANN401
        """Ask for one JSON answer as `json` does, and ask and tell the breaker."""
        with self.guarded():
            return self.json(path, body, limits=limits)

    def events(
        self, path: str, body: object, *, limits: Limits
    ) -> Generator[dict[str, Any], None, None]:
        """Yield the events of a streamed answer, SSE or NDJSON. Closing it ends the request.

        Raises `RemoteError` and `Cancelled`, and tells the breaker.
        """
        with self.guarded() as answered, closing(self._lines(path, body, limits)) as lines:
            for event in self._events(lines):
                answered.set()
                yield event
                self.breaker.succeeded()

    @contextmanager
    def guarded(self) -> Iterator[threading.Event]:
        """Ask, once or several times, where the breaker allows it, and tell it how that went.

        The event that is yielded is to be set once anything of an answer has come.
        Raises `LeftAlone` where it does not.
        """
        if why := self.breaker.admit():
            raise LeftAlone(f"{self.address.shown} is left alone for a while: {why}")
        answered, began = threading.Event(), self.clock()
        try:
            yield answered
        except Cancelled:
            self.breaker.left(0.0 if answered.is_set() else self.clock() - began)
            raise
        except GeneratorExit:  # who listens has heard enough
            self.breaker.succeeded()
            raise
        except RemoteError as error:
            self._tell(error)
            raise
        self.breaker.succeeded()

    def close(self) -> None:
        """Close what is idle."""
        self._connections.close()

    def _tell(self, error: RemoteError) -> None:
        is_refused = isinstance(error, RemoteRefused)
        after = error.after if isinstance(error, RemoteFailed) else 0.0
        self.breaker.failed(str(error), for_good=is_refused, rest_seconds=after)

    def _events(self, lines: Iterator[bytes]) -> Iterator[dict[str, Any]]:
        for line in lines:
            data = line.strip()
            if data.startswith(b"data:"):
                data = data[5:].strip()
            elif not data.startswith(b"{"):
                if data and not data.startswith((b":", b"event:", b"id:", b"retry:")):
                    raise self._failed("answers something that is no stream of JSON")
                continue
            if data == b"[DONE]":
                return
            event = self._parsed(data)
            if not isinstance(event, dict):
                raise self._failed("streams something that is no object")
            if event.get("error"):
                raise self._failed(f"breaks off with {self._message(event)}")
            yield event

    def _lines(self, path: str, body: object, limits: Limits) -> Generator[bytes, None, None]:
        """Yield the lines of an answer, trying again as long as nothing of one has come."""
        from json import dumps

        content = None if body is None else dumps(body).encode()
        pause = _FIRST_PAUSE_SECONDS
        for tries_left in reversed(range(limits.retries + 1)):
            try:
                yield from self._once(path, content, limits)
                return
            except _Transient as error:
                wait = max(error.after, pause * random.uniform(0.5, 1.5))  # noqa: S311
                if not tries_left or self.clock() + wait >= limits.deadline:
                    raise
            self._rest(wait, limits)
            pause *= 2

    def _once(
        self, path: str, content: bytes | None, limits: Limits
    ) -> Generator[bytes, None, None]:
        method = "GET" if content is None else "POST"
        exchange = self._connections.ask(method, self.address.path + path, content)
        with _leaving(exchange, limits.cancelled) as is_whole:
            head = self._next(exchange, limits)
            if isinstance(head, Ended):
                raise self._broken(head.error)
            assert isinstance(head, AnswerHead)  # a line comes after it
            if head.status != 200:
                raise self._refusal(head, exchange, limits)
            if "text/html" in head.headers.get("content-type", ""):
                raise RemoteRefused(
                    f"{self.address.shown} answers with a web page: another service is there, or a "
                    f"page to log in; look at {self._names.kind}"
                )
            while not isinstance(news := self._next(exchange, limits), Ended):
                assert isinstance(news, Line)  # there is one head
                yield news.data
            if news.error is not None:
                raise self._cut(news.error)
            is_whole()

    def _next(self, exchange: Exchange, limits: Limits) -> News:
        """Wait for news. Raises `Cancelled`, `TimedOut`."""
        is_told = isinstance(limits.cancelled, Cancellation)  # else it has to be asked
        while True:
            left = limits.deadline - self.clock()
            if limits.cancelled():
                raise Cancelled
            if left <= 0:
                raise TimedOut(f"{self.address.shown} has not answered in time")
            try:
                news = exchange.news.get(timeout=left if is_told else min(left, _POLL_SECONDS))
            except Empty:
                continue
            if isinstance(news, Left) or limits.cancelled():
                raise Cancelled  # whatever came: a connection that we end looks like a broken one
            return news

    def _rest(self, seconds: float, limits: Limits) -> None:
        end = self.clock() + seconds
        while (left := end - self.clock()) > 0:
            if limits.cancelled():
                raise Cancelled
            time.sleep(min(left, _POLL_SECONDS))

    def _refusal(self, head: AnswerHead, exchange: Exchange, limits: Limits) -> RemoteError:
        """Return what an answer of another status than 200 means."""
        where, status = self.address.shown, head.status
        said = self._said(exchange, limits)
        if status in (401, 403):
            return RemoteRefused(
                f"{where} does not let us in ({status}); set {self._names.api_key_env} to the name "
                "of the environment variable that holds a valid key",
                status=status,
            )
        if status == 404:
            return RemoteRefused(
                f"{where} knows no such address or model (404{said}); look at {self._names.model}",
                status=status,
            )
        if status == 500 and "too large to process" in said:
            status = 413  # llama.cpp's server, of a text that is longer than its batch
        if status in _FOR_GOOD:
            sentence = f"{where} does not take the request ({status}{said})"
            return RemoteRefused(sentence, status=status)
        if 300 <= status < 400:
            return RemoteRefused(
                f"{where} sends elsewhere ({status}), which is not followed; set {self._names.url} "
                "to where the server really is"
            )
        if status in _TRANSIENT:
            after = _retry_after(head.headers.get("retry-after", ""))
            why = "has too many requests" if status == 429 else "fails"
            return _Transient(f"{where} {why} ({status}{said})", after=after)
        return self._failed(f"answers {status}{said}")

    def _said(self, exchange: Exchange, limits: Limits) -> str:
        """Return ": MESSAGE" of an error in JSON, "" of anything else."""
        whole = b""
        while isinstance(news := self._next(exchange, limits), Line):
            whole += news.data
            if len(whole) > _MAX_ERROR_BYTES:
                return ""
        try:
            message = self._message(parse_json(whole))
        except ValueError:
            return ""
        return f": {message}" if message else ""

    def _message(self, body: object) -> str:
        error = body.get("error", body.get("message", body)) if isinstance(body, dict) else ""
        message = error.get("message", "") if isinstance(error, dict) else error
        text = showable_line(str(message))
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text if len(text) <= _MAX_MESSAGE_CHARS else f"{text[:_MAX_MESSAGE_CHARS]}…"

    def _broken(self, error: Exception | None) -> RemoteError:
        """Return why there was no answer at all."""
        import ssl

        import httpx

        where = self.address.shown
        cause: BaseException | None = error
        while cause is not None and not isinstance(cause, ssl.SSLError):
            cause = cause.__cause__ or cause.__context__
        if isinstance(cause, ssl.SSLError):
            return RemoteRefused(
                f"the certificate or the TLS of {where} is not trusted ({cause.reason or 'TLS'}); "
                "a certificate of your own goes into SSL_CERT_FILE"
            )
        if isinstance(error, httpx.ProxyError):
            return _Transient(f"the proxy on the way to {where} refuses")
        if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
            return _Transient(f"nothing answers at {where}; is the server running?")
        return _Transient(f"{where} closed the connection without an answer")

    def _cut(self, error: Exception) -> RemoteFailed:
        return self._failed(f"stopped in the midst of its answer ({type(error).__name__})")

    def _parsed(self, data: bytes) -> Any:  # noqa: ANN401 - JSON
        try:
            return parse_json(data)
        except ValueError:
            raise self._failed("answers something that is no JSON") from None

    def _failed(self, what: str) -> RemoteFailed:
        return RemoteFailed(f"{self.address.shown} {what}")


@contextmanager
def _leaving(exchange: Exchange, cancelled: Callable[[], bool]) -> Iterator[Callable[[], None]]:
    """Leave an exchange on cancelling, and at the end unless it was said to be read whole."""
    left_over = [exchange]
    own = cancelled if isinstance(cancelled, Cancellation) else None
    if own is not None:
        own.on_cancel(exchange.leave)
    try:
        yield left_over.clear
    finally:
        if own is not None:
            own.on_cancel(None)
        for each in left_over:
            each.leave()


def _retry_after(value: str) -> float:
    """Return the seconds of a Retry-After header, a number or a date (RFC 9110, 10.2.3)."""
    if value.strip().isdigit():
        return float(value)
    try:
        return max((parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds(), 0.0)
    except (TypeError, ValueError):
        return 0.0
