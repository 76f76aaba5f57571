"""One writer at a time, over real processes."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from homespun.indexer.errors import IndexLocked, IndexMissing
from homespun.indexer.storage import write_lock as write_lock_module
from homespun.indexer.storage.write_lock import read_beside_writers, write_lock

HOLDER = """
import sys
from pathlib import Path
from homespun.indexer.storage.write_lock import write_lock
with write_lock(Path(sys.argv[1]), wait_seconds=0):
    print("held", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def holder(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-P", "-c", HOLDER, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "held\n"
    with process:
        yield process
        process.kill()


def test_the_loser_says_who_holds_the_lock(tmp_path, holder):
    with pytest.raises(IndexLocked) as caught, write_lock(tmp_path, wait_seconds=0.1):
        pass
    assert f"process {holder.pid} " in str(caught.value)
    assert "waited 0.1 s" in str(caught.value)


def test_a_killed_holder_leaves_no_lock_behind(tmp_path, holder):
    holder.kill()
    holder.wait()
    with write_lock(tmp_path, wait_seconds=5):
        assert json.loads((tmp_path / "lock.json").read_text())["pid"] != holder.pid


def test_who_waits_long_enough_gets_the_lock(tmp_path, holder):
    holder.stdin.write("\n")
    holder.stdin.flush()
    with write_lock(tmp_path, wait_seconds=30):
        pass


def test_two_locks_in_one_process_exclude_each_other(tmp_path):
    with write_lock(tmp_path, wait_seconds=0):
        with pytest.raises(IndexLocked), write_lock(tmp_path, wait_seconds=0):
            pass
    with write_lock(tmp_path, wait_seconds=0):
        pass


def test_an_unreadable_note_does_not_hide_the_lock(tmp_path, holder):
    (tmp_path / "lock.json").write_bytes(b"\xff{")
    with pytest.raises(IndexLocked, match="written by another process"):
        with write_lock(tmp_path, wait_seconds=0):
            pass


# --- reading beside the holder


def missing_until(attempt):
    """A reading that finds nothing before this attempt."""
    attempts = []

    def read():
        attempts.append(1)
        if len(attempts) < attempt:
            raise IndexMissing("no index")
        return len(attempts)

    return read


def test_what_can_be_read_again_beside_the_holder_is_not_waited_for(tmp_path, holder, monkeypatch):
    monkeypatch.setattr(write_lock_module, "_READ_AGAIN_SECONDS", 0.01)
    assert read_beside_writers(tmp_path, missing_until(3), wait_seconds=300) == 3


def test_what_stays_missing_beside_the_holder_is_said_to_be_written(tmp_path, holder):
    with pytest.raises(IndexLocked, match="cannot be read yet.*waited 0.1 s") as caught:
        read_beside_writers(tmp_path, missing_until(99), wait_seconds=0.1)
    assert f"process {holder.pid} " in str(caught.value)


def test_a_reader_where_nobody_has_written_leaves_nothing_behind(tmp_path):
    with pytest.raises(IndexMissing):
        read_beside_writers(tmp_path, missing_until(99), wait_seconds=300)
    assert list(tmp_path.iterdir()) == []


def test_what_is_missing_under_the_lock_is_missing(tmp_path):
    with write_lock(tmp_path, wait_seconds=0):
        pass
    with pytest.raises(IndexMissing):
        read_beside_writers(tmp_path, missing_until(99), wait_seconds=300)


def test_where_no_lock_can_be_taken_what_was_read_is_true(tmp_path):
    (tmp_path / "lock").mkdir()
    with pytest.raises(IndexMissing):
        read_beside_writers(tmp_path, missing_until(2), wait_seconds=300)
