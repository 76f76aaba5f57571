"""Runs a piece of work in several processes that take their steps together (`distributed.py`).

What the first one tells reaches the caller's progress, and an error of any of them is raised here,
as if the work had been done in this process. When this process ends, they end.
"""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Sequence
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from homespun.progress import NoProgress, TrainProgress
from homespun.training.errors import TrainingFailed
from homespun.training.lora.distributed import ProcessGroup

LearningWork = Callable[[ProcessGroup, TrainProgress], None]
"""What all processes do; picklable, as is what it raises."""

_MEETING = "processes"  # file through which they find each other
_FAILED = "failed"
_LOOK_SECONDS = 0.1
_END_SECONDS = 10.0  # to end by itself, before it is killed


def run_together(
    work: LearningWork, size: int, *, device: str, folder: Path, progress: TrainProgress
) -> None:
    """Do `work` in `size` processes, a GPU each where `device` is "cuda".

    `folder` takes a file while they run. Raises what the first of them to fail raised, and
    `TrainingFailed` for one that was killed.
    """
    from torch.multiprocessing.spawn import ProcessException, spawn

    meeting = folder / _MEETING
    meeting.unlink(missing_ok=True)
    messages = multiprocessing.get_context("spawn").SimpleQueue()
    members = (work, size, device, meeting, messages)
    context = spawn(_member, members, nprocs=size, join=False)  # type: ignore[no-untyped-call]
    try:
        while not context.join(_LOOK_SECONDS):
            _pass_on(messages, progress)
        _pass_on(messages, progress)
    except Exception as error:
        if signals := _killed_by(context.processes):  # what the others then say is no cause
            raise TrainingFailed(
                f"one of {size} learning processes ended: terminated by {signals[0]}; "
                "`homespun train --resume` goes on"
            ) from error
        if not isinstance(error, ProcessException):
            raise
        _pass_on(messages, progress)
        raise TrainingFailed(
            f"one of {size} learning processes ended: {str(error).strip().splitlines()[-1]}; "
            "`homespun train --resume` goes on"
        ) from error
    finally:
        _end(context.processes)
        meeting.unlink(missing_ok=True)


def _killed_by(processes: Sequence[BaseProcess]) -> list[str]:
    """Name the signals that ended processes; the one by which they end each other is none."""
    codes = [process.exitcode or 0 for process in processes]
    return [signal.Signals(-code).name for code in codes if code < 0 and -code != signal.SIGTERM]


def _end(processes: Sequence[BaseProcess]) -> None:
    for process in processes:
        process.terminate()
    for process in processes:
        process.join(_END_SECONDS)
        if process.is_alive():
            process.kill()
            process.join()


def _member(
    rank: int,
    work: LearningWork,
    size: int,
    device: str,
    meeting: Path,
    messages: Any,  # noqa: ANN401  (a queue of no public type)
) -> None:
    try:
        group = ProcessGroup.joined(rank, size, device=device, meeting=meeting)
        work(group, _QueuedProgress(messages) if group.is_first else NoProgress())
        group.leave()
    except Exception as error:
        messages.put((_FAILED, (error,)))
        raise


def _pass_on(messages: Any, progress: TrainProgress) -> None:  # noqa: ANN401  (a queue of no public type)
    """Tell what has come in; raise what a process failed with."""
    while not messages.empty():
        name, arguments = messages.get()
        if name == _FAILED:
            raise arguments[0]
        getattr(progress, name)(*arguments)


class _QueuedProgress:
    """Progress that another process shows."""

    def __init__(self, messages: Any) -> None:  # noqa: ANN401
        self._messages = messages

    def start(self, stage: str, total: int, unit: str) -> None:
        """Begin a bar there."""
        self._messages.put(("start", (stage, total, unit)))

    def advance(self, n: int) -> None:
        """Move it."""
        self._messages.put(("advance", (n,)))

    def finish(self) -> None:
        """End it."""
        self._messages.put(("finish", ()))

    def say(self, sentence: str) -> None:
        """Tell something there that stays on the screen."""
        self._messages.put(("say", (sentence,)))

    def note(self, text: str) -> None:
        """Show a short text beside the bar."""
        self._messages.put(("note", (text,)))
