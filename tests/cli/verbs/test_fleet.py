"""`homespun fleet` as a platform team runs it: real repositories, real processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading

import pytest

from homespun.cli.fleet import attempt
from homespun.cli.fleet.process import ProcessEnd, run_command
from homespun.cli.fleet.repositories import FleetRepository
from homespun.cli.fleet.states import FleetJob
from tests.support import command
from tests.support.fleet import FleetOfTests, offered_rows

DONE = {"acme/auth": "done", "acme/billing": "done", "acme/ledger": "done"}
UNCHANGED = dict.fromkeys(DONE, "unchanged")


@pytest.fixture
def fleet(tmp_path):
    return FleetOfTests(tmp_path)


def test_a_list_is_indexed_published_and_left_alone_until_a_commit(fleet, capsys):
    status, report = fleet.index(capsys, "--jobs", "2")
    assert (status, fleet.states(report)) == (0, DONE)
    first = offered_rows(fleet.place)
    assert {name: at for name, (at, _) in first.items()} == {
        name: one.git("rev-parse", "HEAD") for name, one in fleet.repositories.items()
    }
    attempts = {one["attempt"] for one in report["repositories"]}
    assert len(attempts) == 3
    status, report = fleet.index(capsys)
    assert (status, fleet.states(report)) == (0, UNCHANGED)
    assert report["repositories"][0]["result"]["files"] == 2  # what is known of that commit stays
    fleet.repositories["acme/auth"].commit_files({"README.md": "x"})
    status, report = fleet.index(capsys)
    assert fleet.states(report) == UNCHANGED | {"acme/auth": "done"}
    page = (fleet.work / "report" / "index" / "fleet.html").read_text()
    assert "acme/auth" in page and "<script" not in page
    # A pack that is gone, or made by another version, is no reason to skip.
    (pack,) = (fleet.place / "acme" / "billing").glob("*.parquet")
    pack.unlink()
    pointer = fleet.place / "acme" / "ledger" / "current"
    pointer.write_text(json.dumps({**json.loads(pointer.read_text()), "chunker": "none"}))
    status, report = fleet.index(capsys)
    assert fleet.states(report) == DONE | {"acme/auth": "unchanged"}
    assert {name: pack for name, (_, pack) in offered_rows(fleet.place).items()} == {
        name: pack for name, (_, pack) in first.items()
    }


def test_a_broken_repository_is_a_line_and_never_the_end(fleet, capsys):
    (fleet.repositories["acme/billing"].folder / "src" / "new.py").write_text("x = 1\n")
    more = f"acme/none {fleet.folder / 'nowhere'}"
    fleet.write_list(*fleet.list.read_text().splitlines(), more)
    fleet.repositories["acme/billing"].git("add", "--all")
    status, report = fleet.index(capsys)
    assert status == 1
    failed = dict.fromkeys(("acme/billing", "acme/none"), "failed")
    assert fleet.states(report) == DONE | failed
    whys = {one["name"]: one["why"] for one in report["repositories"]}
    assert "has changes that are in no commit" in whys["acme/billing"]
    assert "is no folder" in whys["acme/none"]
    status, out, _ = command.run_command(capsys, *fleet.index_words())
    assert status == 1
    assert out.splitlines()[0].startswith("failed     acme/billing  ")
    assert "4 repositories: 2 unchanged, 2 failed" in out


def test_shards_do_each_one_once_and_their_reports_are_joined(fleet, capsys, tmp_path):
    reports = [tmp_path / f"report{number}" for number in (1, 2)]
    for number, folder in enumerate(reports, 1):
        fleet.index(capsys, "--shard", f"{number}/2", "--report", folder)
        if number == 1:
            words = ("fleet", "report", folder, "--list", fleet.list, "--json")
            status, out, _ = command.run_command(capsys, *words)
            assert (status, len(json.loads(out)["missing"])) == (1, 3 - _count(folder))
    words = ("fleet", "report", *reports, "--list", fleet.list, "--out", tmp_path / "all", "--json")
    status, out, _ = command.run_command(capsys, *words)
    assert (status, fleet.states(json.loads(out))) == (0, DONE)
    assert sum(map(_count, reports)) == 3
    assert (tmp_path / "all" / "fleet.html").exists()


def _count(report):
    return len(list((report / "outcomes").glob("*.json"))) if report.exists() else 0


def test_an_address_is_cloned_at_its_revision_and_followed(fleet, capsys):
    auth = fleet.repositories["acme/auth"]
    auth.git("tag", "v1")
    fleet.write_list(
        f"acme/auth file://{auth.folder}", f"acme/old file://{auth.folder} v1", "acme/x file:///x"
    )
    later = auth.commit_files({"src/acme_auth/more.py": "LIMIT = 3\n"})
    status, report = fleet.index(capsys)
    assert status == 1
    revisions = {one["name"]: one["revision"] for one in report["repositories"]}
    assert revisions["acme/auth"] == later
    assert revisions["acme/old"] == auth.git("rev-parse", "v1")
    assert "git refuses (`git ls-remote`)" in report["repositories"][2]["why"]
    latest = auth.commit_files({"README.md": "x"})
    _, report = fleet.index(capsys)
    assert fleet.states(report)["acme/old"] == "unchanged"
    assert offered_rows(fleet.place)["acme/auth"][0] == latest


def test_the_driver_is_killed_and_the_next_run_ends_as_one_process_does(fleet, capsys, tmp_path):
    words = [str(word) for word in fleet.index_words("--jobs", "2")]
    for seen in (0, 1):
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "homespun.cli", *words],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        _until(lambda seen=seen: len(offered_rows(fleet.place)) > seen, process)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    status, report = fleet.index(capsys)
    assert (status, len(report["repositories"])) == (0, 3)
    alone = tmp_path / "alone"
    alone.mkdir()
    for name, one in fleet.repositories.items():
        words = ("index", one.folder, "--encoder", "none", "--publish", alone, "--name", name)
        assert command.run_command(capsys, *words)[0] == 0
    assert offered_rows(fleet.place) == offered_rows(alone)


def _until(holds, process):
    """Wait until something holds, or the process has ended before it could be killed."""
    ended = threading.Event()
    while not holds() and process.poll() is None:
        ended.wait(0.02)


def job(tmp_path, **more):
    facts = {"action": "index", "work": tmp_path / "work", "tries": 3, **more}
    return FleetJob(FleetRepository("acme/auth", str(tmp_path)), **facts)


def test_a_process_that_is_killed_is_started_again_and_one_that_fails_is_not(tmp_path, monkeypatch):
    ends = [ProcessEnd(-9, "", ""), ProcessEnd(-9, "", ""), ProcessEnd(0, '{"files": 2}', "")]
    monkeypatch.setattr(attempt, "run_command", lambda *_, **__: ends.pop(0))
    done = attempt.attempted(job(tmp_path))
    assert (done.status, done.attempts, done.result) == ("done", 3, {"files": 2})
    ends = [ProcessEnd(-9, "", "")] * 3
    assert "was killed 3 times (signal 9)" in attempt.attempted(job(tmp_path)).why
    ends = [ProcessEnd(1, "", "x\nhomespun: it is broken\n")]
    assert attempt.attempted(job(tmp_path)).why == "it is broken"
    ends = [ProcessEnd(0, "no json", "")]
    assert "printed no JSON" in attempt.attempted(job(tmp_path)).why
    ends = [ProcessEnd(None, "", "")]
    assert "did not end within 3600 s" in attempt.attempted(job(tmp_path)).why


def test_a_process_that_takes_too_long_is_ended_with_all_that_it_started(tmp_path):
    end = run_command(["index", str(tmp_path), "--watch"], timeout_seconds=0.05)
    assert end.status is None


def test_a_process_ends_when_its_holder_does(tmp_path):
    """The holder is killed, its end of the pipe closes, and the command does not go on."""
    theirs, ours = os.pipe()
    serving = [
        sys.executable,
        "-P",
        "-m",
        "homespun.cli.tied",
        "index",
        "--watch",
        "--encoder=none",
    ]
    process = subprocess.Popen(
        serving, stdin=theirs, stdout=subprocess.PIPE, start_new_session=True, cwd=tmp_path
    )
    os.close(theirs)
    os.close(ours)
    assert process.wait() == -signal.SIGKILL
    process.stdout.close()


def test_training_goes_through_our_own_command_and_keeps_one_page(fleet, capsys, monkeypatch):
    asked = []
    verdict = {
        "outcome": "refuse",
        "headline": "keep what you have",
        "conditions": [{"name": "house form in what is written", "found": "+1.5 points"}],
    }

    def trained(arguments, *, timeout_seconds):
        asked.append(arguments)
        if "acme_ledger" in arguments[1]:
            return ProcessEnd(1, "", "homespun: too little code\n")
        body = {"promoted": False, "outcome": "kept", "verdict": verdict, "adapter": "a1"}
        return ProcessEnd(0, json.dumps(body), "")

    monkeypatch.setattr(attempt, "run_command", trained)
    words = ("fleet", "train", fleet.list, "--work", fleet.work, "--minutes", "5", "--json")
    more = ("--flags=--until 2026-01-01", "--no-promote")
    status, out, _ = command.run_command(capsys, *words, *more)
    report = json.loads(out)
    assert status == 1
    assert fleet.states(report) == DONE | {"acme/ledger": "failed"}
    flags = ["--minutes=5.0", "--no-promote", "--until", "2026-01-01"]
    assert asked[0] == ["train", asked[0][1], "--json", *flags]
    page = (fleet.work / "report" / "train" / "fleet.html").read_text()
    for told in ("keep what you have", "+1.5 points", "too little code", "refuse"):
        assert told in page
    asked.clear()
    _, out, _ = command.run_command(capsys, *words, *more)
    assert fleet.states(json.loads(out)) == UNCHANGED | {"acme/ledger": "failed"}
    assert len(asked) == 1
    command.run_command(capsys, *words)  # other flags are another training
    assert len(asked) == 4


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--on", "spark"], "choose local, ray or ray=ADDRESS"),
        (["--on", "ray="], "choose local, ray or ray=ADDRESS"),
        (["--jobs", "0"], "--jobs is 0"),
        (["--tries", "0"], "--tries is 0"),
        (["--timeout", "0"], "--timeout is 0"),
        (["--shard", "3/2"], "--shard '3/2'"),
        (["--flags=--resume"], "which the fleet itself decides"),
        (["--flags=until"], "wants flags of `homespun train`"),
        (["--flags='"], "cannot be cut into words"),
    ],
)
def test_arguments_that_make_no_sense_are_a_sentence(fleet, capsys, words, said):
    status, out, err = command.run_command(
        capsys, "fleet", "train", fleet.list, "--work", fleet.work, *words
    )
    assert (status, out) == (2, "")
    assert said in err


def test_a_missing_ray_says_how_to_get_it(fleet, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    status, out, err = command.run_command(capsys, *fleet.index_words(on="ray"))
    assert (status, out) == (1, "")
    assert "pip install 'homespun[fleet]'" in err


def test_a_place_that_is_no_place_is_said_once(fleet, capsys):
    words = ("fleet", "index", fleet.list, "--publish", fleet.folder / "none")
    status, _, err = command.run_command(capsys, *words)
    assert status == 1
    assert err.count("is no folder") == 1
