"""EDGE httpx: one request and its answer, in a thread of its own that can be left at any moment.

A name server, a handshake or a queue can hold a request up where nothing reaches in, so whoever
asks waits beside the request, never in it: leaving shuts the socket down, which is what tells the
server to stop, and takes no time. HTTP/1.1 only: over HTTP/2 httpcore ends a stream that is left
without telling the server, which would write on, and be paid, to the end (httpcore 1.0.9,
`_sync/http2.py`, `_response_closed`).
"""

from __future__ import annotations

import socket
import ssl
import threading
import weakref
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any
from urllib.request import getproxies

from homespun.models.remote.wire.address import Address

if TYPE_CHECKING:
    import httpx

MAX_LINE_BYTES = 2_000_000  # of a streamed answer; a line is a token or two
_MAX_ANSWER_BYTES = 32_000_000
_CONNECT_SECONDS = 10.0  # the thread's own; who waits has left by then
_READ_SECONDS = 120.0
_IDLE_CONNECTIONS = 2


@dataclass(frozen=True, slots=True)
class AnswerHead:
    """The answer has begun."""

    status: int
    headers: Mapping[str, str]  # names in lower case


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the answer's body, without its end."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Ended:
    """The answer is whole, or broke off; nothing comes behind it."""

    error: Exception | None = None


@dataclass(frozen=True, slots=True)
class Left:
    """Who asked has left."""


News = AnswerHead | Line | Ended | Left


class Connections:
    """Connections to one server, those that are idle kept open."""

    def __init__(self, address: Address, headers: Mapping[str, str]) -> None:
        """`headers` go with each request, the key among them; no sentence shows any."""
        self._address = address
        self._headers = {"User-Agent": "homespun", "Accept-Encoding": "identity", **headers}
        self._idle: list[_OwnConnection] = []
        self._lock = threading.Lock()
        self._verify: ssl.SSLContext | None = None
        weakref.finalize(self, _close_all, self._idle)

    def ask(self, method: str, path: str, body: bytes | None) -> Exchange:
        """Begin a request; returns at once."""
        return Exchange(self, method, f"{self._address.base}{path}", body)

    def take(self) -> _OwnConnection:
        """Return an idle connection or a new one; called by the thread of an exchange."""
        with self._lock:
            if self._idle:
                return self._idle.pop()
            if self._verify is None:
                self._verify = _certificates(self._address)
        return _OwnConnection(self._client(self._verify))

    def give(self, connection: _OwnConnection) -> None:
        """Take back a connection whose answer was read to its end."""
        with self._lock:
            if len(self._idle) < _IDLE_CONNECTIONS:
                self._idle.append(connection)
                return
        connection.close()

    def close(self) -> None:
        """Close what is idle."""
        with self._lock:
            _close_all(self._idle)

    def _client(self, verify: ssl.SSLContext) -> httpx.Client:
        import httpx

        return httpx.Client(
            headers=self._headers,
            verify=verify,
            proxy=proxy_of(self._address),
            trust_env=False,  # no .netrc, and no proxy but by our own rule
            follow_redirects=False,  # neither code nor key goes to an address nobody set
            timeout=httpx.Timeout(_READ_SECONDS, connect=_CONNECT_SECONDS),
            limits=httpx.Limits(max_connections=1, keepalive_expiry=60.0),
        )


class Exchange:
    """One request; its news come in order, `Ended` or `Left` last."""

    def __init__(self, connections: Connections, method: str, url: str, body: bytes | None) -> None:
        self._connections = connections
        self._request = (method, url, body)
        self.news: SimpleQueue[News] = SimpleQueue()
        self._lock = threading.Lock()
        self._connection: _OwnConnection | None = None
        self._is_left = False
        threading.Thread(target=self._run, name="homespun-remote", daemon=True).start()

    def leave(self) -> None:
        """Give up, on any thread: the socket is shut down, whatever it is in the midst of."""
        with self._lock:
            self._is_left = True
            connection = self._connection
        self.news.put(Left())  # first: what a shut socket ends in is no failure of the server's
        if connection is not None:
            connection.shut()

    def _run(self) -> None:
        error: Exception | None = None
        connection = None
        try:
            connection = self._connections.take()
            with self._lock:
                self._connection = connection
                if self._is_left:
                    return
            for each in connection.answer(*self._request):
                self.news.put(each)
        except Exception as caught:  # httpx, ssl and the operating system each raise their own
            error = caught
        finally:
            with self._lock:
                self._connection = None
                is_reusable = error is None and not self._is_left
            if connection is not None:
                self._connections.give(connection) if is_reusable else connection.close()
            self.news.put(Ended(error))


class _LeftInTime(Exception):
    """The request was left while its connection was being made."""


class _OwnConnection:
    """A client of one connection, and the socket under it."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client
        self._stream: Any = None  # httpcore's network stream, once there is one
        self._is_shut = False

    def answer(self, method: str, url: str, body: bytes | None) -> Iterator[AnswerHead | Line]:
        """Send a request and yield its answer."""
        import httpx

        headers = {} if body is None else {"Content-Type": "application/json"}
        with self._client.stream(
            method, url, content=body, headers=headers, extensions={"trace": self._trace}
        ) as response:
            yield AnswerHead(response.status_code, httpx.Headers(response.headers))
            yield from map(Line, _lines(self._received(response)))

    def _received(self, response: httpx.Response) -> Iterator[bytes]:
        """Yield what comes, acknowledged at once.

        A server without TCP_NODELAY (llama.cpp's) holds the next token back until the last one is
        acknowledged, which Linux puts off by 40 ms otherwise (RFC 1122, 4.2.3.2 and 4.2.3.4).
        """
        for chunk in response.iter_bytes():
            self._acknowledge_at_once()
            yield chunk

    def _acknowledge_at_once(self) -> None:
        stream, option = self._stream, getattr(socket, "TCP_QUICKACK", None)
        raw = stream.get_extra_info("socket") if stream is not None else None
        if raw is None or option is None:  # another system than Linux
            return
        try:
            raw.setsockopt(socket.IPPROTO_TCP, option, 1)
        except OSError:
            return  # closed meanwhile, which reading says

    def shut(self) -> None:
        """Shut the socket down, on any thread: who reads from it is woken, the server told."""
        self._is_shut = True
        stream = self._stream
        raw = stream.get_extra_info("socket") if stream is not None else None
        if raw is None:
            return
        try:
            # Not SSLSocket's own, which takes the TLS object from under the thread that reads.
            socket.socket.shutdown(raw, socket.SHUT_RDWR)
        except OSError:
            return  # it is closed already

    def close(self) -> None:
        """Close the connection; called by the thread that used it last."""
        self._client.close()

    def _trace(self, event: str, info: Mapping[str, Any]) -> None:
        """Learn the socket as soon as it is connected (httpx's documented `trace` extension)."""
        if event in ("connection.connect_tcp.complete", "connection.start_tls.complete"):
            self._stream = info["return_value"]
        if event == "http11.send_request_body.complete":
            self._acknowledge_at_once()
        if self._is_shut:
            raise _LeftInTime


def _close_all(idle: list[_OwnConnection]) -> None:
    while idle:
        idle.pop().close()


def proxy_of(address: Address) -> str | None:
    """Return the proxy of the environment where it may be used.

    Only for https to a public address, where it sees a host name and nothing else: a request over
    http would pass through it in the clear, and a private network is reached directly.
    """
    if address.scheme != "https" or not address.is_public:
        return None
    import urllib.request

    if urllib.request.proxy_bypass(address.host):
        return None
    proxies = getproxies()
    return proxies.get("https") or proxies.get("all")


def _certificates(address: Address) -> ssl.SSLContext:
    """Return what a server is checked against; without TLS nothing, which trusts nobody."""
    if address.scheme == "http":
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    import httpx

    return httpx.create_ssl_context(trust_env=True)  # SSL_CERT_FILE, SSL_CERT_DIR


def _lines(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Cut a body into lines of bounded length. Raises `ValueError` where it is too long."""
    rest = b""
    total = 0
    for chunk in chunks:
        total += len(chunk)
        *whole, rest = (rest + chunk).split(b"\n")
        if len(rest) > MAX_LINE_BYTES or total > _MAX_ANSWER_BYTES:
            raise ValueError("the answer has no end")
        for line in whole:
            yield line.removesuffix(b"\r")
    if rest:
        yield rest
