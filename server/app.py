"""The language server: its parts, how it begins and how it ends."""

from __future__ import annotations

import asyncio
import logging
import signal
import time
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, BinaryIO

from lsprotocol import types as lsp
from pygls.exceptions import JsonRpcException, JsonRpcMethodNotFound
from pygls.lsp.server import LanguageServer

from homespun.server.acceptance.outcomes import Outcomes
from homespun.server.background.backend import Backend, Folder
from homespun.server.background.factories import Factories
from homespun.server.background.status_notifier import METHOD, StatusNotifier
from homespun.server.lsp.client import Client
from homespun.server.lsp.documents import Documents
from homespun.server.lsp.protocol import HomespunProtocol, make_converter
from homespun.server.lsp.settings import EditorSettings
from homespun.server.requests.handler import InlineCompletions
from homespun.server.traces.tracing import Tracing
from homespun.server.transport.framing import FrameReader, Malformed, ThreadedWriter, read_in_thread
from homespun.server.transport.listen import Visitor

logger = logging.getLogger(__name__)

_END_SECONDS = 0.5  # what threads get to end by themselves


class HomespunServer(LanguageServer):
    """pygls' server with our documents, our transport and our end."""

    protocol: HomespunProtocol

    def __init__(self, factories: Factories, flags: Mapping[str, object], version: str) -> None:
        super().__init__(
            "homespun",
            version,
            protocol_cls=HomespunProtocol,
            converter_factory=make_converter,
        )
        self.client = Client(self)
        self.outcomes = Outcomes(may_log=lambda uri: self.backend.logs_acceptance(uri))
        self.suggestions = self.outcomes.suggestions
        self.tracing = Tracing(
            say=lambda sentence: self.client.say_once(sentence, lsp.MessageType.Warning),
            knows=lambda uri, name: _defines(self.backend.folder_of(uri), name),
        )
        self.inline = InlineCompletions(
            documents=self.documents,
            target=lambda uri, language_id: self.backend.target(uri, language_id),
            suggestions=self.suggestions,
            trails=self.tracing.trail,
        )
        self.status = StatusNotifier(
            post=self.client.post,
            describe=lambda: self.backend.describe(),
            send=lambda status: self.protocol.notify(METHOD, status),
        )
        self.backend = Backend(
            factories,
            self.client,
            flags=flags,
            completing=self.inline.busy,
            renewed=self.inline.renew,
            changed=self.inline.forget,
            status_changed=self.status.changed,
        )
        self.settings = EditorSettings(self, self.client, changed=self.configure)
        self._ended: asyncio.Event | None = None

    def documents(self) -> Documents:
        """Return the open documents."""
        workspace = self.workspace
        assert isinstance(workspace, Documents)  # since `initialize`
        return workspace

    def configure(self, editor: Mapping[str, object]) -> None:
        """Go by other settings of the editor, and by what the user's own say by now."""
        self.observe()
        self.backend.configure(editor)

    def observe(self) -> None:
        """Keep or send traces where the user's settings say so."""
        self.tracing.configure()
        self.outcomes.tell = self.tracing.tell if self.tracing.is_on else None

    def report_server_error(self, error: Exception, source: Any) -> None:  # noqa: ANN401
        """Log; a pop-up for each failure would be worse than the failure."""
        if isinstance(error, JsonRpcMethodNotFound):
            logger.debug("%s", error)
            return
        logger.error("%s: %s", getattr(source, "__name__", source), error)
        if isinstance(error, JsonRpcException):
            logger.debug("%s", error.data)

    def leave(self) -> None:
        """End soon: stop the model, answer what waits with nothing."""
        self.status.stop()
        self.inline.close()
        self.outcomes.close()
        self.tracing.close()
        self.backend.close()
        if self._ended is not None:
            self._ended.set()

    def run_stdio(self, stdin: BinaryIO, stdout: BinaryIO) -> int:
        """Serve one client over two streams; return the exit status."""
        return asyncio.run(self._serve_stdio(stdin, stdout))

    def run_listening(self, visitor: Callable[[], Coroutine[Any, Any, Visitor]]) -> int:
        """Serve the client that `visitor` lets in over a socket; return the exit status."""
        return asyncio.run(self._serve_visitor(visitor))

    def wait_for_threads(self) -> None:
        """Give the threads a moment to end by themselves."""
        end = time.monotonic() + _END_SECONDS
        while (self.backend.busy() or self.inline.running()) and time.monotonic() < end:
            time.sleep(0.01)

    async def _serve_stdio(self, stdin: BinaryIO, stdout: BinaryIO) -> int:
        chunks: asyncio.Queue[bytes] = asyncio.Queue()
        writer = ThreadedWriter(stdout, broken=lambda: self.client.post(self.leave))
        read_in_thread(stdin, asyncio.get_running_loop(), chunks)
        self.protocol.set_writer(writer)
        await self._serve(self._read(chunks))
        writer.close()
        return self._exit_status()

    async def _serve_visitor(self, visitor: Callable[[], Coroutine[Any, Any, Visitor]]) -> int:
        client = await visitor()
        self.protocol.set_writer(client.writer)
        await self._serve(self._hear(client))
        client.writer.close()
        return self._exit_status()

    async def _serve(self, hearing: Coroutine[Any, Any, None]) -> None:
        """Serve until `hearing` has no more messages, or the client or the system ends it."""
        loop = asyncio.get_running_loop()
        self._ended = asyncio.Event()
        self.client.attach(loop)
        _on_terminate(loop, self.leave)
        reading = asyncio.ensure_future(hearing)
        ended = asyncio.ensure_future(self._ended.wait())
        await asyncio.wait({reading, ended}, return_when=asyncio.FIRST_COMPLETED)
        self.leave()
        await asyncio.sleep(0)  # the last answers go out
        ended.cancel()
        reading.cancel()
        self.client.detach()

    async def _read(self, chunks: asyncio.Queue[bytes]) -> None:
        frames = FrameReader()
        while data := await chunks.get():
            for frame in frames.feed(data):
                if isinstance(frame, Malformed):
                    self.protocol.refuse_bytes(frame.reason)
                else:
                    self._receive(frame)
                # A handler that was just begun takes its snapshot before the next message.
                await asyncio.sleep(0)

    async def _hear(self, client: Visitor) -> None:
        async for body in client.messages():
            self._receive(body)
            await asyncio.sleep(0)  # as above

    def _receive(self, body: bytes) -> None:
        try:
            self.protocol.receive(body)
        except Exception as error:
            logger.error("a message of %d bytes failed: %s", len(body), error, exc_info=error)

    def _exit_status(self) -> int:
        return 0 if self.protocol.was_shut_down else 1


def _defines(folder: Folder | None, name: str) -> bool:
    """Say whether a folder's repository defines a name."""
    index = folder.index.index if folder is not None and folder.index is not None else None
    return index is not None and bool(index.definitions(name))


def _on_terminate(loop: asyncio.AbstractEventLoop, leave: Callable[[], None]) -> None:
    try:
        loop.add_signal_handler(signal.SIGTERM, leave)
        loop.add_signal_handler(signal.SIGINT, leave)
    except (NotImplementedError, RuntimeError, ValueError):  # Windows, or not the main thread
        logger.debug("no signal handlers here")
