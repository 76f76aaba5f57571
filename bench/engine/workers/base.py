"""What every measured process shares: JSON lines in, JSON lines out. Standard library and numpy.

It also runs under the interpreter of the peers' environment, which knows nothing of homespun.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

Operation = Callable[..., dict[str, Any]]


def serve(operations: dict[str, Operation]) -> None:
    """Answer `{"op": NAME, ...arguments}` lines until the input ends."""
    # The engines write to stdout as they please, so the protocol takes a descriptor of its own.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    for line in sys.stdin:
        request = json.loads(line)
        operation = request.pop("op")
        try:
            answer = operations[operation](**request)
        except Exception as error:  # the parent decides what a failed operation means
            traceback.print_exc()
            answer = {"error": f"{operation}: {type(error).__name__}: {error}"}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


def timed_ms(call: Callable[[], object]) -> float:
    """Milliseconds that one call takes."""
    began = time.perf_counter()
    call()
    return (time.perf_counter() - began) * 1000


def median_ms(call: Callable[[], object], *, repeats: int) -> float:
    """Median milliseconds of a call."""
    return statistics.median(timed_ms(call) for _ in range(repeats))


def next_token_losses(logits: np.ndarray, ids: list[int]) -> list[float]:
    """Loss in nats of `ids[1:]` under logits `(len(ids) - 1, vocabulary)` of `ids[:-1]`."""
    losses = []
    for row, token in zip(logits, ids[1:], strict=True):
        wide = row.astype(np.float64)
        peak = wide.max()
        losses.append(float(np.log(np.exp(wide - peak).sum()) + peak - wide[token]))
    return losses


def memory_mb() -> dict[str, float]:
    """Resident memory of this process in MB (10^6 bytes), empty where the system does not say.

    `anonymous` leaves out pages of mapped files, which the system may drop at any time.
    """
    status = Path("/proc/self/status")
    if not status.exists():
        return {}
    facts = dict(line.split(":", 1) for line in status.read_text().splitlines() if ":" in line)
    keys = {"resident": "VmRSS", "anonymous": "RssAnon", "peak": "VmHWM"}
    return {name: int(facts[key].split()[0]) * 1024 / 1e6 for name, key in keys.items()}
