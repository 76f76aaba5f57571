"""One request for an inline completion, from its arrival to its answer."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable
from dataclasses import dataclass, field

from lsprotocol import types as lsp

from homespun.server.requests.scheduler import Job
from homespun.server.requests.snapshot import RequestSnapshot
from homespun.server.requests.target import key_of
from homespun.server.traces.trail import RequestTrail
from homespun.server.types import Completion, CompletionRequest

ACCEPTED_COMMAND = "homespun.accepted"
DISMISSED_COMMAND = "homespun.dismissed"


@dataclass(frozen=True, slots=True)
class Arrival:
    """Which request, by its coming: of two on their way, the later is the last, however it ends."""

    uri: str
    number: int = 0
    # None where nobody wants traces.
    trail: RequestTrail | None = field(default=None, compare=False)


@dataclass(eq=False, slots=True)
class Ticket:
    """One request on its way."""

    arrival: Arrival
    snapshot: RequestSnapshot
    began: float  # when it came
    answer: asyncio.Future[Completion]
    job: Job

    @property
    def uri(self) -> str:
        """The document's."""
        return self.arrival.uri

    @property
    def request(self) -> CompletionRequest:
        """What the model is asked."""
        return self.snapshot.request

    @property
    def key(self) -> Hashable:
        """What shapes an answer beside the text."""
        return key_of(self.uri, self.snapshot.completer, self.request)

    def item(self, completion: Completion) -> lsp.InlineCompletionItem:
        """Return what the editor shows; accepting it tells the server which one it was."""
        return lsp.InlineCompletionItem(
            insert_text=self.snapshot.lead + completion.text,
            range=self.snapshot.region,
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
