"""`homespun eval completion`: what it refuses, and how it ends against an accepted report."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from homespun.cli.verbs.eval import completion
from homespun.training.evaluation import report as completion_report
from homespun.training.evaluation.report import CompletionReport
from tests.support.command import run_command


@pytest.fixture
def run(tmp_path, capsys, monkeypatch):
    measured = CompletionReport(
        repo="shop", window={"since": "a", "until": "b"}, versions={}, models={}, arms=(), rows=()
    )
    done = SimpleNamespace(report=measured, notes=("few commits",))
    monkeypatch.setattr(completion, "_evaluated", lambda args: done)
    monkeypatch.setattr(completion, "_print", lambda *_: None)

    def call(*flags):
        words = ["eval", "completion", tmp_path, "--since", "a", *flags]
        status, _, err = run_command(capsys, *words)
        return status, err.splitlines()

    return call


def test_notes_are_said_before_the_report_is_kept(run, tmp_path):
    status, said = run("--accept")
    assert status == 0
    assert said[0] == "homespun: few commits" and "later runs are compared with" in said[1]
    assert [path.name for path in (tmp_path / ".homespun" / "eval").iterdir()] == [
        "completion.json"
    ]


def test_a_drop_names_the_arm_and_fails(run, monkeypatch):
    run("--accept")
    worse = SimpleNamespace(arm="repository/retrieval", obstacle="", failed=True)
    monkeypatch.setattr(completion_report, "judge", lambda report, accepted: worse)
    status, said = run()
    assert status == 1
    assert said[-1] == (
        "homespun: repository/retrieval got worse against the accepted report; mend it, or take "
        "the new state with --accept"
    )


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (["--items", "0"], "--items is 0; give 1 or more"),
        (["--infilling", "-1"], "--infilling is -1; give 0 or more"),
    ],
)
def test_arguments_without_sense_are_refused(run, flags, sentence):
    status, said = run(*flags)
    assert status == 2 and sentence in said[-1]
