"""What is multiplied, and what is said of it."""

from __future__ import annotations

import pytest

from bench.scale.cost import dollars, growth, table

ROW = {
    "sample": 500_000,
    "lines": 500_000,
    "cpu_seconds": 9.0,
    "publish_cpu_seconds": 1.0,
    "chunks": 11_000,
    "symbols": 30_000,
    "lance_bytes": 35_000_000,
    "pack_bytes": 300_000,
    "memory_mb": 130.0,
}


def test_all_grows_with_the_lines_and_only_the_first_row_is_measured():
    rows = growth(ROW).splitlines()[2:]
    assert [row.split(" | ")[0] for row in rows] == ["| 1", "| 10", "| 100", "| 1,000"]
    assert ["measured" in row for row in rows] == [True, False, False, False]
    assert "| 18 s | 22 k | 60 k | 70.0 MB | 260.0 MB | 600 kB |" in rows[0]
    assert "| 5.0 h | 22.0 M | 60.0 M | 70.0 GB | 260.0 GB | 600.0 MB |" in rows[3]


def test_dollars_are_of_the_core_hours_the_bytes_and_the_memory():
    cost = dollars(ROW, 1000)
    assert cost["build"] == pytest.approx(20_000 / 3600 * 0.04)
    assert cost["bucket"] == pytest.approx(70.6 * 0.023)
    assert cost["memory"] == pytest.approx(260 * 3.0)


def test_each_sample_says_what_a_thousand_lines_take():
    assert table([ROW]).splitlines()[-1].endswith("| 0.018, 70, 0.26 |")
