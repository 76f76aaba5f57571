"""What the server says to the editor unasked: messages, each once, and work-done progress.

Everything here may be called from any thread; it reaches the client on the event loop.
"""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any

from lsprotocol import types as lsp
from pygls.exceptions import JsonRpcException
from pygls.lsp.server import LanguageServer

logger = logging.getLogger(__name__)

_REPORT_SECONDS = 0.2  # more reports than that only cost the editor time


class Client:
    """The editor, as the background work sees it."""

    def __init__(self, server: LanguageServer) -> None:
        self._server = server
        self._loop: asyncio.AbstractEventLoop | None = None
        self._said: set[str] = set()
        self.ended: set[str] = set()  # progress that was over before the client had agreed to it
        self._tasks: set[asyncio.Task[None]] = set()  # the loop itself keeps only weak references

    def attach(self, loop: asyncio.AbstractEventLoop) -> None:
        """Use the event loop that serves the client."""
        self._loop = loop

    def detach(self) -> None:
        """Say nothing more, and end what was still going on."""
        self._loop = None
        for task in list(self._tasks):
            task.cancel()

    def post(self, function: Callable[..., object], *arguments: object) -> None:
        """Call a function on the event loop; at the end of the process, nothing."""
        loop = self._loop  # read once: `detach` may come in between
        try:
            if loop is not None:
                loop.call_soon_threadsafe(function, *arguments)
        except RuntimeError:
            logger.debug("the event loop has ended")

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run a coroutine on the event loop; to be called there. Failures are logged."""
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)

    def say_once(self, sentence: str, kind: lsp.MessageType) -> None:
        """Show a sentence to the user and log it, once a session."""
        self.post(self._say_once, sentence, kind)

    def say_problem(self, sentence: str) -> None:
        """Say, once a session, what the status says too; a client that shows that is spared it."""
        self.post(self._say_once, sentence, lsp.MessageType.Warning, self.shows_status())

    def can_ask(self) -> bool:
        """Say whether the client shows a message with buttons; those that do announce it."""
        window = self._server.client_capabilities.window
        return window is not None and window.show_message is not None

    async def ask(self, sentence: str, choices: Sequence[str]) -> str | None:
        """Show a sentence with buttons; return the one that was pressed, None for none."""
        actions = [lsp.MessageActionItem(title=choice) for choice in choices]
        params = lsp.ShowMessageRequestParams(
            type=lsp.MessageType.Warning, message=sentence, actions=actions
        )
        try:
            answer = await self._server.window_show_message_request_async(params)
        except JsonRpcException as error:
            logger.warning("the editor cannot ask %r: %s", sentence, error)
            return None
        return answer.title if answer is not None else None

    def log(self, sentence: str, kind: lsp.MessageType = lsp.MessageType.Info) -> None:
        """Write a sentence to the editor's log of this server."""
        self.post(self._log, sentence, kind)

    def progress(self, title: str) -> ClientProgress:
        """Return a `Progress` that the editor draws, where it can."""
        return ClientProgress(self, self._server, title)

    def can(self, *path: str) -> bool:
        """Say whether the client announced a capability, e.g. `can("window", "apply_edit")`."""
        value: object = self._server.client_capabilities
        for name in path:
            value = getattr(value, name, None)
        return value is True

    def shows_status(self) -> bool:
        """Say whether the client wants `homespun/status`: `experimental.homespun.status`."""
        value: object = self._server.client_capabilities.experimental
        for name in ("homespun", "status"):
            value = value.get(name) if isinstance(value, Mapping) else None
        return value is True

    def _say_once(
        self, sentence: str, kind: lsp.MessageType, only_to_the_log: bool = False
    ) -> None:
        if sentence in self._said:
            return
        self._said.add(sentence)
        self._log(sentence, kind)
        if not only_to_the_log:
            self._server.window_show_message(lsp.ShowMessageParams(type=kind, message=sentence))

    def _log(self, sentence: str, kind: lsp.MessageType) -> None:
        level = logging.WARNING if kind.value <= lsp.MessageType.Warning.value else logging.INFO
        logger.log(level, "%s", sentence)
        self._server.window_log_message(lsp.LogMessageParams(type=kind, message=sentence))

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("background work failed: %s", error, exc_info=error)


class ClientProgress:
    """Progress of long work as `$/progress`: a token a stage, few reports."""

    def __init__(self, client: Client, server: LanguageServer, title: str) -> None:
        self._client = client
        self._server = server
        self._title = title
        self._stage = ""
        self._unit = ""
        self._total = 0
        self._done = 0
        self._reported_at = 0.0
        self._token: str | None = None

    def start(self, stage: str, total: int, unit: str) -> None:
        """Begin a stage; the editor shows "title: stage"."""
        self.finish()
        self._stage, self._total, self._unit = stage, total, unit
        self._done, self._reported_at = 0, time.monotonic()
        if self._client.can("window", "work_done_progress"):
            self._token = uuid.uuid4().hex
            self._client.post(self._begin, self._token, stage)

    def advance(self, n: int) -> None:
        """Count units; tell the editor a few times a second at most."""
        self._done += n
        now = time.monotonic()
        if self._token is not None and now - self._reported_at >= _REPORT_SECONDS:
            self._reported_at = now
            self._client.post(self._report, self._token, self._message(), self._percentage())

    def finish(self) -> None:
        """End the stage."""
        if self._token is not None:
            self._client.post(self._end, self._token)
            self._token = None

    def _message(self) -> str:
        of_total = f"/{self._total}" if self._total else ""
        return f"{self._stage} {self._done}{of_total} {self._unit}".strip()

    def _percentage(self) -> int | None:
        return min(100, 100 * self._done // self._total) if self._total else None

    def _begin(self, token: str, stage: str) -> None:
        self._client.spawn(self._create(token, stage))

    async def _create(self, token: str, stage: str) -> None:
        try:
            await self._server.work_done_progress.create_async(token)
        except JsonRpcException as error:
            logger.debug("the client refuses progress: %s", error)
            return
        if token in self._client.ended:  # over before the client answered
            self._client.ended.discard(token)
            return
        self._server.work_done_progress.begin(
            token,
            lsp.WorkDoneProgressBegin(
                title=self._title,
                message=stage,
                percentage=0 if self._total else None,
                cancellable=False,
            ),
        )

    def _report(self, token: str, message: str, percentage: int | None) -> None:
        if token in self._server.work_done_progress.tokens:
            self._server.work_done_progress.report(
                token, lsp.WorkDoneProgressReport(message=message, percentage=percentage)
            )

    def _end(self, token: str) -> None:
        if token in self._server.work_done_progress.tokens:
            del self._server.work_done_progress.tokens[token]
            self._server.work_done_progress.end(token, lsp.WorkDoneProgressEnd())
        else:
            self._client.ended.add(token)
