"""Switched off for a while, by a command: nothing is completed nor prepared until it ends."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable

from homespun.server.background.status import RESUME, Status

MAX_MINUTES = 7 * 24 * 60.0  # a longer pause is one until resumed
_LOOK_SECONDS = 30.0  # the clock goes on while the machine sleeps, a timer does not
_CLOCK_HOURS = 12  # within it, a time of day says enough


class Pause:
    """Whether and until when; to be used on the event loop."""

    def __init__(
        self, *, changed: Callable[[], None], now: Callable[[], float] = time.time
    ) -> None:
        """Call `changed` when a pause begins, ends, or ends at another time."""
        self._changed = changed
        self._now = now
        self._until = 0.0  # seconds since 1970; `math.inf` = until resumed
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, minutes: float | None) -> None:
        """Pause from now on, in the place of a pause that is on; None = until resumed."""
        self._until = math.inf if minutes is None else self._now() + 60 * minutes
        self._watch()
        self._changed()

    def end(self) -> None:
        """Go on; nothing where nothing is paused."""
        if self._until:
            self._until = 0.0
            self._watch()
            self._changed()

    def is_on(self) -> bool:
        """Say whether it is paused; also right where the timer is late."""
        return self._now() < self._until

    def until(self) -> int | None:
        """Return when it ends in seconds since 1970; None where that is not known or no pause."""
        return math.ceil(self._until) if self.is_on() and math.isfinite(self._until) else None

    def status(self) -> Status | None:
        """Return the status while it is paused."""
        return Status("paused", self.sentence(), fix=RESUME) if self.is_on() else None

    def sentence(self) -> str:
        """Say until when, by the clock of this machine."""
        until = self.until()
        if until is None:
            return "paused until resumed"
        is_today = until - self._now() < _CLOCK_HOURS * 3600
        form = "%H:%M" if is_today else "%Y-%m-%d %H:%M"
        return f"paused until {time.strftime(form, time.localtime(until))}"

    def _watch(self) -> None:
        """Look again when it may have ended."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._until and math.isfinite(self._until):
            left = max(0.0, self._until - self._now())
            later = asyncio.get_running_loop().call_later
            self._timer = later(min(left, _LOOK_SECONDS), self._look)

    def _look(self) -> None:
        if self.is_on():
            self._watch()
        else:
            self.end()


def minutes_of(argument: object) -> float | None:
    """Read what a client gives as the length of a pause. Raises ValueError with a sentence."""
    if argument is None:
        return None
    is_number = isinstance(argument, int | float) and not isinstance(argument, bool)
    if not is_number or not 0 < float(argument) <= MAX_MINUTES:  # type: ignore[arg-type]
        raise ValueError(
            f"a pause takes minutes above 0 and up to {MAX_MINUTES:.0f}, or nothing for one "
            f"until it is resumed, not {argument!r}"
        )
    return float(argument)  # type: ignore[arg-type]
