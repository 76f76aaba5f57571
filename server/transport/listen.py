"""Lets one client in over a socket; who it is shows before anything is answered.

Anybody on the machine can connect to a port, and a web page can send it a request. So a connection
has a short time to bring one message, `initialize`, and over TCP the token in it. Whoever brings
something else is cut off without a byte, and the server goes on waiting: many may wait at a time,
and when they are too many the one that has waited longest goes, so nobody can occupy it.
"""

from __future__ import annotations

import asyncio
import json
import logging
import socket
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from homespun.server.transport import unix_socket
from homespun.server.transport.client_token import is_token
from homespun.server.transport.framing import MAX_BODY_BYTES, FrameReader, Malformed
from homespun.server.transport.places import Places

logger = logging.getLogger(__name__)

FIRST_MESSAGE_BYTES = 1024 * 1024  # of `initialize`; editors send some ten thousand
MAX_WAITING = 32
_CHUNK_BYTES = 65_536
_NAMED_STRANGERS = 10  # in the log; more of them would only fill it


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a message may take to arrive."""

    first_seconds: float = 10.0  # from the connection to the end of `initialize`
    message_seconds: float = 120.0  # from a later message's first byte to its last


class Visitor:
    """A client that was let in, with what it has said so far."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        patience: Patience,
    ) -> None:
        self.writer = writer
        self._reader = reader
        self._patience = patience
        self._frames = FrameReader(strict=True, max_body_bytes=FIRST_MESSAGE_BYTES)
        self._said: list[bytes] = []  # message bodies that nobody has taken yet
        self._fault = ""

    async def first_message(self) -> bytes | None:
        """Return the first message's body, None where there is none or it is damaged."""
        async with asyncio.timeout(self._patience.first_seconds):
            while not self._said and not self._fault:
                if not (data := await self._reader.read(_CHUNK_BYTES)):
                    return None
                self._take_in(data)
        return self._said.pop(0) if self._said else None

    def let_in(self, first: bytes) -> None:
        """Go on with `first` as the first message, and take long ones from now on."""
        self._said.insert(0, first)
        self._frames.max_body_bytes = MAX_BODY_BYTES

    async def messages(self) -> AsyncIterator[bytes]:
        """Yield message bodies until the connection ends, is damaged or stalls in a message."""
        deadline: float | None = None
        clock = asyncio.get_running_loop().time
        while True:
            while self._said:
                deadline = None
                yield self._said.pop(0)
            if self._fault:
                logger.warning("the connection is ended: %s", self._fault)
                return
            if deadline is None and self._frames.is_midway:
                deadline = clock() + self._patience.message_seconds
            if not (data := await self._read(deadline)):
                return
            self._take_in(data)

    async def _read(self, deadline: float | None) -> bytes:
        """Return what comes next, b"" where nothing will."""
        try:
            async with asyncio.timeout_at(deadline):
                return await self._reader.read(_CHUNK_BYTES)
        except TimeoutError:
            limit = self._patience.message_seconds
            logger.warning("the connection is ended: no whole message within %g s", limit)
        except ConnectionError as error:
            logger.debug("the connection broke: %s", error)
        return b""

    def _take_in(self, data: bytes) -> None:
        for frame in self._frames.feed(data):
            if isinstance(frame, Malformed):
                self._fault = frame.reason
                return
            self._said.append(frame)


class Door:
    """Takes connections until one of them may come in."""

    def __init__(
        self,
        *,
        token: str | None = None,
        knows: Callable[[socket.socket], bool] = lambda _: True,
        patience: Patience | None = None,
    ) -> None:
        """Let in who names `token`, where there is one, over a socket that `knows` says yes to."""
        self._token = token
        self._knows = knows
        self._patience = patience or Patience()
        self._waiting = Places(MAX_WAITING)
        self._strangers = 0
        self.visitor: asyncio.Future[Visitor] = asyncio.get_running_loop().create_future()

    async def knock(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Let the connection's client in or cut it off."""
        self._waiting.take(writer)
        visitor = Visitor(reader, writer, self._patience)
        refusal = await self._refusal(visitor)
        self._waiting.leave(writer)
        if refusal or self.visitor.done():
            self._cut_off(writer, refusal or "another client was let in")
        else:
            self.visitor.set_result(visitor)

    def close(self) -> None:
        """Cut off whoever still waits."""
        self._waiting.close()

    async def _refusal(self, visitor: Visitor) -> str:
        """Hear the first message; return why its sender may not come in, "" where it may."""
        if not self._knows(visitor.writer.get_extra_info("socket")):
            return "it is another user's"
        try:
            body = await visitor.first_message()
        except TimeoutError:
            return f"it brought no message within {self._patience.first_seconds:g} s"
        except ConnectionError:
            return "it broke"
        opening = None if body is None else _Opening.of(body)
        if opening is None:
            return "it did not begin with `initialize`"
        if self._token is not None and not is_token(opening.token, self._token):
            return "it named no token, or a wrong one"
        visitor.let_in(opening.body)
        return ""

    def _cut_off(self, writer: asyncio.StreamWriter, reason: str) -> None:
        writer.transport.abort()
        self._strangers += 1
        level = logging.WARNING if self._strangers <= _NAMED_STRANGERS else logging.DEBUG
        logger.log(level, "a connection was cut off: %s", reason)


async def visitor_over_tcp(
    host: str,
    port: int,
    *,
    token: str,
    listening: Callable[[int], None],
    patience: Patience | None = None,
) -> Visitor:
    """Wait for a client that knows the token; `listening` is told the port."""
    door = Door(token=token, patience=patience)
    listener = await asyncio.start_server(door.knock, host, port)
    listening(listener.sockets[0].getsockname()[1])
    return await _first(door, listener)


async def visitor_over_socket(
    path: Path, *, listening: Callable[[Path], None], patience: Patience | None = None
) -> Visitor:
    """Wait for a client of this user's on a Unix socket; `listening` is told when it is there.

    The path is free again afterwards. Raises `SocketRefused` where it must not be the socket.
    """
    with unix_socket.bound_to(path) as bound:
        door = Door(knows=unix_socket.is_own_user, patience=patience)
        listener = await asyncio.start_unix_server(door.knock, sock=bound)
        listening(path)
        return await _first(door, listener)


async def _first(door: Door, listener: asyncio.Server) -> Visitor:
    try:
        return await door.visitor
    finally:
        listener.close()
        door.close()


@dataclass(frozen=True, slots=True)
class _Opening:
    """The request `initialize`, apart from its token."""

    body: bytes
    token: str  # "" where it names none

    @classmethod
    def of(cls, body: bytes) -> _Opening | None:
        """Take a message apart; None where it is another one, or none."""
        try:
            message = json.loads(body)
            if not isinstance(message, dict) or message.get("method") != "initialize":
                return None
            token = _take_token(message)
            return cls(json.dumps(message).encode(), token)
        except (ValueError, RecursionError):
            return None


def _take_token(message: dict[str, Any]) -> str:
    """Take the token out of the message, so that nothing behind the door sees it; "" without."""
    params = message.get("params")
    options = params.get("initializationOptions") if isinstance(params, dict) else None
    own = options.pop("homespun", None) if isinstance(options, dict) else None
    token = own.get("token") if isinstance(own, dict) else None
    return token if isinstance(token, str) else ""
