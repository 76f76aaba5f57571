"""The server's handler of completions without a process around it, and a completer that obeys."""

from __future__ import annotations

import asyncio
import threading
from functools import partial

from lsprotocol import types as lsp

from homespun.server.acceptance.suggestions import Suggestions
from homespun.server.lsp.documents import Documents
from homespun.server.lsp.protocol import DocumentVersion, InlineContext, InlineParams
from homespun.server.requests.handler import InlineCompletions
from homespun.server.requests.target import CompletionTarget
from homespun.server.types import Completion

PATIENCE_SECONDS = 30  # a limit against hanging, never a measurement
AUTOMATIC, BY_HAND = 2, 1


class Scripted:
    """A completer that says what it is told to; SLOW in a document takes until it is broken off."""

    def __init__(self, says="foo(a, b)", *, key="key", finish="newline"):
        self.says, self._key, self._finish = says, key, finish
        self.asked = []
        self.recent = []
        self.prepared = []
        self.begun = threading.Event()
        self.go_on = threading.Event()

    def complete(self, request, *, cancelled):
        self.asked.append(request.text)
        self.recent.append(request.recent)
        self.begun.set()
        if "SLOW" in request.text:
            ended = threading.Event()
            cancelled.on_cancel(ended.set)
            assert ended.wait(PATIENCE_SECONDS)
            return Completion("", "cancelled", model="m")
        if "HELD" in request.text:  # and too far to be broken off
            assert self.go_on.wait(PATIENCE_SECONDS)
        return Completion(self.says, self._finish, model="m", tokens={"prompt": 9})

    def prepare(self, request, *, accepted, cancelled):
        if "LONG" in request.text:
            ended = threading.Event()
            cancelled.on_cancel(ended.set)
            self.begun.set()
            assert ended.wait(PATIENCE_SECONDS)
            return False
        text, offset = request.text, request.offset
        self.prepared.append(f"{text[:offset]}{accepted}¦{text[offset:]}")
        return True

    def key(self, request):
        return (request.path, self._key, request.explicit)


class Desk:
    """Documents, the completer in place, and the handler."""

    def __init__(self, completer):
        self.completer = completer
        self.now = 0.0
        self.workspace = Documents(None, lsp.TextDocumentSyncKind.Incremental, [], "utf-32")
        self.suggestions = Suggestions()
        self.inline = InlineCompletions(
            documents=lambda: self.workspace,
            target=self.target,
            suggestions=self.suggestions,
            clock=lambda: self.now,
        )
        self.inline._snapshots.kinds.is_explicit(AUTOMATIC)  # the client is known to speak LSP 3.18

    def target(self, uri, language_id):
        because = "" if self.completer else "filtered:disabled"
        now = partial(self.target, uri, language_id)
        return CompletionTarget(self.completer, uri, language_id, now, because=because)

    def show(self, document, uri="a"):
        """Make the document what stands around the bar, without a word to the handler."""
        text = document.replace("¦", "")
        item = lsp.TextDocumentItem(uri, "python", 1, text)
        self.workspace.put_text_document(item)
        return document.index("¦")

    async def ask(self, document, uri="a", *, kind=AUTOMATIC):
        """Return the text of the item, "" where there is none."""
        offset = self.show(document, uri)
        before = document[:offset]
        line = before.count("\n")
        position = lsp.Position(line, offset - (before.rfind("\n") + 1))
        params = InlineParams(DocumentVersion(uri), position, InlineContext(kind))
        items = (await self.inline.complete(params)).items
        return items[0].insert_text if items else ""

    async def until(self, condition):
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not condition():
                await asyncio.sleep(0.002)


def at_a_desk(scenario, completer):
    async def run():
        desk = Desk(completer)
        try:
            await scenario(desk)
        finally:
            completer.go_on.set()
            desk.inline.close()

    asyncio.run(run())
