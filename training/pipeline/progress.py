"""Progress of a long job on stderr, as `models.types.Progress` wants it."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import TaskID


class RichBar:
    """A bar a stage; what is done stays on the screen. Use it as a context manager."""

    def __init__(self) -> None:
        """Draw nothing yet."""
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
        from rich.progress import TimeElapsedColumn as Elapsed

        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), Elapsed())
        self._bars = Progress(*columns, console=Console(stderr=True))
        self._task: TaskID | None = None

    def __enter__(self) -> RichBar:
        """Begin to draw."""
        self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End, and leave the bars as they are."""
        self._bars.stop()

    def start(self, stage: str, total: int, unit: str) -> None:
        """Begin a stage of `total` units."""
        self._task = self._bars.add_task(f"{stage} ({unit})", total=total or None)

    def advance(self, n: int) -> None:
        """Say that `n` more units are done."""
        if self._task is not None:
            self._bars.advance(self._task, n)

    def finish(self) -> None:
        """End the current stage."""
        self._task = None
