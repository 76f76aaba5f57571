"""A circuit breaker: a server that does not answer is left alone for a while, then tried once.

Without it every key would wait `timeout_ms` for a machine that is switched off. States as in
M. Nygard, "Release It!" (2007), ch. 5: closed, open, half open.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

_FAILURES = 3  # in a row that open it
_REST_SECONDS = 5.0  # the first time; twice as long each time that the try fails
_MAX_REST_SECONDS = 60.0


class CircuitBreaker:
    """Says whether a server may be asked; safe on any thread."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` counts seconds."""
        self._clock = clock
        self._lock = threading.Lock()
        self._failures = 0
        self._rests = 0  # in a row
        self._until = 0.0  # nothing is asked before
        self._is_trying = False  # half open, and the one request is on its way
        self._why = ""

    def admit(self) -> str:
        """Return "" where a request may go, else why not; half open lets one go."""
        with self._lock:
            if self._failures < _FAILURES:
                return ""
            if self._clock() < self._until or self._is_trying:
                return self._why or "it did not answer"
            self._is_trying = True
            return ""

    def succeeded(self) -> None:
        """Note an answer: all is well."""
        with self._lock:
            self._failures = self._rests = 0
            self._is_trying = False
            self._why = ""

    def failed(self, why: str, *, for_good: bool = False, rest_seconds: float = 0.0) -> None:
        """Note that there was none, and open after some in a row.

        `for_good` opens at once: who was refused is refused again. `rest_seconds` is what the
        server asked for (Retry-After), which opens it as well.
        """
        with self._lock:
            self._failures = _FAILURES if for_good or rest_seconds else self._failures + 1
            self._is_trying = False
            self._why = why
            if self._failures >= _FAILURES:
                rest = min(_REST_SECONDS * 2**self._rests, _MAX_REST_SECONDS)
                self._rests = min(self._rests + 1, 8)
                self._until = self._clock() + max(rest, min(rest_seconds, _MAX_REST_SECONDS))

    def left(self) -> None:
        """Note that a request was cancelled, which says nothing about the server."""
        with self._lock:
            self._is_trying = False
