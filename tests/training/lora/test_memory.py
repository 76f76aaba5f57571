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

END = """
import ctypes
from pathlib import Path
from homespun.training.lora.memory import give_freed_memory_back, keep_freed_memory


def resident_mb():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 // 1_000_000


keep_freed_memory()
blocks = [bytearray(64_000_000) for _ in range(9)]
held = bytearray(1000)  # above them, so that the heap does not just get shorter
del blocks
print(resident_mb())
assert give_freed_memory_back()
print(resident_mb())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library than glibc")
def test_large_blocks_are_not_cleared_anew_at_every_step():
    faults = {it: int(_printed(it)) for it in ("given-back", "kept")}
    assert faults["kept"] * 20 < faults["given-back"]


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library than glibc")
def test_what_was_kept_goes_back_to_the_system_in_the_end():
    resident = [int(mb) for mb in _printed("kept", program=END).split()]
    assert resident[0] > 500
    assert resident[1] < 200


def _printed(how, *, program=STEPS):
    command = [sys.executable, "-P", "-c", program, how]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout
