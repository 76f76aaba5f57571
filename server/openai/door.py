"""Takes connections over HTTP, many at a time, and lets nobody occupy the place.

Who has not named the token yet waits with a few others; when they are too many the one that has
waited longest goes.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from homespun.server.openai.http import Answers, HttpConnection, HttpLimits, Refuses
from homespun.server.transport.places import Places

logger = logging.getLogger(__name__)

MAX_STRANGERS = 32
_MAX_CLIENTS = 256  # that were let in; an editor has a few


class OpenDoor:
    """Serves HTTP connections until it is closed."""

    def __init__(
        self, *, refuses: Refuses, answers: Answers, limits: HttpLimits | None = None
    ) -> None:
        self._refuses = refuses
        self._answers = answers
        self._limits = limits or HttpLimits()
        self._strangers = Places(MAX_STRANGERS)
        self._clients = Places(_MAX_CLIENTS)

    async def listen(
        self, host: str, port: int, *, listening: Callable[[int], None]
    ) -> asyncio.Server:
        """Begin to take connections; `listening` is told the port."""
        listener = await asyncio.start_server(self._serve, host, port)
        listening(listener.sockets[0].getsockname()[1])
        return listener

    def close(self) -> None:
        """Cut off whoever is there."""
        self._strangers.close()
        self._clients.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._strangers.take(writer)
        connection = HttpConnection(
            reader,
            writer,
            refuses=self._refuses,
            answers=self._answers,
            let_in=lambda: self._let_in(writer),
            limits=self._limits,
        )
        try:
            await connection.serve()
        except asyncio.CancelledError:  # the server ends
            logger.debug("a connection was cut off at the end")
        except Exception as error:
            logger.error("a connection failed: %s", error, exc_info=error)
        finally:
            self._strangers.leave(writer)
            self._clients.leave(writer)
            writer.close()

    def _let_in(self, writer: asyncio.StreamWriter) -> None:
        if self._strangers.leave(writer):
            self._clients.take(writer)
