"""Who completes a document: what the requests' handler needs to know of what is behind it."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

from homespun.server.types import Completion, CompletionRequest


class Completes(Protocol):
    """What answers one request; `homespun.server.completion.completer.Completer` does."""

    def complete(self, request: CompletionRequest, *, cancelled: Callable[[], bool]) -> Completion:
        """Return the completion, or why there is none."""

    def prepare(
        self, request: CompletionRequest, *, accepted: str, cancelled: Callable[[], bool]
    ) -> bool:
        """Make ready for a request, as if `accepted` stood before the cursor; False if not."""

    def key(self, request: CompletionRequest) -> Hashable:
        """Return what shapes an answer beside the text; cheap, and on the event loop."""


@dataclass(frozen=True, slots=True)
class CompletionTarget:
    """Where a document belongs and who completes it; `completer` None = not now, because.

    A request carries the target that it was asked of, and can tell whether that still is so.
    """

    completer: Completes | None
    path: str  # relative to the workspace folder, "" outside of any
    language: str
    now: Callable[[], CompletionTarget]  # looks again
    because: str = ""  # a `finish`, e.g. "filtered:loading-model"
    facts: Mapping[str, object] = field(default_factory=dict)  # that its sentence holds

    def is_still_current(self, request: CompletionRequest) -> bool:
        """Say whether who would be asked now is who was asked: model, adapter, settings."""
        asked, now = self.completer, self.now().completer
        return asked is not None and now is not None and now.key(request) == asked.key(request)

    def is_with(self, other: CompletionTarget) -> bool:
        """Say whether one completer answers for both."""
        return self.completer is not None and self.completer is other.completer


def key_of(uri: str, completer: Completes, request: CompletionRequest) -> Hashable:
    """Return what shapes an answer beside the text.

    The completer itself is part of it, weakly: it holds a model. A suggestion that was asked for
    by hand is typed along like any other, so the key does not tell them apart.
    """
    return (uri, weakref.ref(completer), completer.key(replace(request, explicit=False)))
