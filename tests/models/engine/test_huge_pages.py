"""Memory moves to huge pages, keeps what it holds, and does not grow."""

from __future__ import annotations

import ctypes
import sys
from pathlib import Path

import numpy as np
import pytest

from homespun.models.engine import huge_pages

MIB = 1 << 20


def smaps(name):
    text = Path("/proc/self/smaps_rollup").read_text(encoding="utf-8")
    return next(int(line.split()[1]) // 1024 for line in text.splitlines() if name in line)


@pytest.fixture
def written():
    array = np.empty(32 * MIB, np.uint8)
    array[:] = np.arange(array.size, dtype=np.int64) * 7 % 251
    return array


def test_blocks_are_whole_aligned_and_of_anonymous_writable_memory_only():
    maps = "\n".join(
        [
            "00100000-00700000 rw-p 00000000 00:00 0",
            "00800000-00a00000 r--p 00000000 00:00 0",
            "00a00000-00c00000 rw-p 00000000 08:01 77       /some/file with blanks",
            "00c00000-01000000 rw-p 00000000 00:00 0        [heap]",
            "01000000-01200000 rw-p 00000000 00:00 0        [stack]",
            "01200000-013fffff rw-p 00000000 00:00 0",
        ]
    )
    assert [hex(block) for block in huge_pages._blocks(maps)] == [
        "0x200000",
        "0x400000",
        "0xc00000",
        "0xe00000",
    ]


def test_contents_stay_and_the_answer_is_a_number_of_whole_pages(written):
    before = written.copy()
    moved = huge_pages.use_huge_pages()
    assert moved % (2 * MIB) == 0
    assert np.array_equal(written, before)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux only")
def test_where_the_kernel_can_written_memory_moves_and_unwritten_memory_stays_away(written):
    unwritten = np.zeros(256 * MIB, np.uint8)
    resident = smaps("Rss:")
    moved = huge_pages.use_huge_pages()
    if not moved:
        library = ctypes.CDLL(None)
        block = -(-written.ctypes.data // (2 * MIB)) * (2 * MIB)
        assert library.madvise(ctypes.c_void_p(block), ctypes.c_size_t(2 * MIB), 25) != 0
        pytest.skip("this kernel has no MADV_COLLAPSE")
    assert smaps("AnonHugePages:") >= 28
    assert smaps("Rss:") - resident < 64
    assert not unwritten[::MIB].any()


def test_another_system_is_left_alone(monkeypatch, tmp_path):
    monkeypatch.setattr(huge_pages, "_MAPS", tmp_path / "none")
    assert huge_pages.use_huge_pages() == 0
