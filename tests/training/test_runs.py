"""A run's state survives kill -9, one training at a time, a full disk is one sentence."""

from __future__ import annotations

import errno
import json
import shutil
import signal
import subprocess
import sys

import pytest

from homespun.training import runs
from homespun.training.errors import RunUnreadable, TrainingLocked, TrainingUnwritable

HOLD = """
import sys, time
from pathlib import Path
from homespun.training.runs import training_lock
with training_lock(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_finished_stage_is_known_to_the_next_process(tmp_path):
    run = runs.begin(tmp_path, {"seed": 3})
    run.done("dataset", {"train": 240})
    again = runs.unfinished(tmp_path)
    assert again is not None
    assert (again.name, again.options, again.result("dataset"), again.result("fit")) == (
        "run-0001",
        {"seed": 3},
        {"train": 240},
        None,
    )


def test_a_run_that_came_to_its_end_is_not_gone_on_with(tmp_path):
    runs.begin(tmp_path, {}).finish()
    assert runs.unfinished(tmp_path) is None
    assert runs.begin(tmp_path, {}).name == "run-0002"


def test_nothing_to_go_on_with_where_nothing_ran(tmp_path):
    assert runs.unfinished(tmp_path) is None


def test_the_last_runs_are_kept_and_numbers_go_on(tmp_path):
    for _ in range(6):
        runs.begin(tmp_path, {}).finish()
    names = sorted(path.name for path in runs.training_folder(tmp_path).glob("run-*"))
    assert names == ["run-0004", "run-0005", "run-0006"]


def test_a_folder_without_a_state_was_killed_before_it_began(tmp_path):
    (runs.training_folder(tmp_path) / "run-0007").mkdir(parents=True)
    assert runs.unfinished(tmp_path) is None
    assert runs.begin(tmp_path, {}).name == "run-0008"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"version": 99}', '{"version": 1}'])
def test_a_damaged_state_is_one_sentence(tmp_path, text):
    run = runs.begin(tmp_path, {})
    (run.folder / "state.json").write_text(text, encoding="utf-8")
    with pytest.raises(RunUnreadable, match=r"run-0001.*start a new one without --resume"):
        runs.unfinished(tmp_path)


def test_a_training_of_another_machine_or_place_is_not_gone_on_with(tmp_path, monkeypatch):
    runs.begin(tmp_path / "here", {"model": "theirs"})
    shutil.copytree(tmp_path / "here", tmp_path / "there")
    with pytest.raises(RunUnreadable, match=r"not begun on this machine.*without --resume"):
        runs.unfinished(tmp_path / "there")
    assert runs.unfinished(tmp_path / "here") is not None
    monkeypatch.setenv("HOMESPUN_HOME", str(tmp_path / "another"))
    with pytest.raises(RunUnreadable, match="not begun on this machine"):
        runs.unfinished(tmp_path / "here")


def test_a_training_whose_files_git_tracks_is_not_gone_on_with(tmp_path):
    from homespun.training.pipeline.train import _check_untracked

    (tmp_path / "a.py").write_text("one = 1\n")
    with runs.training_lock(tmp_path):
        runs.begin(tmp_path, {})
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    _check_untracked(tmp_path)
    subprocess.run(["git", "add", "-A", "-f"], cwd=tmp_path, check=True)
    with pytest.raises(RunUnreadable, match=r"git tracks files.*without --resume"):
        _check_untracked(tmp_path)


def test_a_state_that_was_being_written_is_the_old_one(tmp_path):
    run = runs.begin(tmp_path, {})
    run.done("dataset", {"train": 1})
    (run.folder / "state.json.new").write_text('{"vers', encoding="utf-8")
    assert runs.unfinished(tmp_path).result("dataset") == {"train": 1}


def test_two_trainings_at_once_are_refused_by_name_and_a_dead_one_is_no_obstacle(tmp_path):
    with subprocess.Popen(
        [sys.executable, "-P", "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout.readline() == "held\n"
        with (
            pytest.raises(TrainingLocked, match=f"process {other.pid} .*--resume"),
            runs.training_lock(tmp_path),
        ):
            pass
        other.kill()
        other.wait()
        assert other.returncode in (-getattr(signal, "SIGKILL", 9), 1)
    with runs.training_lock(tmp_path):
        note = json.loads((runs.training_folder(tmp_path) / "lock.json").read_text("utf-8"))
    assert note["pid"] != other.pid


def test_what_a_training_leaves_is_ignored_by_git(tmp_path):
    with runs.training_lock(tmp_path):
        pass
    assert (tmp_path / ".homespun" / ".gitignore").read_text(encoding="utf-8") == "*\n"


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS])
def test_a_full_disk_is_one_sentence_and_says_how_to_go_on(tmp_path, number):
    with (
        pytest.raises(TrainingUnwritable, match=r"free some space .*--resume.*nothing is lost"),
        runs.writing(tmp_path),
    ):
        raise OSError(number, "the system's words")


def test_another_error_of_the_system_stays_what_it_is(tmp_path):
    with pytest.raises(OSError, match="words"), runs.writing(tmp_path):
        raise OSError(errno.EIO, "the system's words")
