"""The workers of a fleet are killed at several points; run again, all is as it should be.

A worker is a process of ours that the driver has started, or one of Ray that runs our function.
Killed, it is a line of the report, or it is tried again; in both cases the driver goes on.
Processes are found in /proc: Linux only.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.e2e.scale.steps.shared import Steps, command, homespun
from tests.e2e.scale.store import SeaweedStore, offered
from tests.support.processes import children

_AFTER_SECONDS = (0.0, 0.5, 1.5, 3.0)  # that a worker has lived
_LOOKS_EVERY_SECONDS = 0.02


@dataclass(frozen=True)
class Worker:
    """How a worker is told from other processes, and what the report says of a lost one."""

    engine: str
    command: bytes
    lost: str


WORKERS = (
    Worker("local", b"homespun.cli.tied", "process was killed"),
    Worker("ray", b"ray::attempted", "worker in Ray was lost"),
)


class WorkersToKill:
    """What the fleet does, over and over, at a place of its own each time."""

    def __init__(
        self,
        store: SeaweedStore,
        worker: Worker,
        words: Callable[[str], list[str]],
        folders: Sequence[Path],
        truth: Mapping[str, tuple],
    ) -> None:
        """`words` gives the fleet's command for a place."""
        self._store, self._worker, self._words = store, worker, words
        self._folders, self._truth = folders, dict(truth)

    def killed_and_done(self, steps: Steps) -> None:
        """Kill at each point, run again, and compare."""
        lost = sum(self._killed(steps, seconds) for seconds in _AFTER_SECONDS)
        steps.check(
            lost >= 2, f"{self._engine}: {lost} workers killed at {len(_AFTER_SECONDS)} points"
        )
        root = f"{self._store.root}/{self._engine}-again"
        report, killed = self._driven([*self._words(root), "--tries=3"], _AFTER_SECONDS[1])
        tried = {row["status"] for row in report} == {"done"} and self._is_same(root)
        steps.check(
            killed > 0 and tried,
            f"{self._engine}: {killed} workers killed once: tried again, done",
            report,
        )

    def _killed(self, steps: Steps, seconds: float) -> int:
        """Return how many repositories were lost to a kill at one point."""
        root = f"{self._store.root}/{self._engine}-{seconds:g}"
        report, killed = self._driven([*self._words(root), "--tries=1"], seconds)
        lost = [row for row in report if self._worker.lost in row["why"]]
        rest = {row["status"] for row in report if row not in lost}
        holds = len(report) == len(self._truth) and len(lost) <= killed and rest <= {"done"}
        again = homespun([*self._words(root), "--json"], self._store.environment())
        holds = holds and again.returncode == 0 and self._is_same(root)
        what = f"workers killed after {seconds:g} s: {len(lost)} failed lines, then a single"
        steps.check(holds, f"{self._engine}: {what} process's packs", report)
        return len(lost)

    def _driven(self, words: list[str], seconds: float) -> tuple[list[dict[str, Any]], int]:
        """Run the driver, kill as many workers as it has at once; the report, and how many."""
        for folder in self._folders:
            shutil.rmtree(folder / ".homespun", ignore_errors=True)  # so that there is work
        driver = subprocess.Popen(
            command([*words, "--json"]),
            env=self._store.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        born: dict[int, float] = {}
        killed: set[int] = set()
        while driver.poll() is None and len(killed) < 2:
            for worker in running(driver.pid, self._worker.command):
                lived = time.monotonic() - born.setdefault(worker, time.monotonic())
                if lived >= seconds and worker not in killed:
                    with suppress(ProcessLookupError):
                        os.kill(worker, signal.SIGKILL)
                        killed.add(worker)
            time.sleep(_LOOKS_EVERY_SECONDS)
        printed, _ = driver.communicate()
        return (json.loads(printed)["repositories"] if printed else []), len(killed)

    def _is_same(self, root: str) -> bool:
        return offered(root, list(self._truth), self._store.environment()) == self._truth

    @property
    def _engine(self) -> str:
        return self._worker.engine


def running(driver: int, command: bytes) -> list[int]:
    """Return the processes below a driver whose command line has some bytes."""
    found = []
    for child in children(driver):
        with suppress(OSError):
            if command in Path(f"/proc/{child}/cmdline").read_bytes():
                found.append(child)
        found += running(child, command)
    return found
