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
MAX_HEADER_BYTES = 64 * 1024  # of all headers of a message; the protocol's own are below 100
_CHUNK_BYTES = 65_536
# Searched, not matched: after a damaged message its rest stands before the next header.
_LENGTH = re.compile(rb"content-length:[ \t]*(\d+)[ \t]*$", re.IGNORECASE)
_LENGTH_NAME = re.compile(rb"content-length:", re.IGNORECASE)
_HEADER = re.compile(rb"[!-9;-~]+:[ \t].*")
_OWN_HEADER = re.compile(rb"content-(?:length|type):.*", re.IGNORECASE)
_OWN_START = b"content-"
_KEPT_BYTES = 64  # of a flood: a header of ours may have begun in them


@dataclass(frozen=True, slots=True)
class Malformed:
    """Bytes that are no message; the sentence names no content."""

    reason: str


class FrameReader:
    """Cuts a byte stream into message bodies and finds its feet again after damage.

    A strict one takes no other header than the protocol's and names a fault as soon as there is
    one: nothing that stands behind the first line of another protocol is taken for a message.
    """

    def __init__(self, *, strict: bool = False, max_body_bytes: int = MAX_BODY_BYTES) -> None:
        self.max_body_bytes = max_body_bytes
        self._strict = strict
        self._buffer = bytearray()
        self._length: int | None = None  # of the header block being read
        self._fault = ""  # first thing wrong in the header block being read
        self._header_bytes = 0  # of the header block being read, without what is in the buffer
        self._flooded = False  # so many that it was said already
        self._in_body = False

    @property
    def is_midway(self) -> bool:
        """Whether a message has begun and not ended."""
        return bool(self._buffer) or self._in_body or self._header_bytes > 0

    def feed(self, data: bytes) -> Iterator[bytes | Malformed]:
        """Take in bytes; yield each body that is complete, and each fault."""
        self._buffer += data
        while (frame := self._next()) is not None:
            yield frame

    def _next(self) -> bytes | Malformed | None:
        while not self._in_body:
            line_end = self._buffer.find(b"\n")
            flood = self._flood(line_end)
            if flood or line_end < 0:
                return flood or self._early_fault()
            line = bytes(self._buffer[:line_end]).strip()
            del self._buffer[: line_end + 1]
            if line:
                self._header_bytes += line_end + 1
                self._header_line(line)
            else:
                self._header_bytes, self._flooded = 0, False
                self._in_body = self._length is not None
            if self._fault and (self._strict or not line):
                fault, self._fault = self._fault, ""
                return Malformed(fault)
        return self._body()

    def _flood(self, line_end: int) -> Malformed | None:
        """Forget a line without an end; say once in a block that it has too many headers."""
        line_bytes = len(self._buffer) if line_end < 0 else line_end
        if self._header_bytes + line_bytes <= MAX_HEADER_BYTES:
            return None
        if line_end < 0:
            self._header_bytes += len(self._buffer) - _KEPT_BYTES
            del self._buffer[:-_KEPT_BYTES]
        if self._flooded:
            return None
        self._flooded = True
        return Malformed(f"more than {MAX_HEADER_BYTES} bytes of headers")

    def _early_fault(self) -> Malformed | None:
        """Look at a line that has no end yet: a strict reader need not see it."""
        begun = bytes(self._buffer[: len(_OWN_START)]).lower()
        if not self._strict or _OWN_START.startswith(begun) or not begun.strip(b"\r"):
            return None
        self._buffer.clear()
        return Malformed("the first bytes are no header of the protocol")

    def _body(self) -> bytes | None:
        assert self._length is not None
        if len(self._buffer) < self._length:
            return None
        body = bytes(self._buffer[: self._length])
        del self._buffer[: self._length]
        self._length, self._in_body = None, False
        return body

    def _header_line(self, line: bytes) -> None:
        if self._strict and not _OWN_HEADER.fullmatch(line):
            self._fault = f"{len(line)} bytes that are no header of the protocol"
            return
        length = _LENGTH.search(line)
        if length is None:
            if _LENGTH_NAME.match(line):
                self._fault = self._fault or "a Content-Length header is no number"
            elif not _HEADER.fullmatch(line):
                self._fault = self._fault or f"{len(line)} bytes that are no header"
            return
        if length.start() > 0:
            self._fault = self._fault or f"{length.start()} bytes before a header"
        if len(length[1]) > 12 or int(length[1]) > self.max_body_bytes:
            self._fault = f"a Content-Length above {self.max_body_bytes} bytes"
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
