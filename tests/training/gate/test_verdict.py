"""A verdict names the form that was judged, and lets an adapter serve in that form alone."""

from __future__ import annotations

from homespun.training.gate.verdict import GateVerdict

PASSED = GateVerdict("promote", "It may serve.", ())


def test_what_a_server_proved_promotes_nothing_here():
    there = PASSED.on_a_server()
    assert (PASSED.promote, PASSED.is_for_a_server) == (True, False)
    assert (there.promote, there.is_for_a_server) == (False, True)
    row = there.to_json()
    assert (row["promote"], row["served_form"], row["outcome"]) == (False, "endpoint", "promote")
    assert GateVerdict.from_json(row) == there
    assert "as a server serves it" in there.headline


def test_what_a_server_did_not_prove_serves_nowhere():
    kept = GateVerdict("keep", "Keep what you have.", ()).on_a_server()
    assert not kept.promote and not kept.is_for_a_server


def test_a_verdict_of_an_older_version_is_one_on_this_machine():
    row = PASSED.to_json()
    del row["served_form"]
    assert GateVerdict.from_json(row) == PASSED
