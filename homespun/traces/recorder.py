"""Takes what happened where it happened, and hands spans to whoever keeps or sends them.

Who is traced only puts a function into a queue; a thread of the recorder's calls it and does the
rest. What cannot be taken in is dropped and counted: nobody waits for a trace.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from homespun.traces.span import Span

logger = logging.getLogger(__name__)

MAX_WAITING = 1_000
_END_SECONDS = 1.0  # what is under way at the end gets this long

Spans = Callable[[], Iterable[Span]]


class Sink(Protocol):
    """Who keeps or sends spans; called on the recorder's thread alone."""

    def take(self, spans: Sequence[Span]) -> None:
        """Take in the spans of one piece of work, the root first where it is among them."""

    def close(self) -> None:
        """Write or send what waits; at most about a second."""


class Recorder:
    """A queue, a thread and the sinks behind them."""

    def __init__(self, sinks: Sequence[Sink], *, source_text: bool = False) -> None:
        """`source_text` says whether the user wants code in traces, too."""
        self.source_text = source_text
        self._sinks = tuple(sinks)
        self._waiting: queue.Queue[Spans | None] = queue.Queue(MAX_WAITING)
        self.dropped = 0
        self._has_failed = False
        self._thread = threading.Thread(target=self._run, name="homespun-traces", daemon=True)
        self._thread.start()

    def note(self, spans: Spans) -> None:
        """Have `spans` called soon, on another thread; costs a few microseconds here."""
        try:
            self._waiting.put_nowait(spans)
        except queue.Full:
            self.dropped += 1

    def close(self) -> None:
        """Take in what waits and end; after a second what is left is lost."""
        try:
            self._waiting.put_nowait(None)
        except queue.Full:
            self.dropped += 1
            return
        self._thread.join(_END_SECONDS)

    def _run(self) -> None:
        while (spans := self._waiting.get()) is not None:
            self._guarded(lambda spans=spans: self._take(list(spans())))  # type: ignore[misc]
        for sink in self._sinks:
            self._guarded(sink.close)

    def _take(self, spans: list[Span]) -> None:
        if not spans:
            return
        for sink in self._sinks:
            self._guarded(lambda sink=sink: sink.take(spans))  # type: ignore[misc]

    def _guarded(self, work: Callable[[], None]) -> None:
        """Do it; a trace that cannot be made or kept is said once and costs nothing else."""
        try:
            work()
        except Exception as error:
            level = logging.DEBUG if self._has_failed else logging.WARNING
            self._has_failed = True
            logger.log(level, "a trace is lost: %s", error, exc_info=error)


_current: Recorder | None = None


def current_recorder() -> Recorder | None:
    """Return the recorder of this process, None where nobody wants traces."""
    return _current


def use_recorder(recorder: Recorder | None) -> None:
    """Have this process's work noted from now on, or not; the one before is closed."""
    global _current
    before, _current = _current, recorder
    if before is not None and before is not recorder:
        before.close()
