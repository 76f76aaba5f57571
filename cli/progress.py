"""Progress on stderr: a bar in a terminal, a line at start and end elsewhere."""

from __future__ import annotations

import math
import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, Self, TextIO

from homespun.cli.output import print_line
from homespun.cli.shown import own_stream
from homespun.showable import showable_line

if TYPE_CHECKING:
    from rich.progress import Progress as RichBar
    from rich.progress import TaskID

_NOTE_SECONDS = 60.0  # between notes where there is no terminal to draw on


class RichProgress:
    """The command line's `TrainProgress`; stdout is never written.

    Use it as a context manager, so that an error does not leave a bar behind.
    """

    def __init__(self, *, quiet: bool = False, stream: TextIO | None = None) -> None:
        """`quiet` draws nothing, only what is said is printed; `stream` is stderr unless given."""
        self._stream = stream or sys.stderr
        self._quiet = quiet
        self._bar: RichBar | None = None
        self._task: TaskID | None = None
        self._stage = ""
        self._total = 0
        self._done = 0
        self._unit = ""
        self._began = 0.0
        self._noted_at = -math.inf

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End a stage that is still open."""
        self.finish()

    def start(self, stage: str, total: int, unit: str) -> None:
        """Begin a stage of `total` units ("B", "files", …); 0 means unknown."""
        self.finish()
        self._stage, self._total, self._unit = stage, total, unit
        self._done = 0
        self._began = time.monotonic()
        if self._quiet:
            return
        if self._stream.isatty():
            self._draw()
        else:
            self._print(f"{stage} …")

    def advance(self, n: int) -> None:
        """Say that `n` more units are done."""
        self._done += n
        if self._bar is not None and self._task is not None:
            self._bar.advance(self._task, n)

    def finish(self) -> None:
        """End the current stage, if there is one."""
        if not self._stage:
            return
        if self._bar is not None:
            self._bar.stop()
        elif not self._quiet:
            seconds = time.monotonic() - self._began
            self._print(f"{self._stage}: {self._amount()}{seconds:.1f} s")
        self._bar = self._task = None
        self._stage = ""

    def say(self, sentence: str) -> None:
        """Print a sentence, above the bar where there is one."""
        if self._bar is not None:
            print_line(self._bar.console, sentence)
        else:
            self._print(sentence)

    def note(self, text: str) -> None:
        """Show a word beside the bar; without a terminal, a line now and then."""
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, description=f"{self._stage}: {text}")
        elif not self._quiet and time.monotonic() - self._noted_at >= _NOTE_SECONDS:
            self._noted_at = time.monotonic()
            self._print(f"{self._stage}: {self._amount()}{text}")

    def _draw(self) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            DownloadColumn,
            MofNCompleteColumn,
            Progress,
            ProgressColumn,
            TextColumn,
            TimeElapsedColumn,
            TransferSpeedColumn,
        )

        amount: list[ProgressColumn] = [MofNCompleteColumn()]
        if self._unit == "B":
            amount = [DownloadColumn(), TransferSpeedColumn()]
        self._bar = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            *amount,
            TimeElapsedColumn(),
            console=Console(file=own_stream(self._stream)),
        )
        self._task = self._bar.add_task(showable_line(self._stage), total=self._total or None)
        self._bar.start()

    def _amount(self) -> str:
        if self._unit == "B":
            of_total = f" of {self._total / 1e6:,.1f}" if self._done < self._total else ""
            return f"{self._done / 1e6:,.1f}{of_total} MB, "
        if not (self._done or self._total):
            return ""
        of_total = f" of {self._total}" if self._done < self._total else ""
        return f"{self._done}{of_total} {self._unit}, "

    def _print(self, line: str) -> None:
        print(line, file=self._stream, flush=True)
