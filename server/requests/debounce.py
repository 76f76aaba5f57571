"""How long to wait after a key before the model is asked: as little as makes sense.

A request that is typed over costs little: the decoder breaks off, and what whole steps of it have
read of the prompt stays read and is needed next. So a wait protects against one thing only:
decoding suggestions that come too late to be seen, on processors that the editor needs too. Where
answers come before the next key, nothing is wasted and nothing is waited for. Where they come
later, the wait grows with what they are late, but it never adds more than a share of what the
answer takes anyway: it skips the keys of a burst, and the time from a key to its suggestion, and
the reading of a new prompt while somebody types, go before saved work.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from statistics import median

_MAX_SECONDS = 0.25  # Cody waits 0.125 s before a local model, Tabby up to 1 s
_MAX_SHARE = 0.125  # of what an answer takes: nobody feels it
_INTERVAL_SECONDS = (0.01, 1.0)  # edits closer are one key's, further apart is a pause between
_REMEMBERED = 16
_MIN_KNOWN = 4  # intervals and answers; fewer say nothing


class Debounce:
    """Watches keys and answers."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` counts seconds."""
        self._clock = clock
        self._key_at = -1e9
        self._intervals: deque[float] = deque(maxlen=_REMEMBERED)
        self._services: deque[float] = deque(maxlen=_REMEMBERED)

    def typed(self) -> None:
        """Note a key."""
        now = self._clock()
        interval = now - self._key_at
        self._key_at = now
        if _INTERVAL_SECONDS[0] <= interval <= _INTERVAL_SECONDS[1]:
            self._intervals.append(interval)

    def served(self, seconds: float, *, whole: bool) -> None:
        """Note how long the model was at work on a request; not `whole` when it was broken off."""
        # What was broken off says only that it would have taken longer.
        if whole or seconds >= self._service():
            self._services.append(seconds)

    def delay(self, *, urgent: bool) -> float:
        """Return the seconds from now until the model is to be asked."""
        if urgent or min(len(self._intervals), len(self._services)) < _MIN_KNOWN:
            return 0.0
        late = self._service() - median(self._intervals)
        wait = min(late, _MAX_SHARE * self._service(), _MAX_SECONDS)
        return max(wait - (self._clock() - self._key_at), 0.0)

    def _service(self) -> float:
        return median(self._services) if self._services else 0.0


def is_urgent(before: str) -> bool:
    """Say whether the text before the cursor asks for an answer at once: a new line, a bracket."""
    line = before[before.rfind("\n") + 1 :]
    return not line.strip() or line.endswith(("(", "[", "{"))
