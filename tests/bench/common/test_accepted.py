"""The gate for scores of any kind."""

from __future__ import annotations

import json

import pytest

from bench.common import accepted as gate


@pytest.fixture(autouse=True)
def accepted(tmp_path, monkeypatch):
    monkeypatch.setattr(gate, "ACCEPTED", tmp_path)
    return tmp_path / "recall.json"


def scores(*values, group="pkg"):
    return {group: {f"a.py:{line}": value for line, value in enumerate(values)}}


def run(measured, *, is_accepting=False):
    return gate.gate("recall", measured, is_accepting=is_accepting)


def test_the_first_run_passes_and_says_how_to_accept(capsys, accepted):
    assert run(scores(1.0)) == 0
    assert "there are no accepted scores for recall yet" in capsys.readouterr().out
    assert not accepted.exists()


def test_an_accepted_run_is_kept_line_by_line(accepted):
    assert run(scores(1.0, 1 / 3), is_accepting=True) == 0
    assert json.loads(accepted.read_text()) == scores(1.0, 0.333333)
    assert len(accepted.read_text().splitlines()) == 2 + 4


def test_an_equal_run_passes(capsys):
    run(scores(1.0, 1 / 3, 0.0), is_accepting=True)
    assert run(scores(1.0, 1 / 3, 0.0)) == 0
    assert "+0.000 [+0.000, +0.000] over 3, 0 worse, 0 better" in capsys.readouterr().out


def test_a_drop_beyond_chance_closes_the_gate_and_names_the_questions(capsys):
    run(scores(*[1.0] * 20), is_accepting=True)
    assert run(scores(*[1.0] * 10, *[0.0] * 10)) == 1
    said = capsys.readouterr().out
    assert "worse  1.00 -> 0.00  pkg: a.py:10" in said and "recall got worse" in said


def test_one_loss_of_twenty_passes():
    run(scores(*[1.0] * 20), is_accepting=True)
    assert run(scores(*[1.0] * 19, 0.0)) == 0


def test_a_drop_can_be_accepted():
    run(scores(*[1.0] * 20), is_accepting=True)
    assert run(scores(*[0.0] * 20), is_accepting=True) == 0
    assert run(scores(*[0.0] * 20)) == 0


@pytest.mark.parametrize(
    ("measured", "sentence"),
    [
        (scores(1.0, 1.0), "the questions of pkg differ"),
        (scores(1.0, group="other"), "nothing is shared"),
    ],
)
def test_other_questions_close_the_gate(capsys, measured, sentence):
    run(scores(1.0), is_accepting=True)
    assert run(measured) == 1
    assert sentence in capsys.readouterr().out


def test_a_group_that_was_not_measured_does_not_count(capsys):
    run(scores(1.0) | scores(1.0, group="other"), is_accepting=True)
    assert run(scores(1.0)) == 0
    assert "so not compared: other" in capsys.readouterr().out
