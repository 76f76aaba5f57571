"""How the repository writes, for an agent: the house's habits on a topic, each with a place.

Who counts them lies in another room, so this file knows only what a habit says of itself.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from homespun.server.agents.places import CodePlace, Findings, shown_of
from homespun.server.errors import ArgumentRefused

_MAX_HABITS = 20
_KEPT_SECONDS = 600.0  # counting takes seconds, and habits do not change with a save


@dataclass(frozen=True, slots=True)
class CountedHabit:
    """One convention, counted."""

    id: str  # "python/string-formatting"
    group: str  # "naming", "errors", …
    title: str  # what is asked
    form: str  # what most places do
    is_rule: bool  # clear enough to be called a rule of the house
    share: float  # of the places that do it, 0 to 1
    count: int  # places that were asked
    example: CodePlace  # of the form
    other: str = ""  # the commonest other form

    def words(self) -> str:
        """Return all that a topic may match, in lower case."""
        return " ".join((self.id, self.group, self.title, self.form, self.other)).casefold()


class Habits:
    """Counts when it is first asked, and again after a while."""

    def __init__(self, count: Callable[[], Sequence[CountedHabit]]) -> None:
        """`count` reads the whole folder: seconds."""
        self._count = count
        self._lock = threading.Lock()
        self._counted: Sequence[CountedHabit] = ()
        self._counted_at: float | None = None

    def about(self, topic: str | None) -> Findings:
        """Return the habits whose words hold every word of the topic; all rules without one."""
        known = self._known()
        words = (topic or "").casefold().replace("/", " ").replace("-", " ").split()
        found = [habit for habit in known if _is_about(habit, words)]
        if not found and words:
            groups = ", ".join(sorted({habit.group for habit in known}))
            if not groups:
                raise ArgumentRefused("no code was found whose conventions are known; leave it out")
            raise ArgumentRefused(f"no convention is about {topic!r}; ask for one of: {groups}")
        found.sort(key=lambda habit: (not habit.is_rule, -habit.share, -habit.count, habit.id))
        shown = found[:_MAX_HABITS]
        about = f" about {topic!r}" if words else ""
        return Findings(
            f"{len(found)} conventions{about}" + shown_of(shown, found),
            tuple(_shown(habit) for habit in shown),
            ("a rule holds in at least 80 % of its places, with the whole 95 % interval",)
            if found
            else (),
        )

    def _known(self) -> Sequence[CountedHabit]:
        with self._lock:
            now = time.monotonic()
            if self._counted_at is None or now - self._counted_at > _KEPT_SECONDS:
                self._counted, self._counted_at = self._count(), now
            return self._counted


def _is_about(habit: CountedHabit, words: Sequence[str]) -> bool:
    if not words:
        return habit.is_rule
    said = habit.words()
    return all(word in said for word in words)


def _shown(habit: CountedHabit) -> CodePlace:
    """Return a place that shows the habit, and says it."""
    note = f"{habit.title}: {habit.form} ({habit.share:.0%} of {habit.count:,} places)"
    if habit.other:
        note += f"; otherwise: {habit.other}"
    kind = "rule" if habit.is_rule else "mixed"
    return replace(habit.example, name=habit.id, kind=kind, note=note)
