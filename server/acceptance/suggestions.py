"""What becomes of the last suggestions: shown, typed along, accepted in part or whole. Memory only.

No editor reports partial acceptance in its published interface, so it is read off the edits: after
each of them the suggestion is compared with what stands at its place
(`server/acceptance/text_match.py`). More than a key's worth at once was accepted. What clients do
tell goes first.
"""

from __future__ import annotations

import logging
import time
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from homespun.server.acceptance.text_match import matching_ends
from homespun.server.lsp.edits import TextChange
from homespun.server.types import Completion

logger = logging.getLogger(__name__)

KEPT_SUGGESTIONS = 64  # enough for "which sources was that?", small enough to forget
MAX_STEPS = 64
_CLOSERS = ")]}>\"'`"  # an editor puts them behind the cursor by itself
_SLACK_CHARS = 200  # of white space that an editor may add to a suggestion


@dataclass(slots=True)
class Suggestion:
    """A completion that went to the editor."""

    id: str
    uri: str
    offset: int  # code points before the cursor when it was asked for, `lead` among them
    completion: Completion
    lead: str = ""  # the entry of the suggest widget that it goes on from
    language: str = ""
    answer_ms: float = 0.0
    time: float = 0.0  # when it was answered, seconds since 1970
    outcome: str = "sent"  # "sent", "shown", "typed", "partial", "accepted"
    taken_chars: int = 0  # how much of its text stands in the document, however it came there
    typed_chars: int = 0  # of these: key by key
    steps: list[str] = field(default_factory=list)  # each acceptance: "word", "line", "rest", "all"
    stood_seconds: float = 0.0  # how long it was there to be seen
    is_settled: bool = False  # what became of it is written down
    seen_chars: int = 0  # that came by acceptance, as far as edits show
    told_chars: int = 0  # up to here the client says that it was accepted

    @property
    def expected(self) -> str:
        """Return all that stands in the document once it is taken."""
        return self.lead + self.completion.text

    @property
    def accepted_chars(self) -> int:
        """Return how many characters came by acceptance, though they may have gone since."""
        return max(self.seen_chars, self.told_chars - self.typed_chars)


class Watches(Protocol):
    """Whoever wants to know; `homespun.server.acceptance.outcomes.Outcomes`."""

    def accepted_text(self, suggestion: Suggestion, start: int, text: str) -> None:
        """Note that `text` stands at `start` by acceptance."""

    def ended(self, suggestion: Suggestion, start: int) -> None:
        """Note that a suggestion at `start` can be taken no longer, unless it is shown again."""

    def resumed(self, suggestion: Suggestion) -> None:
        """Note that a suggestion is shown again."""


@dataclass(slots=True)
class _SuggestionGrowth:
    """What an edit has added of a suggestion."""

    before: int  # characters of lead and text
    now: int
    start: int  # where it stands
    text: str  # as it stands


@dataclass(slots=True)
class _Live:
    """A suggestion that may still be taken, at its place in the document."""

    suggestion: Suggestion
    anchor: int  # where lead and text begin
    floor: int  # characters of lead and text that the suggest widget puts in
    since: float
    base: int = 0  # characters of the text in front of the item that the client has
    matched: int = 0  # characters of lead and text that stand
    end: int = 0  # where they end
    last: _SuggestionGrowth | None = None  # the newest growth, where it was taken for typing
    others: tuple[Suggestion, ...] = ()  # that the user may choose instead

    @property
    def expected(self) -> str:
        return self.suggestion.expected

    def look(self, text: str, until: int) -> list[int]:
        """Compare with the document; return where each character that stands ends.

        What follows `until`, the cursor, has been there before, but closing brackets count: an
        editor puts them there ahead of the rest.
        """
        ends = self._ends(self.suggestion, text)
        taken = bisect_right(ends, until - self.anchor)
        is_whole = len(ends) > len(self.expected)
        if not (is_whole and not self.expected[taken - 1 :].strip(_CLOSERS)):
            ends = ends[:taken]
        return [self.anchor + end for end in ends]

    def turn(self, text: str, until: int) -> None:
        """Follow another one of those to choose from where more of it stands than of this one."""
        mine = len(self.look(text, until))
        for other in self.others:
            if bisect_right(self._ends(other, text), until - self.anchor) > mine:
                self.suggestion.is_settled = True  # the list was shown once: one of it counts
                self.suggestion, self.others = other, ()
                return

    def _ends(self, suggestion: Suggestion, text: str) -> list[int]:
        limit = 2 * len(suggestion.expected) + _SLACK_CHARS
        return matching_ends(suggestion.expected, text[self.anchor : self.anchor + limit])

    def follow(self, changes: Sequence[TextChange]) -> int | None:
        """Move with the edits; return how far those at its place reach, None without one."""
        last = None
        for each in changes:
            change = each.trimmed()
            if self.anchor <= change.start <= self.end:
                until = change.start + len(change.inserted)
                last = until if last is None else max(until, last + change.grows)
                self.end = max(self.end + change.grows, until)
            elif change.start + len(change.removed) <= self.anchor:
                self.anchor += change.grows
                self.end += change.grows
                last = last + change.grows if last is not None else None
            elif change.start < self.anchor:  # its beginning is gone
                return None
        return last


class Suggestions:
    """The last suggestions by id, and per document the one that may still be taken."""

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
        watch: Watches | None = None,
    ) -> None:
        self._clock = clock
        self._now = now
        self._watch = watch
        self._by_id: OrderedDict[str, Suggestion] = OrderedDict()
        self._live: dict[str, _Live] = {}
        self._after: dict[str, _Live] = {}  # by uri: the last that ended; news of it may come late
        # False for a client that gathers keys before it tells: several may come as one edit.
        self.infers_parts = True
        self.tells_shown = False  # the client says what it has drawn

    def add(
        self, suggestion: Suggestion, text: str = "", *, others: Sequence[Suggestion] = ()
    ) -> None:
        """Remember a suggestion for the document's `text`; the oldest is forgotten.

        `others` are what the same list has to choose from; the last that counts is `suggestion`.
        """
        self.forget_live(suggestion.uri)
        for each in (*others, suggestion):
            each.time = each.time or self._now()
            self._by_id[each.id] = each
        lead = len(suggestion.lead)
        anchor = suggestion.offset - lead
        live = _Live(suggestion, anchor, floor=lead, since=self._clock(), base=-lead)
        live.others = tuple(others)
        self._show(live, text, lead)
        while len(self._by_id) > KEPT_SUGGESTIONS:
            self._by_id.popitem(last=False)

    def resumed(
        self, identifier: str, taken_chars: int, offset: int = -1, *, lead: str = "", text: str = ""
    ) -> bool:
        """Go on with a suggestion whose rest is shown again; False where it is forgotten or used.

        `taken_chars` of it stand before `offset`, those of `lead` among them, which the suggest
        widget would put in.
        """
        suggestion = self._by_id.get(identifier)
        if suggestion is None or suggestion.outcome == "accepted" or suggestion.is_settled:
            return False
        before = self._live.get(suggestion.uri)
        if before is not None and before.suggestion is not suggestion:
            self.forget_live(suggestion.uri)
        offset = suggestion.offset + taken_chars if offset < 0 else offset
        own_lead = len(suggestion.lead)
        live = _Live(
            suggestion,
            anchor=offset - taken_chars - own_lead,
            floor=own_lead + taken_chars if lead else own_lead,
            since=self._clock(),
            base=taken_chars - len(lead),
        )
        if before is not None and before.suggestion is suggestion:
            live.since = before.since
        elif self._watch is not None:
            self._watch.resumed(suggestion)
        if not lead:
            _stands(suggestion, taken_chars)
        self._by_id.move_to_end(identifier)
        self._show(live, text, own_lead + taken_chars)
        return True

    def get(self, identifier: str) -> Suggestion | None:
        """Return a suggestion that is still remembered."""
        return self._by_id.get(identifier)

    def last(self) -> Suggestion | None:
        """Return the newest suggestion."""
        return next(reversed(self._by_id.values()), None)

    def displayed(self, uri: str) -> Suggestion | None:
        """Return the suggestion of a document that may still be taken."""
        live = self._live.get(uri)
        return live.suggestion if live is not None else None

    def shown(self, identifier: str) -> None:
        """Note that a client says it has drawn a suggestion."""
        self.tells_shown = True
        suggestion = self._by_id.get(identifier)
        if suggestion is not None and suggestion.outcome == "sent":
            suggestion.outcome = "shown"

    def accepted(self, identifier: str) -> None:
        """Note that the editor put a suggestion into the document."""
        suggestion = self._by_id.get(identifier)
        if suggestion is None:
            logger.debug("accepted: a suggestion that is forgotten or another server's")
            return
        if suggestion.outcome != "accepted":
            self._told(suggestion, len(suggestion.completion.text))
            suggestion.outcome = "accepted"
            self._report(suggestion)

    def accepted_in_part(self, identifier: str, item_chars: int) -> None:
        """Note that a client says how much of its item, from the item's start, was taken."""
        suggestion = self._by_id.get(identifier)
        if suggestion is None or suggestion.outcome == "accepted":
            return
        live = self._live_of(suggestion)
        base = live.base if live is not None else -len(suggestion.lead)
        taken = min(base + item_chars, len(suggestion.completion.text))
        if taken > 0:
            self._told(suggestion, taken)
            suggestion.outcome = "partial"
            self._report(suggestion)

    def changed(self, uri: str, changes: Sequence[TextChange], source: Callable[[], str]) -> None:
        """Compare the document's live suggestion with its text after `changes`."""
        live = self._live.get(uri)
        if live is None:
            return
        edited_until = live.follow(changes)
        if edited_until is None:
            self.forget_live(uri)
            return
        text = source()
        if live.others:
            live.turn(text, edited_until)
        ends = live.look(text, edited_until)
        before, live.matched, live.end = live.matched, len(ends) - 1, ends[-1]
        is_beside = bool(text[live.end : edited_until].strip().strip(_CLOSERS))
        if is_beside or (live.matched <= before and not _only_fillers(changes)):
            self.forget_live(uri)
        elif live.matched > before:
            self._grew(live, before, ends, text)
        elif live.matched < before:
            _stands(live.suggestion, live.matched - len(live.suggestion.lead))

    def forget_live(self, uri: str) -> None:
        """Stop following the document's suggestion: it is on display no longer."""
        live = self._live.pop(uri, None)
        if live is not None:
            live.suggestion.stood_seconds += self._clock() - live.since
            self._after[uri] = live
            if self._watch is not None:
                self._watch.ended(live.suggestion, live.anchor)

    def closed(self, uri: str) -> None:
        """Forget the places in a document that was closed."""
        self.forget_live(uri)
        self._after.pop(uri, None)

    def close(self) -> None:
        """Forget all places."""
        for uri in list(self._live):
            self.closed(uri)

    def live(self) -> int:
        """Return how many suggestions may still be taken."""
        return len(self._live)

    def _show(self, live: _Live, text: str, most: int) -> None:
        """Begin to follow; `most` characters stand in front of the cursor."""
        ends = live.look(text, len(text))[: most + 1]
        live.matched, live.end = len(ends) - 1, ends[-1]
        self._live[live.suggestion.uri] = live

    def _live_of(self, suggestion: Suggestion) -> _Live | None:
        """Return a suggestion's place, also right after it was taken."""
        for by_uri in (self._live, self._after):
            live = by_uri.get(suggestion.uri)
            if live is not None and live.suggestion is suggestion:
                return live
        return None

    def _told(self, suggestion: Suggestion, taken_chars: int) -> None:
        """Believe a client that says how much was accepted, before or after the edit came."""
        suggestion.told_chars = max(suggestion.told_chars, taken_chars)
        live = self._live_of(suggestion)
        told = len(suggestion.lead) + taken_chars
        if live is not None and live.last is not None and live.last.now == told:
            growth, live.last = live.last, None
            suggestion.typed_chars -= growth.now - growth.before
            self._accept(suggestion, growth)
        suggestion.taken_chars = max(suggestion.taken_chars, taken_chars)

    def _grew(self, live: _Live, before: int, ends: list[int], text: str) -> None:
        """Tell typing from acceptance."""
        suggestion, now = live.suggestion, live.matched
        own = len(suggestion.lead)
        taken = min(max(before, live.floor), now)  # up to here it was typed, or the widget's
        suggestion.taken_chars = max(0, now - own)
        suggestion.typed_chars += max(0, taken - max(before, own))
        growth = _SuggestionGrowth(taken, now, ends[taken], text[ends[taken] : ends[now]])
        is_told = suggestion.told_chars and now <= own + suggestion.told_chars
        # A key is a character, or a line end with the editor's indentation.
        is_a_key = len(growth.text) <= 1 or growth.text.isspace()
        live.last = None
        if now > taken and not is_told and (is_a_key or not self.infers_parts):
            live.last = growth
            suggestion.typed_chars += now - taken
            if suggestion.outcome in ("sent", "shown"):
                suggestion.outcome = "typed"
        elif now > taken:
            self._accept(suggestion, growth)
            self._report(suggestion)
        if now == len(live.expected):
            self.forget_live(suggestion.uri)

    def _accept(self, suggestion: Suggestion, growth: _SuggestionGrowth) -> None:
        step = _step(suggestion, growth)
        suggestion.seen_chars += growth.now - growth.before
        if suggestion.outcome != "accepted":
            suggestion.outcome = "accepted" if step in ("all", "rest") else "partial"
        if len(suggestion.steps) < MAX_STEPS:
            suggestion.steps.append(step)
        if self._watch is not None:
            self._watch.accepted_text(suggestion, growth.start, growth.text)

    def _report(self, suggestion: Suggestion) -> None:
        logger.debug(
            "%s: %d of %d characters, suggestion %s",
            suggestion.outcome,
            suggestion.taken_chars,
            len(suggestion.completion.text),
            suggestion.id,
        )


def _step(suggestion: Suggestion, growth: _SuggestionGrowth) -> str:
    """Name an acceptance by where it ends; a line's last word counts as the line."""
    expected = suggestion.expected
    if growth.now == len(expected):
        return "all" if growth.before <= len(suggestion.lead) else "rest"
    at_line_end = expected[growth.now] in "\r\n" or expected[growth.now - 1] in "\r\n"
    return "line" if at_line_end else "word"


def _stands(suggestion: Suggestion, chars: int) -> None:
    """Note how much stands where nothing was accepted since: more was typed, less deleted."""
    chars = max(0, chars)
    if chars > suggestion.taken_chars:
        suggestion.typed_chars += chars - suggestion.taken_chars
        if suggestion.outcome in ("sent", "shown"):
            suggestion.outcome = "typed"
    suggestion.taken_chars = chars
    suggestion.typed_chars = min(suggestion.typed_chars, chars)


def _only_fillers(changes: Sequence[TextChange]) -> bool:
    """Say whether nothing was put in but white space and closing brackets."""
    put_in = (change.trimmed().inserted for change in changes)
    return not any(text.strip().strip(_CLOSERS) for text in put_in)
