"""What both measured processes share. Standard library only: it also runs beside the peer."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

_numbers = itertools.count(1000)
_SHOWN_NS = 10_000_000_000


def timed(call: Callable[[], object]) -> float:
    """Return the milliseconds that a call takes."""
    began = time.perf_counter()
    call()
    return (time.perf_counter() - began) * 1000


@contextmanager
def changed(root: Path, path: str) -> Iterator[str]:
    """Append a function with a new name to a file, as a save would; take it back afterwards."""
    file = root / path
    before, times = file.read_bytes(), file.stat()
    # One word of letters: however names are split, no other file has any part of it.
    name = "quizzaciously" + "".join(chr(ord("a") + int(digit)) for digit in str(next(_numbers)))
    file.write_bytes(before + f"\n\ndef {name}(value):\n    return value\n".encode())
    try:
        yield name
    finally:
        file.write_bytes(before)
        # A time of its own: nobody may take the old content for the new one by its time stamp.
        later = max(time.time_ns(), times.st_mtime_ns) + _SHOWN_NS
        os.utime(file, ns=(times.st_atime_ns, later))
