"""Outcomes: one file a name, the last one counts, and nothing in one is believed unseen."""

from __future__ import annotations

import json

import pytest

from homespun.cli.errors import Unavailable
from homespun.cli.fleet.outcomes import (
    FleetOutcome,
    joined,
    outcome_of,
    outcomes_of,
    write_outcome,
)


def outcome(name="acme/auth", **more):
    facts = {"action": "index", "status": "done", "attempt": "a1", "ended": 5.0, **more}
    return FleetOutcome(name, **facts)


def test_an_outcome_comes_back_as_it_was_and_the_last_one_stands(tmp_path):
    write_outcome(tmp_path, outcome(status="failed", why="no"))
    last = outcome(attempt="a2", revision="c" * 40, arguments=("--x=1",), result={"files": 3})
    write_outcome(tmp_path, last)
    assert outcomes_of(tmp_path) == ([last], [])
    assert outcome_of(tmp_path, "acme/auth") == last
    assert outcome_of(tmp_path, "acme/none") is None


def test_of_two_shards_that_both_did_one_the_later_counts_once():
    first, second = outcome(attempt="z", ended=1.0), outcome(attempt="a", ended=2.0)
    other = outcome("acme/billing")
    assert joined([second, other, first]) == [second, other]
    assert joined([first, other, second]) == [second, other]


@pytest.mark.parametrize(
    "change",
    [
        {"format": 2},
        {"name": "../x"},
        {"name": "acme/other"},
        {"status": "fine"},
        {"action": "rm"},
        {"ended": "now"},
        {"ended": float("nan")},
        {"result": []},
        {"why": 3},
        {"arguments": [1]},
        {"attempt": "x" * 3000},
    ],
)
def test_what_is_no_outcome_is_left_out_and_said(tmp_path, change):
    write_outcome(tmp_path, outcome())
    path = tmp_path / "outcomes" / "acme+auth.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    found, (trouble,) = outcomes_of(tmp_path)
    assert found == []
    assert "acme+auth.json' is no outcome" in trouble
    assert outcome_of(tmp_path, "acme/auth") is None


def test_drafts_and_rubbish_are_no_outcomes(tmp_path):
    write_outcome(tmp_path, outcome())
    (tmp_path / "outcomes" / ".acme+x.json.0.tmp").write_text("{")
    (tmp_path / "outcomes" / "acme+x.json").write_text("{")
    found, troubles = outcomes_of(tmp_path)
    assert [one.name for one in found] == ["acme/auth"]
    assert len(troubles) == 1


def test_a_folder_without_outcomes_is_no_report(tmp_path):
    with pytest.raises(Unavailable, match="is no report of a fleet"):
        outcomes_of(tmp_path)
