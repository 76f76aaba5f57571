"""A circuit breaker: a server that does not answer is left alone for a while, then tried once.

Without it every key would wait `timeout_ms` for a machine that is switched off. States as in
M. Nygard, "Release It!" (2007), ch. 5: closed, open, half open. Who types goes on before an
overloaded server has answered, so nothing fails there; what was waited in vain is added up.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

_FAILURES = 3  # in a row that open it
_REST_SECONDS = 5.0  # the first time; twice as long each time that the try fails
_MAX_REST_SECONDS = 60.0
# Waited for nothing since the last sign of life that opens it: three times `timeout_ms` by default.
_SILENCE_SECONDS = 6.0


class CircuitBreaker:
    """Says whether a server may be asked; safe on any thread."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` counts seconds."""
        self._clock = clock
        self._lock = threading.Lock()
        self._failures = 0
        self._rests = 0  # in a row
        self._until = 0.0  # nothing is asked before
        self._silence = 0.0  # seconds, of requests that were left
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
            self._silence = 0.0
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
                self._open(min(rest_seconds, _MAX_REST_SECONDS))

    def left(self, silence_seconds: float = 0.0) -> None:
        """Note that a request was cancelled; before any answer, it had waited so long.

        One says nothing about the server, but many are as good as a timeout.
        """
        with self._lock:
            self._is_trying = False
            self._silence += silence_seconds
            if self._silence >= _SILENCE_SECONDS:
                self._failures = _FAILURES
                self._why = "it does not answer while its answers are wanted"
                self._open()

    def _open(self, rest_seconds: float = 0.0) -> None:
        rest = min(_REST_SECONDS * 2**self._rests, _MAX_REST_SECONDS)
        self._rests = min(self._rests + 1, 8)
        self._until = self._clock() + max(rest, rest_seconds)
        self._silence = 0.0
