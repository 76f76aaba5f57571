"""`homespun eval infilling` as a user runs it, with a tiny model."""

from __future__ import annotations

import json

import pytest

from homespun.models.errors import AdapterUnknown
from homespun.training.safety import forgetting
from tests.support import tiny
from tests.support.command import run_command


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return tiny.save_roomy_qwen2(tmp_path_factory.mktemp("model"))


@pytest.fixture
def run(model, tmp_path, capsys):
    def call(*arguments):
        words = ["eval", "infilling", "--model", model, "--path", tmp_path, "--tasks", "3"]
        status, out, err = run_command(capsys, *words, *arguments)
        return status, out, err.splitlines()[-1] if err else ""

    return call


def test_the_table_has_a_line_for_each_adapter_and_the_difference(run):
    status, out, _ = run("--adapter", "base", "none")
    assert status == 0
    assert "single-line infilling, 3 tasks (seed 0)" in out and "against base" in out
    rows = {line.split()[0]: line.split() for line in out.splitlines() if line.split()}
    assert rows["base"][1] == "0.000"
    assert rows["none"][3:5] == ["+0.000", "[+0.000,"]


def test_json_is_the_report_with_the_hash_of_the_weights(run):
    status, out, _ = run("--adapter", "base", "none", "--json")
    body = json.loads(out)
    assert status == 0
    assert body["count"] == 3 and [arm["name"] for arm in body["arms"]] == ["base", "none"]
    assert body["arms"][1]["discordance"]["p"] == 1.0
    # A model of one's own has no general adapter: the same bytes.
    assert body["weights"]["base"] == body["weights"]["none"]
    assert set(body["arms"][0]["rows"][0]) == {
        *("task", "exact", "prompt_tokens", "tokens", "prefill_ms", "decode_ms")
    }


def test_one_that_may_have_forgotten_is_said_and_fails(run, monkeypatch):
    monkeypatch.setattr(forgetting, "MARGIN", -0.5)
    status, _, last = run("--adapter", "base", "none")
    assert status == 1 and last.endswith("none may be more than -50 points worse than base")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--tasks", "0"], "--tasks is 0; give 1 or more"),
        (["--adapter", "base", "base"], "--adapter names one twice: base base"),
    ],
)
def test_arguments_without_sense_are_refused(run, arguments, sentence):
    status, _, last = run(*arguments)
    assert status == 2 and sentence in last


def test_an_unknown_adapter_is_named(run):
    status, _, last = run("--adapter", "mine-1")
    assert status == 1 and "'mine-1'" in last
    assert AdapterUnknown.__name__ not in last
