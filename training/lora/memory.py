"""EDGE malloc: a step's freed memory is kept for the next one, and goes back at the end.

glibc maps every block of more than 32 MB anew, and gives it back when it is freed
(https://man7.org/linux/man-pages/man3/mallopt.3.html, M_MMAP_THRESHOLD). A training frees and asks
again for the same activations at every step, and with 1.5B weights most of them are that large: the
kernel then clears pages for longer than the products take (docs/log.md). What is kept so is of no
use to the exam behind the learning, and takes the page cache of the whole machine.
"""

from __future__ import annotations

import ctypes
import gc
import platform

_TRIM_THRESHOLD, _MMAP_MAX = -1, -4  # malloc.h
_NEVER = -1  # as a size the largest there is
_USUAL_TRIM, _USUAL_MMAPS = 128 * 1024, 65_536  # what glibc begins with


def keep_freed_memory() -> bool:
    """Have this process keep what it frees; say whether its C library does that."""
    if platform.libc_ver()[0] != "glibc":
        return False
    libc = ctypes.CDLL(None)
    return bool(libc.mallopt(_MMAP_MAX, 0)) and bool(libc.mallopt(_TRIM_THRESHOLD, _NEVER))


def give_freed_memory_back() -> bool:
    """Give what is free back to the system, and keep no more; say whether the C library does that.

    A model that nothing refers to any more is freed before: torch's modules are in cycles.
    """
    gc.collect()
    if platform.libc_ver()[0] != "glibc":
        return False
    libc = ctypes.CDLL(None)
    libc.mallopt(_MMAP_MAX, _USUAL_MMAPS)
    libc.mallopt(_TRIM_THRESHOLD, _USUAL_TRIM)
    libc.malloc_trim.argtypes = [ctypes.c_size_t]
    return bool(libc.malloc_trim(0))
