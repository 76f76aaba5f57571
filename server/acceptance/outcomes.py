"""From an answer to its line in the log: follows each suggestion until its fate is known.

One that nobody takes is settled when it has been gone for a minute: until then the same text may
be shown again. One that was accepted is settled when its last horizon has passed, or when its
document is closed. Times of a horizon are not waited for: before an edit is followed, and now and
then, what stands is measured for the horizons that have passed since the last.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from lsprotocol import types as lsp
from pygls.workspace import TextDocument

from homespun.server.acceptance.instead import WrittenInstead
from homespun.server.acceptance.log import AcceptanceLog, Record
from homespun.server.acceptance.reliability import learn_from_log
from homespun.server.acceptance.suggestions import Suggestion, Suggestions
from homespun.server.acceptance.survival import HORIZONS_SECONDS, Followed, Kept
from homespun.server.lsp.documents import Document
from homespun.server.lsp.edits import TextChange
from homespun.server.types import Completion

_IDLE_SECONDS = 60.0
_TICK_SECONDS = 30.0
_MAX_FOLLOWED = 256

# Told of a suggestion whose fate is known: what was measured of it at each horizon, and what stands
# in its place where it was not taken.
Told = Callable[[Suggestion, Sequence[Kept | None], str], None]


class Outcomes:
    """The suggestions, what was accepted of them, and the log."""

    def __init__(
        self,
        *,
        log: AcceptanceLog | None = None,
        may_log: Callable[[str], bool] = lambda uri: True,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
        tell: Told | None = None,
    ) -> None:
        """Ask `may_log`, with a document's uri, whether the user wants this written down."""
        self.tell = tell
        self._instead = WrittenInstead()
        self.log = log or AcceptanceLog()
        self.suggestions = Suggestions(clock=clock, now=now, watch=self)
        self._may_log = may_log
        self._clock = clock
        self._gone: dict[str, tuple[Suggestion, float]] = {}  # by id, with the time of the end
        self._followed: dict[str, tuple[Suggestion, Followed]] = {}  # by id, the oldest first

    def edited(self, uri: str, document: TextDocument) -> None:
        """Follow what a notification has changed in a document."""
        if isinstance(document, Document):
            self.changed(uri, document.take_changes(), lambda: document.source)

    def changed(self, uri: str, changes: Sequence[TextChange], text: Callable[[], str]) -> None:
        """Follow the edits of a document; `text` tells what stands there now."""
        self._measure()
        if self.tell is not None:
            self._instead.changed(uri, changes, text)
        followed = [each for suggestion, each in self._followed.values() if suggestion.uri == uri]
        if followed:
            refined = [part for change in changes for part in change.refined()]
            for each in followed:
                each.apply(refined)
        self.suggestions.changed(uri, changes, text)

    def closed(self, uri: str) -> None:
        """Settle what stands in a document that is closed: nobody sees its edits any more."""
        self._measure()
        self.suggestions.closed(uri)
        for suggestion, followed in list(self._followed.values()):
            if suggestion.uri == uri:
                self._settle(suggestion, followed)
        if self.tell is not None:
            for suggestion, _ in list(self._gone.values()):
                if suggestion.uri == uri:
                    self._settle(suggestion)
        self._instead.closed(uri)

    def settle(self) -> None:
        """Settle what is known by now."""
        self._measure()
        long_ago = self._clock() - _IDLE_SECONDS
        for suggestion, ended_at in list(self._gone.values()):
            if ended_at <= long_ago:
                self._settle(suggestion)

    async def keep(self) -> None:
        """Settle and write now and then, until cancelled; learn once, for the next start."""
        has_learned = False
        while True:
            await asyncio.sleep(_TICK_SECONDS)
            self.settle()
            await asyncio.to_thread(self.log.flush)
            if not has_learned:
                await asyncio.to_thread(learn_from_log)
                has_learned = True

    def close(self) -> None:
        """Settle everything and write it: the server ends."""
        self._measure()
        self.suggestions.close()
        for suggestion, followed in list(self._followed.values()):
            self._settle(suggestion, followed)
        for suggestion, _ in list(self._gone.values()):
            self._settle(suggestion)
        self.log.flush()

    def pending(self) -> int:
        """Return how many suggestions wait for their fate."""
        return len(self._gone.keys() | self._followed.keys()) + self.suggestions.live()

    def accepted_text(self, suggestion: Suggestion, start: int, text: str) -> None:
        """Follow a text that was accepted."""
        known = self._followed.get(suggestion.id)
        followed = known[1] if known else Followed()
        followed.accepted(start, text, self._clock())
        self._followed[suggestion.id] = (suggestion, followed)
        if len(self._followed) > _MAX_FOLLOWED:
            self._settle(*next(iter(self._followed.values())))

    def ended(self, suggestion: Suggestion, start: int) -> None:
        """Wait whether a suggestion is shown again."""
        if self.tell is not None:
            self._instead.follow(suggestion.id, suggestion.uri, start, suggestion.expected)
        self._gone[suggestion.id] = (suggestion, self._clock())

    def resumed(self, suggestion: Suggestion) -> None:
        """Note that it is."""
        self._gone.pop(suggestion.id, None)

    def _measure(self) -> None:
        now = self._clock()
        for suggestion, followed in list(self._followed.values()):
            if followed.measure_until(now):
                self._settle(suggestion, followed)

    def _settle(self, suggestion: Suggestion, followed: Followed | None = None) -> None:
        """Write down what became of a suggestion, unless it is still followed, or was."""
        self._gone.pop(suggestion.id, None)
        if followed is None and suggestion.id in self._followed:
            return
        self._followed.pop(suggestion.id, None)
        instead = self._instead.take(suggestion.id)
        if suggestion.is_settled:
            return
        suggestion.is_settled = True
        if suggestion.outcome == "sent":
            if self.suggestions.tells_shown:  # and did not tell of this one
                return
            suggestion.outcome = "shown"
        measured = followed.measured if followed else [None] * len(HORIZONS_SECONDS)
        if self.tell is not None:
            self.tell(suggestion, measured, instead)
        if self._may_log(suggestion.uri):
            self.log.add(_record(suggestion, measured))


def tells_each_key(client: lsp.ClientInfo | None) -> bool:
    """Say whether a client sends every key by itself, so that more at once was no typing.

    Neovim gathers the keys of 150 ms (`debounce_text_changes`).
    """
    return client is None or "vim" not in client.name.lower()


def _record(suggestion: Suggestion, measured: Sequence[Kept | None]) -> Record:
    completion = suggestion.completion
    lines = completion.text.count("\n") + 1
    return Record(
        id=suggestion.id,
        time=datetime.fromtimestamp(suggestion.time, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        language=suggestion.language,
        model=_name(completion.model),
        adapter=_name(completion.adapter),
        sources=len(completion.sources),
        kind="block" if lines > 1 else "line",
        chars=len(completion.text),
        lines=lines,
        ms=round(suggestion.answer_ms, 1),
        outcome=suggestion.outcome,
        stood_ms=round(suggestion.stood_seconds * 1000),
        typed=suggestion.typed_chars,
        accepted=suggestion.accepted_chars,
        steps=tuple(suggestion.steps),
        kept=tuple(None if each is None else round(each.kept, 3) for each in measured),
        changed=tuple(None if each is None else round(each.changed, 3) for each in measured),
        likelihood=_likelihood(completion),
    )


def _likelihood(completion: Completion) -> float | None:
    found = completion.facts.get("likelihood")
    return round(found, 4) if isinstance(found, float) else None


def _name(name: str) -> str:
    """Return the name of a model or an adapter; one of the user's own may be a path."""
    return "own" if "/" in name or "\\" in name else name
