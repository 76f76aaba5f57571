"""What a process of tests takes of the machine while others run beside it: one core.

Threads of ONNX Runtime wait for each other by spinning, so that two processes with two threads each
on two cores are slower than either alone.
"""

from __future__ import annotations

import os

from homespun.cores import within_cores
from homespun.models.engine import decoder, encoder


def is_one_of_several() -> bool:
    """Say whether pytest-xdist started this process."""
    return "PYTEST_XDIST_WORKER" in os.environ


def one_thread_in_libraries() -> None:
    """Have torch and BLAS, here and in child processes, compute in one thread."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")


def share_cores(*, in_all: bool) -> None:
    """Have models that do not say how many threads they want take one, or what is shipped."""
    chosen = within_cores if in_all else _one_unless_asked
    decoder.within_cores = encoder.within_cores = chosen


def _one_unless_asked(threads: int) -> int:
    return within_cores(threads) or 1
