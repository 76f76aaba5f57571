"""What became of the answers before this one: typed along, or typed over."""

from __future__ import annotations

from dataclasses import dataclass

_MAX_AGREED = 40
_MAX_REFUTED = 4
_FORGIVEN_CHARS = 4  # typed along: what was wrong before them is no longer held against it


@dataclass(frozen=True, slots=True)
class Earlier:
    """What an answer's predecessors at this place say of it."""

    agreed: float = 0.0  # characters that were typed since, as the last answer had them
    refuted: float = 0.0  # answers in a row that were typed over
    is_same: bool = False  # this answer is what is left of the last one


class Predecessors:
    """Remembers the last answer; what is typed behind it shows whether it was right."""

    def __init__(self) -> None:
        """Nothing has been answered yet."""
        self._before = self._text = ""
        self._known = Earlier()

    def of(self, before: str, text: str) -> Earlier:
        """Return what is known of an answer behind `before`, and remember the first one there."""
        if before == self._before and self._text:
            return self._known
        known = self._judged(before, text)
        self._before, self._text, self._known = before, text, known
        return known

    def _judged(self, before: str, text: str) -> Earlier:
        if not self._text or not before.startswith(self._before):
            return Earlier()
        typed = before[len(self._before) :]
        if self._text.startswith(typed):
            agreed = min(self._known.agreed + len(typed), _MAX_AGREED)
            refuted = 0.0 if agreed >= _FORGIVEN_CHARS else self._known.refuted
            return Earlier(agreed, refuted, text.startswith(self._text[len(typed) :]))
        if typed.startswith(self._text):  # all of it, and more
            return Earlier(float(min(len(self._text), _MAX_AGREED)))
        return Earlier(0.0, min(self._known.refuted + 1, _MAX_REFUTED))
