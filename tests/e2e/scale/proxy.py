"""Between a publisher and the store, on the loopback: slow, full, or without conditions of writes.

What comes in goes on as it is, with the name of the host that was signed, so the store proves the
signature itself. Only a write whose condition is to be forgotten is made anew, with our own key.
"""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

_HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length"}
_PATIENCE_SECONDS = 60.0


class StoreProxy:
    """What is to be done with what passes; every field may be set while it runs."""

    def __init__(self, store_port: int, write: Callable[[str, bytes], str]) -> None:
        """`write` puts an object without a condition and returns its mark."""
        self.store_port = store_port
        self.write = write
        self.delay_seconds = 0.0  # before each answer
        self.forgets_conditions = False
        self.full: Callable[[str], bool] = lambda _: False  # path -> 507 for a PUT
        self.before_write: Callable[[str, bytes], None] = lambda *_: None
        self.after_write: Callable[[str, bytes, int], None] = lambda *_: None
        self.port = 0

    def environment(self, asked: Mapping[str, str]) -> dict[str, str]:
        """Return the variables with which the store is asked by way of here."""
        return {**asked, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self.port}"}

    def answer(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, list[tuple[str, str]], bytes]:
        """Return the status, the headers and the body for a request."""
        time.sleep(self.delay_seconds)
        key = unquote(path.partition("?")[0])
        if method != "PUT":
            return self._passed_on(method, path, headers, body)
        if self.full(key):
            said = b"<Error><Code>InsufficientStorage</Code><Message>full</Message></Error>"
            return 507, [("Content-Type", "application/xml")], said
        is_conditional = "if-match" in headers or "if-none-match" in headers
        if self.forgets_conditions and is_conditional:
            return 200, [("ETag", self.write(key, body))], b""
        self.before_write(key, body)
        done = self._passed_on(method, path, headers, body)
        self.after_write(key, body, done[0])
        return done

    def _passed_on(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, list[tuple[str, str]], bytes]:
        store = http.client.HTTPConnection("127.0.0.1", self.store_port, timeout=_PATIENCE_SECONDS)
        try:
            store.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            for name, value in headers.items():
                if name not in _HOP_BY_HOP:
                    store.putheader(name, value)
            store.putheader("content-length", str(len(body)))
            store.endheaders(body)
            answer = store.getresponse()
            data = answer.read()
            if method == "HEAD":  # says how long the object is, and brings nothing
                return answer.status, answer.getheaders(), b""
            kept = [each for each in answer.getheaders() if each[0].lower() not in _HOP_BY_HOP]
            return answer.status, kept, data
        finally:
            store.close()


@contextmanager
def proxied(proxy: StoreProxy) -> Iterator[StoreProxy]:
    """Let it listen on the loopback while the block runs."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _any(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, said, data = proxy.answer(self.command, self.path, headers, body)
            self.send_response_only(status)
            for name, value in said:
                self.send_header(name, value)
            has_none = self.command == "HEAD" or status in (204, 304)
            if not has_none:
                self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(b"" if has_none else data)

        do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _any  # noqa: N815

        def log_message(self, *_: object) -> None:
            return

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            return  # who asked has left

    server = Server(("127.0.0.1", 0), Handler)
    proxy.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
