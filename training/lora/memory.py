"""EDGE malloc: keeps the memory that a step has freed for the next one.

glibc maps every block of more than 32 MB anew, and gives it back when it is freed
(https://man7.org/linux/man-pages/man3/mallopt.3.html, M_MMAP_THRESHOLD). A training frees and asks
again for the same activations at every step, and with 1.5B weights most of them are that large: the
kernel then clears pages for longer than the products take (docs/log.md).
"""

from __future__ import annotations

import ctypes
import platform

_TRIM_THRESHOLD, _MMAP_MAX = -1, -4  # malloc.h
_NEVER = -1  # as a size the largest there is


def keep_freed_memory() -> bool:
    """Have this process keep what it frees; say whether its C library does that."""
    if platform.libc_ver()[0] != "glibc":
        return False
    libc = ctypes.CDLL(None)
    return bool(libc.mallopt(_MMAP_MAX, 0)) and bool(libc.mallopt(_TRIM_THRESHOLD, _NEVER))
