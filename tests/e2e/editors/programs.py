"""Programs `homespun` that leave a trace: what they log, and the number of each process."""

from __future__ import annotations

import os
import shlex
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path

DEBUG = ("--log-level", "debug")  # of `homespun serve`


def put_program(
    path: Path,
    command: Sequence[str],
    *,
    log: Path,
    more: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
) -> None:
    """Write a program that runs `command` with its own arguments, `more` and this environment.

    What it logs is appended to `log`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    given = (environment or {}).items()
    exports = "".join(f"export {name}={shlex.quote(value)}\n" for name, value in given)
    path.write_text(
        f"#!/bin/sh\n{exports}echo $$ >>{shlex.quote(str(_numbers(log)))}\n"
        f'exec {shlex.join(command)} "$@" {shlex.join(more)} 2>>{shlex.quote(str(log))}\n',
        encoding="utf-8",
    )
    path.chmod(0o755)
    log.touch()


def started(log: Path) -> list[int]:
    """Return the numbers of the processes that log there, in the order of their starts."""
    return [int(number) for number in _numbers(log).read_text(encoding="utf-8").split()]


def kill_newest(log: Path) -> None:
    """Kill the one that was started last."""
    os.kill(started(log)[-1], signal.SIGKILL)


def _numbers(log: Path) -> Path:
    return log.with_name(f"{log.name}.pids")
