"""Progress that is drawn elsewhere and counted here, for the status."""

from __future__ import annotations

from collections.abc import Callable

from homespun.models.types import Progress


class CountedProgress:
    """Passes progress on, and says when a stage begins or is another whole percent on."""

    def __init__(self, inner: Progress, tell: Callable[[str, int | None], None]) -> None:
        """Call `tell` with the stage and its percent, None where the total is not known.

        It runs on the thread that does the work.
        """
        self._inner = inner
        self._tell = tell
        self._stage = ""
        self._total = 0
        self._done = 0
        self._percent: int | None = None

    def start(self, stage: str, total: int, unit: str) -> None:
        """Begin a stage."""
        self._inner.start(stage, total, unit)
        self._stage, self._total, self._done = stage, total, 0
        self._percent = 0 if total else None
        self._tell(stage, self._percent)

    def advance(self, n: int) -> None:
        """Count."""
        self._inner.advance(n)
        self._done += n
        percent = min(100, max(0, 100 * self._done // self._total)) if self._total else None
        if percent != self._percent:
            self._percent = percent
            self._tell(self._stage, percent)

    def finish(self) -> None:
        """End the stage."""
        self._inner.finish()
