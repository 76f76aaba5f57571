"""The one thread that runs the model, and what it runs next.

A request goes before any preparation and breaks one off that is under way. Of requests the newest
goes first: it is what the user looks at. But none is passed over more than a few times, so a
document in which somebody types does not starve another one.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from homespun.models.types import Cancellation

_MAX_OVERTAKEN = 3  # times that newer requests may go first


@dataclass(eq=False, slots=True)
class Job:
    """Work for the thread; it must not raise."""

    work: Callable[[Cancellation], None]
    number: int = 0  # of its coming: the higher, the newer
    stop: Cancellation = field(default_factory=Cancellation)
    overtaken: int = 0


class Scheduler:
    """Runs one job at a time; safe to call from any thread."""

    def __init__(self) -> None:
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="homespun-complete")
        self._lock = threading.Lock()  # guards the fields below
        self._requests: list[Job] = []  # that wait, the last one last
        self._preparations: list[Job] = []
        self._current: Job | None = None
        self._current_prepares = False

    def request(self, job: Job) -> bool:
        """Run a request as soon as may be; False where the process is about to end."""
        with self._lock:
            self._requests.append(job)
            under_way = self._current if self._current_prepares else None
        if under_way is not None:
            under_way.stop.cancel()
        return self._wake()

    def prepare(self, job: Job) -> bool:
        """Run a job when no request waits; False where the process is about to end."""
        with self._lock:
            self._preparations.append(job)
        return self._wake()

    def cancel(self, job: Job) -> None:
        """Break a job off, or never begin it."""
        job.stop.cancel()
        with self._lock:
            for waiting in (self._requests, self._preparations):
                if job in waiting:
                    waiting.remove(job)

    def running(self) -> bool:
        """Say whether the thread is at work."""
        return self._current is not None

    def close(self) -> None:
        """Break everything off and begin nothing more; nothing is waited for."""
        with self._lock:
            jobs = [*self._requests, *self._preparations]
            jobs += [self._current] if self._current is not None else []
            self._requests.clear()
            self._preparations.clear()
        for job in jobs:
            job.stop.cancel()
        self._executor.shutdown(wait=False, cancel_futures=True)

    def _wake(self) -> bool:
        try:
            self._executor.submit(self._work)
        except RuntimeError:  # shut down
            return False
        return True

    def _work(self) -> None:
        """Run one job; on the thread. Called once for each job, so none is left over."""
        with self._lock:
            job = self._current = self._next()
        if job is None:
            return
        try:
            job.work(job.stop)
        finally:
            self._current = None

    def _next(self) -> Job | None:
        self._current_prepares = not self._requests
        if not self._requests:
            return self._preparations.pop() if self._preparations else None
        late = (job for job in self._requests if job.overtaken >= _MAX_OVERTAKEN)
        newest = max(reversed(self._requests), key=lambda job: job.number)
        job = next(late, newest)
        self._requests.remove(job)
        for waiting in self._requests:
            waiting.overtaken += 1
        return job
