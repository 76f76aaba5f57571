"""Where long work reports how far it is, and asks whether to stop; who shows it is a `Progress`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol


def never() -> bool:
    """Say that nobody has cancelled: what work that can be broken off asks where nobody does."""
    return False


class Progress(Protocol):
    """Where long work reports how far it is; the command line draws a bar, the server notifies."""

    def start(self, stage: str, total: int, unit: str) -> None:
        """Begin a stage of `total` units ("B", "files", "chunks"); 0 means unknown."""

    def advance(self, n: int) -> None:
        """Say that `n` more units are done."""

    def finish(self) -> None:
        """End the current stage."""


class TrainProgress(Progress, Protocol):
    """A `Progress` that also says whole sentences, and a word beside the bar."""

    def say(self, sentence: str) -> None:
        """Tell something that stays on the screen."""

    def note(self, text: str) -> None:
        """Show a short text beside the bar, e.g. the loss; the next one takes its place."""


class NoProgress:
    """Reports to nobody, as either of the two."""

    def start(self, stage: str, total: int, unit: str) -> None:
        """Ignore."""

    def advance(self, n: int) -> None:
        """Ignore."""

    def finish(self) -> None:
        """Ignore."""

    def say(self, sentence: str) -> None:
        """Ignore."""

    def note(self, text: str) -> None:
        """Ignore."""


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
