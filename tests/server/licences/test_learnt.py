"""Windows of what the shipped adapters learned from: found where they stand, and nowhere else."""

from __future__ import annotations

import logging

import numpy as np
import pytest

from homespun.server.licences import learnt
from homespun.server.licences.learnt import LearntLines
from homespun.training.shipped.general_adapter import windows
from homespun.training.shipped.general_adapter.windows import LearnedFile

PATH = "pypi/scales-1.0/src/scales.py"
LINES = [f"    reading_{number} = weigh(pan, {number})" for number in range(12)]
BODY = ["import os", "", "def read(pan):", *LINES[:5], "", "    pass", *LINES[5:], "    return pan"]
PLACES = tuple(range(4, 9)) + tuple(range(11, 18))  # the line numbers of LINES


@pytest.fixture
def table():
    return windows.table_of([LearnedFile(PATH, "MIT", "\n".join(BODY))])


def test_eight_telling_lines_are_found_with_their_place(table):
    found = table.same_as([], "\n".join(LINES[1:9]))
    assert found == (LearntLines(PATH, PLACES[1], PLACES[8], "MIT"),)


def test_seven_are_not(table):
    assert table.same_as([], "\n".join(LINES[1:8])) == ()


def test_lines_that_tell_nothing_and_indentation_do_not_count(table):
    lines = "\n\n}\n".join(line.strip() + "  " for line in LINES[:8])
    assert table.same_as([], lines) == (LearntLines(PATH, PLACES[0], PLACES[7], "MIT"),)


def test_a_longer_run_is_one_place(table):
    found = table.same_as([], "\n".join(LINES))
    assert found == (LearntLines(PATH, PLACES[0], PLACES[11], "MIT"),)


@pytest.mark.parametrize(("above", "is_found"), [(5, True), (6, False)])
def test_lines_above_count_where_three_are_the_suggestions(table, above, is_found):
    assert bool(table.same_as(LINES[:above], "\n".join(LINES[above:8]))) is is_found


def test_a_line_that_differs_breaks_it(table):
    lines = [*LINES[:5], "    reading_5 = weigh(pan, 6)", *LINES[6:11]]
    assert table.same_as([], "\n".join(lines)) == ()


def test_what_more_than_two_packages_have_is_nobodys():
    def shared(count):
        names = [f"pypi/p{number}-1/a.py" for number in reversed(range(count))]
        files = [LearnedFile(name, "MIT", "\n".join(LINES[:8])) for name in names]
        return windows.table_of(files).same_as([], "\n".join(LINES[:8]))

    assert [place.path for place in shared(2)] == ["pypi/p0-1/a.py"]
    assert shared(3) == ()


def test_a_table_comes_back_from_the_disk_with_the_same_bytes(table, tmp_path):
    one, other = tmp_path / "one.npz", tmp_path / "other.npz"
    learnt.save(table, one)
    learnt.save(learnt.load(one), other)
    assert one.read_bytes() == other.read_bytes()
    back = learnt.load(other)
    assert np.array_equal(back.keys, table.keys)
    assert back.same_as([], "\n".join(LINES)) == table.same_as([], "\n".join(LINES))


@pytest.mark.parametrize("body", [b"", b"PK\x03\x04 torn", b"no table"])
def test_a_broken_table_is_told_and_marks_nothing(tmp_path, monkeypatch, caplog, body):
    path = tmp_path / "learnt.npz"
    path.write_bytes(body)
    monkeypatch.setattr(learnt, "TABLE", path)
    learnt.shipped.cache_clear()
    try:
        with caplog.at_level(logging.WARNING):
            assert learnt.shipped().same_as([], "\n".join(LINES)) == ()
    finally:
        learnt.shipped.cache_clear()
    assert "install homespun again" in caplog.text


def test_the_shipped_table_names_packages_and_licences_of_the_manifests():
    table, named = learnt.shipped(), windows.named_packages()
    assert len(table.keys) > 100_000
    assert np.all(table.keys[:-1] < table.keys[1:])
    assert all(any(path.startswith(f"{name}-") for name in named) for path in table.paths)
    assert all(table.licences)
    assert learnt.TABLE.stat().st_size < 3 << 20
