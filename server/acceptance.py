"""What became of the last suggestions: shown, typed into, accepted in part or whole. Memory only.

No editor reports partial acceptance in its published interface, so it is read off the edits.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from homespun.server.types import Completion

logger = logging.getLogger(__name__)

KEPT_SUGGESTIONS = 64  # enough for "which sources was that?", small enough to forget


@dataclass(slots=True)
class Suggestion:
    """A completion that went to the editor."""

    id: str
    uri: str
    offset: int  # code points before the cursor when it was asked for
    completion: Completion
    outcome: str = "sent"  # "sent", "shown", "typed", "partial", "accepted"
    taken_chars: int = 0  # how much of its text stands in the document


class Suggestions:
    """The last suggestions by id, and per document the one that may still be taken."""

    def __init__(self) -> None:
        self._by_id: OrderedDict[str, Suggestion] = OrderedDict()
        self._live: dict[str, Suggestion] = {}
        self.on_accepted: list[Callable[[Suggestion], None]] = []

    def add(self, suggestion: Suggestion) -> None:
        """Remember a suggestion; the oldest is forgotten."""
        self._by_id[suggestion.id] = suggestion
        self._live[suggestion.uri] = suggestion
        while len(self._by_id) > KEPT_SUGGESTIONS:
            self._by_id.popitem(last=False)

    def resumed(self, identifier: str, taken_chars: int) -> bool:
        """Go on with a suggestion whose rest is shown again; False where it is forgotten or used.

        `taken_chars` of it stand in the document.
        """
        suggestion = self._by_id.get(identifier)
        if suggestion is None or suggestion.outcome == "accepted":
            return False
        suggestion.taken_chars = taken_chars
        self._by_id.move_to_end(identifier)
        self._live[suggestion.uri] = suggestion
        return True

    def get(self, identifier: str) -> Suggestion | None:
        """Return a suggestion that is still remembered."""
        return self._by_id.get(identifier)

    def last(self) -> Suggestion | None:
        """Return the newest suggestion."""
        return next(reversed(self._by_id.values()), None)

    def accepted(self, identifier: str) -> None:
        """Note that the editor put a suggestion into the document."""
        suggestion = self._by_id.get(identifier)
        if suggestion is None:
            logger.debug("accepted: a suggestion that is forgotten or another server's")
            return
        self._live.pop(suggestion.uri, None)
        suggestion.outcome = "accepted"
        suggestion.taken_chars = len(suggestion.completion.text)
        self._report(suggestion)
        for hook in self.on_accepted:
            hook(suggestion)

    def shown(self, identifier: str) -> None:
        """Note that a client says it has drawn a suggestion."""
        suggestion = self._by_id.get(identifier)
        if suggestion is not None and suggestion.outcome == "sent":
            suggestion.outcome = "shown"

    def accepted_in_part(self, identifier: str, taken_chars: int) -> None:
        """Note that a client says how much, from its start, was taken."""
        suggestion = self._by_id.get(identifier)
        if suggestion is not None and suggestion.outcome != "accepted":
            suggestion.outcome = "partial"
            suggestion.taken_chars = max(suggestion.taken_chars, taken_chars)
            self._report(suggestion)

    def inserted(self, uri: str, offset: int, text: str) -> None:
        """Compare an insertion with the live suggestion: more than a character is acceptance."""
        suggestion = self._live.get(uri)
        if suggestion is None:
            return
        rest = suggestion.completion.text[suggestion.taken_chars :]
        at_its_end = offset == suggestion.offset + suggestion.taken_chars
        if not (text and at_its_end and rest.startswith(text)):
            self.forget_live(uri)
            return
        suggestion.taken_chars += len(text)
        if len(text) > 1:
            suggestion.outcome = "partial"
            self._report(suggestion)
        elif suggestion.outcome != "partial":
            suggestion.outcome = "typed"

    def forget_live(self, uri: str) -> None:
        """Stop following the document's suggestion: something else was edited."""
        self._live.pop(uri, None)

    def _report(self, suggestion: Suggestion) -> None:
        logger.debug(
            "%s: %d of %d characters, suggestion %s",
            suggestion.outcome,
            suggestion.taken_chars,
            len(suggestion.completion.text),
            suggestion.id,
        )
