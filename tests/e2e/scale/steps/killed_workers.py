"""The workers of `--on local` are killed at several points; run again, all is as it should be.

A worker is a process that the driver has started. Killed, it is a line of the report, or it is
tried again; in both cases the driver goes on. Processes are found in /proc: Linux only.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.e2e.scale.steps.shared import Steps, homespun
from tests.e2e.scale.store import SeaweedStore, offered

_AFTER_SECONDS = (0.0, 0.5, 1.5, 3.0)  # that a worker has lived
_LOOKS_EVERY_SECONDS = 0.02


class WorkersToKill:
    """What the fleet does, over and over, at a place of its own each time."""

    def __init__(
        self,
        store: SeaweedStore,
        words: Callable[[str], list[str]],
        folders: Sequence[Path],
        truth: Mapping[str, tuple],
    ) -> None:
        """`words` gives the fleet's command for a place."""
        self._store, self._words = store, words
        self._folders, self._truth = folders, dict(truth)

    def killed_and_done(self, steps: Steps) -> None:
        """Kill at each point, run again, and compare."""
        lost = sum(self._killed(steps, seconds) for seconds in _AFTER_SECONDS)
        steps.check(lost >= 2, f"{lost} workers were killed at {len(_AFTER_SECONDS)} points")
        root = f"{self._store.root}/workers-again"
        report, killed = self._driven([*self._words(root), "--tries=3"], _AFTER_SECONDS[1])
        tried = {row["status"] for row in report} == {"done"} and self._is_same(root)
        steps.check(
            killed > 0 and tried, f"{killed} workers killed once: tried again, done", report
        )

    def _killed(self, steps: Steps, seconds: float) -> int:
        """Return how many repositories were lost to a kill at one point."""
        root = f"{self._store.root}/workers-{seconds:g}"
        report, killed = self._driven([*self._words(root), "--tries=1"], seconds)
        lost = [row for row in report if "process was killed" in row["why"]]
        rest = {row["status"] for row in report if row not in lost}
        holds = len(report) == len(self._truth) and len(lost) <= killed and rest <= {"done"}
        again = homespun([*self._words(root), "--json"], self._store.environment())
        holds = holds and again.returncode == 0 and self._is_same(root)
        what = f"workers killed after {seconds:g} s: {len(lost)} failed lines, then a single"
        steps.check(holds, f"{what} process's packs", report)
        return len(lost)

    def _driven(self, words: list[str], seconds: float) -> tuple[list[dict[str, Any]], int]:
        """Run the driver, kill as many workers as it has at once; the report, and how many."""
        for folder in self._folders:
            shutil.rmtree(folder / ".homespun", ignore_errors=True)  # so that there is work
        driver = subprocess.Popen(
            [sys.executable, "-P", "-m", "homespun.cli", *words, "--json"],
            env=self._store.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        born: dict[int, float] = {}
        killed: set[int] = set()
        while driver.poll() is None and len(killed) < 2:
            for worker in _workers(driver.pid):
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


def _workers(driver: int) -> list[int]:
    """Return the processes that a driver has started to run our command."""
    found = []
    for task in Path(f"/proc/{driver}/task").glob("*/children"):
        with suppress(OSError):
            for child in map(int, task.read_text().split()):
                if b"homespun.cli.tied" in Path(f"/proc/{child}/cmdline").read_bytes():
                    found.append(child)
    return found
