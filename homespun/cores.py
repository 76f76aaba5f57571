"""How many threads a computation may have: more than the machine's cores only take its memory."""

from __future__ import annotations

import os


def logical_cores() -> int:
    """Return how many threads this machine runs at once, at least 1."""
    return os.cpu_count() or 1


def within_cores(threads: int) -> int:
    """Return a number of threads that the machine has; 0 stays 0, one per physical core."""
    return max(0, min(threads, logical_cores()))
