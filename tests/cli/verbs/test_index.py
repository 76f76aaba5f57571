"""`homespun index` as a user runs it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest

from homespun.indexer.storage.write_lock import write_lock
from tests.support.command import run_command


@pytest.fixture
def repo(tmp_path):
    (tmp_path / "a.py").write_text("def first():\n    return 1\n")
    (tmp_path / "broken.py").write_text("def f(:\n")
    (tmp_path / "data.py").write_bytes(b"\x00\x01" * 50)
    return tmp_path


def test_the_summary_counts_files_and_reasons(repo, capsys):
    status, out, err = run_command(capsys, "index", repo, "--encoder", "none")
    assert status == 0
    assert out.splitlines()[0].startswith(
        f"{repo}: 2 files, 2 chunks, 2 symbols (2 added, 0 changed, 0 removed, 0 unchanged) in "
    )
    assert "1 files with syntax errors were parsed in part" in out
    assert "1 files skipped: binary 1 (data.py)" in out
    assert "note: no git repository" in out
    assert "indexing" in err


def test_json_is_all_there_is_on_stdout(repo, capsys):
    status, out, err = run_command(capsys, "index", repo, "--encoder", "none", "--json")
    report = json.loads(out)
    assert (status, err) == (0, "")
    assert (report["files"], report["added"], report["partial"]) == (2, 2, 1)
    assert report["skipped"] == {"binary": 1}
    assert report["skipped_examples"] == {"binary": ["data.py"]}
    again = json.loads(run_command(capsys, "index", repo, "--encoder", "none", "--json")[1])
    assert (again["added"], again["unchanged"]) == (0, 2)
    rebuilt = run_command(capsys, "index", repo, "--encoder", "none", "--json", "--rebuild")[1]
    assert json.loads(rebuilt)["added"] == 2


def test_without_the_encoder_there_is_an_index_all_the_same(repo, capsys):
    status, out, _ = run_command(capsys, "index", repo, "--encoder", "all-minilm-l6-v2")
    assert status == 0
    assert "get it with `homespun models fetch all-minilm-l6-v2`" in out


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["nowhere"], 1, "nowhere' is no directory"),
        (["a.py"], 1, "a.py' is no directory"),
        ([".", "--encoder", ""], 2, "--encoder wants a name"),
        ([".", "--encoder", "nonsense"], 1, "nonsense"),
        ([".", "--wait", "--no-wait"], 2, "not allowed with argument"),
        ([".", "--bogus"], 2, "unrecognized arguments: --bogus"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(repo, capsys, monkeypatch, arguments, status, said):
    monkeypatch.chdir(repo)
    got, _, err = run_command(capsys, "index", *arguments)
    assert got == status
    assert said in err


def test_a_second_writer_is_told_who_holds_the_lock(repo, capsys):
    (repo / ".homespun").mkdir()
    with write_lock(repo / ".homespun", wait_seconds=0):
        status, out, err = run_command(
            capsys, "index", repo, "--encoder", "none", "--no-wait", "--json"
        )
    assert (status, out) == (1, "")
    assert f"is being written by process {os.getpid()} " in err


def test_settings_of_the_folder_count_and_faults_are_said(repo, capsys):
    (repo / "homespun.toml").write_text('[index]\nexclude = ["a.py"]\nmax_file_bytes = "big"\n')
    status, out, err = run_command(capsys, "index", repo, "--encoder", "none", "--json")
    assert status == 0
    assert "'index.max_file_bytes'" in err
    assert json.loads(out)["files"] == 2  # broken.py, homespun.toml


@pytest.mark.e2e
@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C is sent as SIGINT here")
def test_watching_prints_a_line_for_each_update_and_ends_with_ctrl_c(repo):
    command = [sys.executable, "-P", "-m", "homespun.cli", "index", str(repo), "--watch", "--json"]
    environment = os.environ | {"HOMESPUN_INDEX_ENCODER": "none"}
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        # Where the tests run in a shell's background they ignore Ctrl-C, and hand that down.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    with process:
        assert json.loads(process.stdout.readline())["files"] == 2
        assert "watching" in process.stderr.readline()
        (repo / "new.py").write_text("def second(): ...\n")
        report = json.loads(process.stdout.readline())
        assert report["added"] == 1
        process.send_signal(signal.SIGINT)
        try:
            assert process.wait(60) in (0, 130)
        finally:
            process.kill()  # else the test would wait for it
        assert "Traceback" not in process.stderr.read()
