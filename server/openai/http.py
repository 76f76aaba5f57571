"""One HTTP/1.1 connection: requests in, replies out; bounds, deadlines and a client that leaves.

h11 cuts the bytes into messages and says what is no HTTP. Who asks is looked at once the head of a
request is there: no byte of a stranger's body is read. While a request is answered the connection
is listened to, so that closing it, or sending the next request, ends the work.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import h11

from homespun.server.openai.replies import Reply, refusal

logger = logging.getLogger(__name__)

_HEAD_BYTES = 16 * 1024
_CHUNK_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class HttpLimits:
    """How much a client may send, and how long that may take."""

    body_bytes: int = 4 * 1024 * 1024  # editors send some ten thousand; llama.vim up to a million
    head_seconds: float = 10.0  # from the first byte waited for to the end of the head
    body_seconds: float = 20.0
    idle_seconds: float = 300.0  # between two requests of a client that was let in


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request; the body is read only where its head was let in."""

    method: str
    path: str  # without the query
    headers: Mapping[str, str]  # names in lower case; one that comes twice counts as none
    client: str  # the other end's address
    body: bytes = b""


Refuses = Callable[[HttpRequest], Reply | None]
Answers = Callable[[HttpRequest], Awaitable[Reply]]


class HttpConnection:
    """Serves one client until it leaves, errs or stalls."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        *,
        refuses: Refuses,
        answers: Answers,
        let_in: Callable[[], None],
        limits: HttpLimits,
    ) -> None:
        """`refuses` looks at a head, `answers` at a whole request; `let_in` hears of the first."""
        self._reader = reader
        self._writer = writer
        self._refuses = refuses
        self._answers = answers
        self._let_in = let_in
        self._limits = limits
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=_HEAD_BYTES)
        peer = writer.get_extra_info("peername")
        self._client = str(peer[0]) if peer else ""

    async def serve(self) -> None:
        """Answer requests; returns when the connection is over."""
        seconds = self._limits.head_seconds
        try:
            while await self._one(seconds):
                seconds = self._limits.idle_seconds
        except (ConnectionError, TimeoutError) as error:
            logger.debug("a connection is over: %s", type(error).__name__)
        except h11.RemoteProtocolError as error:
            await self._say(refusal(error.error_status_hint, f"this is no HTTP: {error}"))

    async def _one(self, seconds: float) -> bool:
        """Answer one request; return whether another one may follow."""
        async with asyncio.timeout(seconds):
            head = await self._event()
        if not isinstance(head, h11.Request):
            return False
        request = _request_of(head, self._client)
        if (no := self._refuses(request) or self._too_large(request)) is not None:
            await self._say(no)
            return False  # what follows of its body is not read
        self._let_in()
        async with asyncio.timeout(self._limits.body_seconds):
            body = await self._body()
        if body is None:
            return False
        whole = HttpRequest(request.method, request.path, request.headers, request.client, body)
        reply = await self._answer(whole)
        return reply is not None and await self._say(reply)

    async def _event(self) -> h11.Event | type[h11.PAUSED]:
        """Return the next part of a message."""
        while True:
            event = self._http.next_event()
            if event is not h11.NEED_DATA:
                return event  # type: ignore[return-value]  # h11 calls its marks classes
            if self._http.they_are_waiting_for_100_continue:
                await self._send(h11.InformationalResponse(status_code=100, headers=[]))
            self._http.receive_data(await self._reader.read(_CHUNK_BYTES))

    async def _body(self) -> bytes | None:
        """Return a request's body; None where it is too long, which was said then."""
        parts: list[bytes] = []
        length = 0
        while isinstance(event := await self._event(), h11.Data):
            length += len(event.data)
            if length > self._limits.body_bytes:
                await self._say(_too_long(self._limits.body_bytes))
                return None
            parts.append(bytes(event.data))
        return b"".join(parts) if isinstance(event, h11.EndOfMessage) else None

    async def _answer(self, request: HttpRequest) -> Reply | None:
        """Return the reply; None where the client has left meanwhile, which ends the work."""
        answering = asyncio.ensure_future(self._answers(request))
        listening = asyncio.ensure_future(self._reader.read(_CHUNK_BYTES))
        try:
            await asyncio.wait({answering, listening}, return_when=asyncio.FIRST_COMPLETED)
            if answering.done():
                return answering.result()
            if not listening.result():
                return None
            # The next request has come: nobody waits for this answer any more.
            return refusal(409, "a newer request of this connection came", code="cancelled")
        finally:
            await _end(answering)
            await _end(listening)
            if not listening.cancelled() and listening.exception() is None:
                self._http.receive_data(listening.result())

    async def _say(self, reply: Reply) -> bool:
        """Send a reply; return whether the connection may go on."""
        if self._http.our_state not in (h11.SEND_RESPONSE, h11.IDLE):
            return False
        may_go_on = self._http.their_state is h11.DONE
        headers = [
            ("content-type", reply.content_type),
            ("content-length", str(len(reply.body))),
            ("cache-control", "no-store"),
            ("x-content-type-options", "nosniff"),
            *reply.headers,
        ]
        if not may_go_on:
            headers.append(("connection", "close"))
        await self._send(h11.Response(status_code=reply.status, headers=headers))
        await self._send(h11.Data(data=reply.body))
        await self._send(h11.EndOfMessage())
        if may_go_on and (may_go_on := self._is_done()):
            self._http.start_next_cycle()
        return may_go_on

    def _is_done(self) -> bool:
        return self._http.our_state is h11.DONE

    async def _send(self, event: h11.Event) -> None:
        data = self._http.send(event)
        if data:
            self._writer.write(data)
            async with asyncio.timeout(self._limits.body_seconds):
                await self._writer.drain()

    def _too_large(self, request: HttpRequest) -> Reply | None:
        length = request.headers.get("content-length", "")
        most = self._limits.body_bytes
        return _too_long(most) if length.isdigit() and int(length) > most else None


async def _end(work: asyncio.Future[Any]) -> None:
    """Cancel what is still under way, and wait until it has ended."""
    work.cancel()
    await asyncio.wait({work})


def _request_of(head: h11.Request, client: str) -> HttpRequest:
    headers: dict[str, str] = {}
    for raw_name, raw_value in head.headers:
        name = raw_name.decode("ascii").lower()
        headers[name] = "" if name in headers else raw_value.decode("latin-1")
    path = head.target.decode("ascii").partition("?")[0]
    return HttpRequest(head.method.decode("ascii"), path, headers, client)


def _too_long(most: int) -> Reply:
    return refusal(
        413, f"the body is longer than {most} bytes; send less of the file", code="too_large"
    )
