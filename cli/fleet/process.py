"""EDGE: one process a repository. It runs our own command, and ends when we do.

The process has a group of its own, so that all that it starts is ended with it, and our end of its
standard input (`cli/tied.py`): where we are killed, it does not go on alone.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from homespun.programs import environment_of_python

_SAID_CHARS = 600


@dataclass(frozen=True, slots=True)
class ProcessEnd:
    """How a command ended."""

    status: int | None  # None: it took too long; below 0: it was killed, by that signal
    printed: str
    errors: str

    @property
    def was_killed(self) -> bool:
        """Whether somebody ended it from outside: the machine had no memory, say."""
        return self.status is not None and (self.status < 0 or self.status == 128 + 9)

    @property
    def said(self) -> str:
        """The last thing that it said, a sentence."""
        lines = [line.strip() for line in self.errors.splitlines() if line.strip()]
        last = lines[-1] if lines else "it said nothing"
        return last.removeprefix("homespun: ")[:_SAID_CHARS]


def run_command(arguments: Sequence[str], *, timeout_seconds: float) -> ProcessEnd:
    """Run `homespun ARGUMENTS` to its end, or until it has taken too long. Raises `OSError`."""
    theirs, ours = os.pipe()
    try:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "homespun.cli.tied", *arguments],
            env=environment_of_python(),
            stdin=theirs,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
        )
        try:
            printed, errors = process.communicate(timeout=timeout_seconds)
        except subprocess.TimeoutExpired:
            _kill(process)
            printed, errors = process.communicate()
            return ProcessEnd(None, printed, errors)
        except BaseException:
            _kill(process)
            process.communicate()
            raise
        if process.returncode < 0:
            _kill(process)  # what it had started knows nothing of its end
        return ProcessEnd(process.returncode, printed, errors)
    finally:
        os.close(theirs)
        os.close(ours)


def _kill(process: subprocess.Popen[str]) -> None:
    """End a process and all that it has started."""
    if not hasattr(os, "killpg"):
        process.kill()
        return
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
