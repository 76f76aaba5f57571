"""The language server: what it answers, one line a method, and how it begins and ends."""

from __future__ import annotations

import asyncio
import logging
import signal
import time
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from lsprotocol import types as lsp
from pygls.exceptions import JsonRpcException, JsonRpcMethodNotFound
from pygls.lsp.server import LanguageServer

from homespun.server.acceptance.outcomes import Outcomes, tells_each_key
from homespun.server.background.backend import Engine
from homespun.server.background.factories import Parts
from homespun.server.background.status_notifier import METHOD, StatusNotifier
from homespun.server.commands import registry
from homespun.server.lsp.client import Client
from homespun.server.lsp.documents import Documents
from homespun.server.lsp.positions import chars_in_units, offset_at
from homespun.server.lsp.protocol import HomespunProtocol, InlineParams, make_converter
from homespun.server.lsp.settings import EditorSettings
from homespun.server.lsp.workspaces import path_of
from homespun.server.requests.handler import InlineCompletions
from homespun.server.transport.framing import FrameReader, Malformed, ThreadedWriter, read_in_thread
from homespun.server.transport.listen import Visitor
from homespun.server.transport.parent_process import watch

logger = logging.getLogger(__name__)

_END_SECONDS = 0.5  # what threads get to end by themselves


def create_server(
    parts: Parts | None = None, *, flags: Mapping[str, object] | None = None
) -> HomespunServer:
    """Make a server; `parts` replaces the expensive ones, `flags` are completion settings."""
    from importlib.metadata import version

    server = HomespunServer(parts or Parts(), flags or {}, version("homespun"))
    _register(server)
    return server


class HomespunServer(LanguageServer):
    """pygls' server with our documents, our transport and our end."""

    protocol: HomespunProtocol

    def __init__(self, parts: Parts, flags: Mapping[str, object], version: str) -> None:
        super().__init__(
            "homespun",
            version,
            protocol_cls=HomespunProtocol,
            converter_factory=make_converter,
        )
        self.client = Client(self)
        self.outcomes = Outcomes(may_log=lambda uri: self.engine.logs_acceptance(uri))
        self.suggestions = self.outcomes.suggestions
        self.inline = InlineCompletions(
            documents=self.documents,
            place=lambda uri, language_id: self.engine.place(uri, language_id),
            suggestions=self.suggestions,
        )
        self.status = StatusNotifier(
            post=self.client.post,
            describe=lambda: self.engine.describe(),
            send=lambda status: self.protocol.notify(METHOD, status),
        )
        self.engine = Engine(
            parts,
            self.client,
            flags=flags,
            completing=self.inline.busy,
            renewed=self.inline.renew,
            changed=self.inline.forget,
            status_changed=self.status.changed,
        )
        self.settings = EditorSettings(self, self.client, changed=self.engine.configure)
        self._ended: asyncio.Event | None = None

    def documents(self) -> Documents:
        """Return the open documents."""
        workspace = self.workspace
        assert isinstance(workspace, Documents)  # since `initialize`
        return workspace

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
        self.engine.close()
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
        while (self.engine.busy() or self.inline.running()) and time.monotonic() < end:
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


def _on_terminate(loop: asyncio.AbstractEventLoop, leave: Callable[[], None]) -> None:
    try:
        loop.add_signal_handler(signal.SIGTERM, leave)
        loop.add_signal_handler(signal.SIGINT, leave)
    except (NotImplementedError, RuntimeError, ValueError):  # Windows, or not the main thread
        logger.debug("no signal handlers here")


def _register(server: HomespunServer) -> None:
    """Register the handlers."""
    feature = server.feature
    feature(lsp.INITIALIZE)(_initialize)
    feature(lsp.INITIALIZED)(_initialized)
    feature(lsp.TEXT_DOCUMENT_INLINE_COMPLETION, lsp.InlineCompletionOptions())(_inline_completion)
    feature(lsp.TEXT_DOCUMENT_DID_OPEN)(_did_open)
    feature(lsp.TEXT_DOCUMENT_DID_CHANGE)(_did_change)
    feature(lsp.TEXT_DOCUMENT_DID_CLOSE)(_did_close)
    feature(lsp.TEXT_DOCUMENT_DID_SAVE, lsp.SaveOptions(include_text=False))(_did_save)
    feature(lsp.WORKSPACE_DID_CHANGE_WATCHED_FILES)(_did_change_watched_files)
    feature(lsp.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS)(_did_change_folders)
    feature(lsp.WORKSPACE_DID_CHANGE_CONFIGURATION)(_did_change_configuration)
    feature("textDocument/didShowCompletion")(_did_show)
    feature("textDocument/didPartiallyAcceptCompletion")(_did_accept_in_part)
    registry.register(server.command)


def _initialize(ls: HomespunServer, params: lsp.InitializeParams) -> None:
    ls.protocol.use_documents()
    ls.settings.initialize(params.initialization_options)
    ls.suggestions.infers_parts = tells_each_key(params.client_info)


def _initialized(ls: HomespunServer, _: lsp.InitializedParams) -> None:
    if ls.process_id is not None:
        ls.client.spawn(watch(ls.process_id, ls.leave))
    ls.client.spawn(_begin(ls))


async def _begin(ls: HomespunServer) -> None:
    """Register what the client lets be registered, ask for settings, then start the work."""
    ls.engine.start(ls.settings.current(), _folders(ls))
    ls.client.spawn(ls.outcomes.keep())
    if ls.client.shows_status():
        ls.status.start()
    registrations = []
    if ls.client.can("workspace", "did_change_watched_files", "dynamic_registration"):
        watchers = [lsp.FileSystemWatcher(glob_pattern="**/*")]
        registrations.append(
            lsp.Registration(
                id="homespun-watch",
                method=lsp.WORKSPACE_DID_CHANGE_WATCHED_FILES,
                register_options=lsp.DidChangeWatchedFilesRegistrationOptions(watchers=watchers),
            )
        )
    if ls.client.can("workspace", "did_change_configuration", "dynamic_registration"):
        registrations.append(
            lsp.Registration(
                id="homespun-settings",
                method=lsp.WORKSPACE_DID_CHANGE_CONFIGURATION,
                register_options=lsp.DidChangeConfigurationRegistrationOptions(section="homespun"),
            )
        )
    if registrations:
        try:
            await ls.client_register_capability_async(
                lsp.RegistrationParams(registrations=registrations)
            )
        except JsonRpcException as error:
            logger.warning("the editor registers nothing: %s", error)
    await ls.settings.pull()


async def _inline_completion(ls: HomespunServer, params: InlineParams) -> lsp.InlineCompletionList:
    return await ls.inline.complete(params)


def _did_open(ls: HomespunServer, params: lsp.DidOpenTextDocumentParams) -> None:
    ls.inline.opened(params.text_document.uri)


def _did_change(ls: HomespunServer, params: lsp.DidChangeTextDocumentParams) -> None:
    uri, documents = params.text_document.uri, ls.documents()
    if not documents.is_open(uri):
        return
    document = documents.get_text_document(uri)
    encoding = str(document.position_codec.encoding)
    match params.content_changes:
        case [*_, lsp.TextDocumentContentChangePartial() as last]:
            start = offset_at(document.lines, last.range.start, encoding)
            end = None if start is None else start + len(last.text)
            ls.inline.edited(uri, end, last.range.start.line)
        case _:
            ls.inline.edited(uri, None)
    ls.outcomes.edited(uri, document)


def _did_close(ls: HomespunServer, params: lsp.DidCloseTextDocumentParams) -> None:
    ls.inline.closed(params.text_document.uri)
    ls.outcomes.closed(params.text_document.uri)


def _did_save(ls: HomespunServer, params: lsp.DidSaveTextDocumentParams) -> None:
    ls.engine.changed(_paths(params.text_document.uri))


def _did_change_watched_files(ls: HomespunServer, params: lsp.DidChangeWatchedFilesParams) -> None:
    ls.engine.changed(_paths(*(change.uri for change in params.changes)))


def _did_change_folders(ls: HomespunServer, params: lsp.DidChangeWorkspaceFoldersParams) -> None:
    for folder in params.event.removed:
        ls.engine.remove_folder(folder.uri)
    for folder in params.event.added:
        if (path := path_of(folder.uri)) is not None:
            ls.engine.add_folder(folder.uri, path)


def _did_change_configuration(ls: HomespunServer, params: lsp.DidChangeConfigurationParams) -> None:
    ls.settings.pushed(params.settings)


def _did_show(ls: HomespunServer, params: Any) -> None:  # noqa: ANN401 - no schema for these
    ls.suggestions.shown(_suggestion_id(params))


def _did_accept_in_part(ls: HomespunServer, params: Any) -> None:  # noqa: ANN401
    units = getattr(params, "acceptedLength", None)
    text = getattr(getattr(params, "item", None), "insertText", None)
    if isinstance(units, int) and isinstance(text, str):
        chars = chars_in_units(text, units, lsp.PositionEncodingKind.Utf16)
        ls.suggestions.accepted_in_part(_suggestion_id(params), chars)


def _suggestion_id(params: Any) -> str:  # noqa: ANN401
    """Return the id in `params.item.command.arguments`, "" where there is none."""
    command = getattr(getattr(params, "item", None), "command", None)
    arguments = getattr(command, "arguments", None)
    return str(arguments[0]) if isinstance(arguments, list) and arguments else ""


def _folders(ls: HomespunServer) -> dict[str, Path]:
    """Return the workspace folders by URI; the root where the client knows no folders."""
    uris = [folder.uri for folder in ls.workspace.folders.values()]
    if not uris and ls.workspace.root_uri:
        uris = [ls.workspace.root_uri]
    return {uri: path for uri in uris if (path := path_of(uri)) is not None}


def _paths(*uris: str) -> list[Path]:
    return [path for uri in uris if (path := path_of(uri)) is not None]
