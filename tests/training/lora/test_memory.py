"""What a step has freed is there for the next one."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

STEPS = """
import ctypes, resource, sys
from homespun.training.lora.memory import keep_freed_memory

libc = ctypes.CDLL(None)
libc.malloc.restype, libc.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
libc.free.argtypes = [ctypes.c_void_p]
if sys.argv[1] == "kept":
    assert keep_freed_memory()
before = 0
for step in range(9):
    block = libc.malloc(64 << 20)
    ctypes.memset(block, 1, 64 << 20)
    libc.free(block)
    if step == 0:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library than glibc")
def test_large_blocks_are_not_cleared_anew_at_every_step():
    faults = {it: int(_printed(it)) for it in ("given-back", "kept")}
    assert faults["kept"] * 20 < faults["given-back"]


def _printed(how):
    command = [sys.executable, "-P", "-c", STEPS, how]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout
