"""Bytes in, bytes out: framing that survives bad headers, threads that never block the event loop.

pygls' own reader loses every later message after one bad `Content-Length`, and its threads keep
the process alive at exit; both matter in an editor, so the server brings its own.
"""

from __future__ import annotations

import asyncio
import logging
import os
import queue
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

logger = logging.getLogger(__name__)

MAX_BODY_BYTES = 512 * 1024 * 1024  # above it a length is taken for damage, not for a message
_CHUNK_BYTES = 65_536
# Searched, not matched: after a damaged message its rest stands before the next header.
_LENGTH = re.compile(rb"content-length:[ \t]*(\d+)[ \t]*$", re.IGNORECASE)
_LENGTH_NAME = re.compile(rb"content-length:", re.IGNORECASE)
_HEADER = re.compile(rb"[!-9;-~]+:[ \t].*")


@dataclass(frozen=True, slots=True)
class Malformed:
    """Bytes that are no message; the sentence names no content."""

    reason: str


class FrameReader:
    """Cuts a byte stream into message bodies and finds its feet again after damage."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._length: int | None = None  # of the header block being read
        self._fault = ""  # first thing wrong in the header block being read
        self._in_body = False

    def feed(self, data: bytes) -> Iterator[bytes | Malformed]:
        """Take in bytes; yield each body that is complete, and each fault."""
        self._buffer += data
        while (frame := self._next()) is not None:
            yield frame

    def _next(self) -> bytes | Malformed | None:
        while not self._in_body:
            line_end = self._buffer.find(b"\n")
            if line_end < 0:
                return None
            line = bytes(self._buffer[:line_end]).strip()
            del self._buffer[: line_end + 1]
            if line:
                self._header_line(line)
            elif self._length is not None:
                self._in_body = True
            if not line and self._fault:
                fault, self._fault = self._fault, ""
                return Malformed(fault)
        return self._body()

    def _body(self) -> bytes | None:
        assert self._length is not None
        if len(self._buffer) < self._length:
            return None
        body = bytes(self._buffer[: self._length])
        del self._buffer[: self._length]
        self._length, self._in_body = None, False
        return body

    def _header_line(self, line: bytes) -> None:
        length = _LENGTH.search(line)
        if length is None:
            if _LENGTH_NAME.match(line):
                self._fault = self._fault or "a Content-Length header is no number"
            elif not _HEADER.fullmatch(line):
                self._fault = self._fault or f"{len(line)} bytes that are no header"
            return
        if length.start() > 0:
            self._fault = self._fault or f"{length.start()} bytes before a header"
        if len(length[1]) > 12 or int(length[1]) > MAX_BODY_BYTES:
            self._fault = f"a Content-Length above {MAX_BODY_BYTES} bytes"
            return
        self._length = int(length[1])


def read_in_thread(
    stream: BinaryIO, loop: asyncio.AbstractEventLoop, chunks: asyncio.Queue[bytes]
) -> None:
    """Feed a stream's bytes into `chunks` from a daemon thread; b"" marks the end.

    It reads the descriptor itself: a thread that waits inside a buffered reader holds a lock that
    makes the interpreter abort at exit.
    """

    def read() -> None:
        data = b"."
        while data:
            try:
                data = os.read(stream.fileno(), _CHUNK_BYTES)
            except OSError as error:
                logger.debug("the input cannot be read any more: %s", error)
                data = b""
            try:
                loop.call_soon_threadsafe(chunks.put_nowait, data)
            except RuntimeError:  # the loop has ended: nobody listens
                return

    threading.Thread(target=read, name="homespun-read", daemon=True).start()


class ThreadedWriter:
    """Writes from a daemon thread, so that a client that does not read never stops the server."""

    def __init__(self, stream: BinaryIO, *, broken: Callable[[], None]) -> None:
        """`broken` is called, from the thread, when the other end is gone."""
        self._stream = stream
        self._broken = broken
        self._queue: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="homespun-write", daemon=True)
        self._thread.start()

    def write(self, data: bytes) -> None:
        """Queue a message."""
        self._queue.put(data)

    def close(self, *, timeout_seconds: float = 0.5) -> None:
        """Wait, not for ever, until what is queued has been written."""
        self._queue.put(None)
        self._thread.join(timeout_seconds)

    def _run(self) -> None:
        while (data := self._queue.get()) is not None:
            try:
                self._stream.write(data)
                self._stream.flush()
            except (OSError, ValueError) as error:  # ValueError: the stream was closed
                logger.debug("the output cannot be written any more: %s", error)
                self._broken()
                return
