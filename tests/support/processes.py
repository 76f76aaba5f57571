"""Programs that a test starts: a port for one, when it listens, what is below it."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any


def free_port() -> int:
    """Return a port that nobody has now."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


def wait_until_it_listens(
    port: int,
    process: subprocess.Popen[Any],
    *,
    name: str,
    patience_seconds: float,
    said: Callable[[], str] = lambda: "",
) -> None:
    """Wait for a program at a port of the loopback; where it ends before, `said` is why."""
    end = time.monotonic() + patience_seconds
    while time.monotonic() < end:
        assert process.poll() is None, said() or f"{name} ended"
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.02)
    raise AssertionError(f"{name} does not listen")


def children(process: int) -> list[int]:
    """Return the processes that a process has started, whichever of its threads did; Linux only."""
    found: list[int] = []
    for task in Path(f"/proc/{process}/task").glob("*/children"):
        with suppress(OSError):
            found += map(int, task.read_text().split())
    return found
