"""Puts memory that is read as a whole at every step (weights) on large pages; Linux only.

A step of a few rows reads all weights once, and with pages of 4 KiB the translation of addresses
takes 8 to 15 % of its time (docs/log.md).
"""

from __future__ import annotations

import ctypes
import logging
import mmap
import sys
import time
from collections.abc import Iterator
from pathlib import Path

logger = logging.getLogger(__name__)

_HUGE_BYTES = 2 << 20
_MADV_COLLAPSE = 25  # since Linux 6.1; works at once, whatever the system's setting for new memory
_MAPS = Path("/proc/self/maps")


def use_huge_pages() -> int:
    """Move this process's anonymous memory to huge pages where a whole page of it is in use.

    Returns the bytes moved; 0 on other systems and older kernels. Memory that was never written
    stays untouched, so the process does not grow. Call it after loading, from any thread.
    """
    if not sys.platform.startswith("linux") or not _MAPS.exists():
        return 0
    started = time.perf_counter()
    library = ctypes.CDLL(None, use_errno=True)
    moved = sum(
        _HUGE_BYTES
        for start in _blocks(_MAPS.read_text(encoding="utf-8"))
        if _is_resident(library, start) and _collapse(library, start)
    )
    seconds = time.perf_counter() - started
    logger.info("%d MB of memory are on huge pages now (%.2f s)", moved // 10**6, seconds)
    return moved


def _blocks(maps: str) -> Iterator[int]:
    """Yield the addresses of whole aligned blocks of private, writable, anonymous memory."""
    for line in maps.splitlines():
        span, access, _offset, _device, inode, *name = line.split(maxsplit=5)
        if access != "rw-p" or inode != "0" or (name and name[0] != "[heap]"):
            continue
        start, end = (int(address, 16) for address in span.split("-"))
        yield from range(-(-start // _HUGE_BYTES) * _HUGE_BYTES, end - _HUGE_BYTES + 1, _HUGE_BYTES)


def _is_resident(library: ctypes.CDLL, start: int) -> bool:
    """Tell whether every small page of the block is in memory."""
    pages = (ctypes.c_ubyte * (_HUGE_BYTES // mmap.PAGESIZE))()
    # The lowest bit of a byte speaks of one page. A block that is gone by now is an error: skip it.
    failed = library.mincore(ctypes.c_void_p(start), ctypes.c_size_t(_HUGE_BYTES), pages)
    return not failed and all(page & 1 for page in pages)


def _collapse(library: ctypes.CDLL, start: int) -> bool:
    result: int = library.madvise(
        ctypes.c_void_p(start), ctypes.c_size_t(_HUGE_BYTES), _MADV_COLLAPSE
    )
    return result == 0
