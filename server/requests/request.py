"""One request for an inline completion, from its arrival to its answer."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Hashable
from dataclasses import dataclass, replace

from lsprotocol import types as lsp

from homespun.server.requests.scheduler import Job
from homespun.server.requests.target import Completes, CompletionTarget
from homespun.server.types import Completion, CompletionRequest

ACCEPTED_COMMAND = "homespun.accepted"


@dataclass(frozen=True, slots=True)
class Arrival:
    """Which request, by its coming: of two on their way, the later is the last, however it ends."""

    uri: str
    number: int = 0


@dataclass(eq=False, slots=True)
class Ticket:
    """One request on its way."""

    arrival: Arrival
    request: CompletionRequest
    target: CompletionTarget
    completer: Completes  # the target's
    region: lsp.Range  # what the item replaces
    version: int | None
    began: float  # when it came
    above_chars: int  # of a notebook's cells above, which stand before the document's text
    lead: str  # text of the selected entry of the suggest widget; the item begins with it
    answer: asyncio.Future[Completion]
    job: Job

    @property
    def uri(self) -> str:
        """The document's."""
        return self.arrival.uri

    @property
    def offset(self) -> int:
        """The cursor in the document, behind `lead`."""
        return self.request.offset - self.above_chars

    @property
    def key(self) -> Hashable:
        """What shapes an answer beside the text."""
        return key_of(self.uri, self.completer, self.request)

    def item(self, completion: Completion) -> lsp.InlineCompletionItem:
        """Return what the editor shows; accepting it tells the server which one it was."""
        return lsp.InlineCompletionItem(
            insert_text=self.lead + completion.text,
            range=self.region,
            command=lsp.Command(
                title="Suggestion accepted",
                command=ACCEPTED_COMMAND,
                arguments=[completion.id],
            ),
        )

    def settle(self, completion: Completion) -> None:
        """Answer, unless that was done."""
        if not self.answer.done():
            self.answer.set_result(completion)


def key_of(uri: str, completer: Completes, request: CompletionRequest) -> Hashable:
    """Return what shapes an answer beside the text.

    The completer itself is part of it, weakly: it holds a model. A suggestion that was asked for
    by hand is typed along like any other, so the key does not tell them apart.
    """
    return (uri, weakref.ref(completer), completer.key(replace(request, explicit=False)))
