"""A fake of other people's completion servers: says what a test tells it, and fails on demand.

A real HTTP server on the loopback interface. It replays what the real ones answer by their own
documentation, and remembers every byte that it was sent.
"""

from __future__ import annotations

import json
import select
import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SSE = "text/event-stream"
NDJSON = "application/x-ndjson"


@dataclass(frozen=True)
class Asked:
    """A request as it came."""

    method: str
    path: str
    headers: dict[str, str]  # names in lower case
    body: Any
    connection: int  # a number for each connection

    @property
    def everything(self) -> str:
        """All that was sent beside the headers."""
        return f"{self.path} {json.dumps(self.body, ensure_ascii=False)}"


@dataclass
class Reply:
    """What is answered."""

    body: str | bytes = ""
    status: int = 200
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    chunks: tuple[str, ...] | None = None  # streamed, in place of the body
    breaks_off: bool = False  # behind the last chunk, without an end
    hangs_up: bool = False  # without a word
    waits: bool = False  # before anything is said, until the other side leaves
    waits_behind: bool = False  # the same behind the last chunk


def stream(*events: object, done: str = "data: [DONE]\n\n", **more: Any) -> Reply:
    """A reply of server-sent events."""
    lines = tuple(f"data: {json.dumps(event)}\n\n" for event in events)
    return Reply(chunks=(*lines, done) if done else lines, content_type=SSE, **more)


def lines(*events: object, **more: Any) -> Reply:
    """A reply of newline-delimited JSON."""
    rows = tuple(f"{json.dumps(event)}\n" for event in events)
    return Reply(chunks=rows, content_type=NDJSON, **more)


def answer(body: object, **more: Any) -> Reply:
    """A reply of one JSON text."""
    return Reply(json.dumps(body), **more)


class ModelServer:
    """Answers `replies[path]`: a reply, a function of what was asked, or a list to go through."""

    def __init__(self, replies: dict[str, Any], *, context: ssl.SSLContext | None = None) -> None:
        self.replies = replies
        self.asked: list[Asked] = []
        self.left = threading.Event()  # the other side closed the connection while it waited
        self.is_waiting = threading.Event()
        self.over = threading.Event()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._http.daemon_threads = True
        if context is not None:
            self._http.socket = context.wrap_socket(self._http.socket, server_side=True)
        scheme = "https" if context is not None else "http"
        self.url = f"{scheme}://127.0.0.1:{self._http.server_address[1]}"

    @contextmanager
    def running(self):
        """Answer until the end of the block."""
        thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self.over.set()
            self._http.shutdown()
            self._http.server_close()
            thread.join()

    def to(self, path: str) -> list[Asked]:
        """What was asked at a path."""
        return [asked for asked in self.asked if asked.path == path]

    def reply_to(self, asked: Asked) -> Reply:
        """What is answered; a list is gone through, its last entry stays."""
        reply = self.replies.get(asked.path, Reply("{}", status=404))
        if isinstance(reply, list):
            reply = reply.pop(0) if len(reply) > 1 else reply[0]
        return reply(asked) if isinstance(reply, Callable) else reply

    def wait_until_left(self, connection: socket.socket) -> None:
        """Wait until the other side closes its end."""
        self.is_waiting.set()
        while not self.over.is_set():
            if select.select([connection], [], [], 0.01)[0] and not connection.recv(65536):
                self.left.set()
                return

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(_Handler):
            told_by = server

        return Handler


class _Handler(BaseHTTPRequestHandler):
    """Reads a request and says what the server of the class tells it to."""

    protocol_version = "HTTP/1.1"
    told_by: ModelServer

    def handle_any(self) -> None:
        raw = self.rfile.read(int(self.headers.get("content-length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = json.loads(raw) if raw else None
        asked = Asked(self.command, self.path, headers, body, self.client_address[1])
        self.told_by.asked.append(asked)
        try:
            self._say(self.told_by.reply_to(asked))
        except (BrokenPipeError, ConnectionResetError):
            self.told_by.left.set()
            self.close_connection = True

    do_GET = do_POST = handle_any

    def _say(self, reply: Reply) -> None:
        if reply.waits or reply.hangs_up:
            if reply.waits:
                self.told_by.wait_until_left(self.connection)
            self.close_connection = True
            return
        self.send_response(reply.status)
        self.send_header("Content-Type", reply.content_type)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if reply.chunks is None:
            body = reply.body if isinstance(reply.body, bytes) else reply.body.encode()
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            return
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self._stream(reply)

    def _stream(self, reply: Reply) -> None:
        for chunk in reply.chunks or ():
            data = chunk.encode()
            self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
            self.wfile.flush()
        if reply.waits_behind:
            self.told_by.wait_until_left(self.connection)
        if reply.breaks_off or reply.waits_behind:
            self.close_connection = True
            return
        self.wfile.write(b"0\r\n\r\n")

    def log_message(self, *_: object) -> None:
        """Say nothing."""
