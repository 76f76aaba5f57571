"""What a process of tests takes of the machine while others run beside it: one core.

Threads of ONNX Runtime wait for each other by spinning, so that two processes with two threads each
on two cores are slower than either alone. A test that needs threads says how many.
"""

from __future__ import annotations

import os

from homespun.cores import within_cores
from homespun.models.engine import decoder, encoder


def is_one_of_several() -> bool:
    """Say whether pytest-xdist started this process."""
    return "PYTEST_XDIST_WORKER" in os.environ


def take_one_core() -> None:
    """Have torch, BLAS and models that are not told how many threads to take, take one.

    The libraries do so in child processes, too.
    """
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    decoder.within_cores = encoder.within_cores = _one_unless_asked


def _one_unless_asked(threads: int) -> int:
    return within_cores(threads) or 1
