"""How likely a line is right: what speaks for it, and from which text that is read."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from homespun.models.fakes import FakeTokenizer
from homespun.models.remote.evidence import first_line_tokens
from homespun.models.remote.route import probability as module
from homespun.models.remote.route.escalate import waiting_ms
from homespun.models.remote.route.probability import (
    LineEvidence,
    evidence_of,
    features,
    place_of,
    probability,
    threshold,
)

SURE = LineEvidence(-0.05, -0.2, -0.05, 6, "other", is_block=False)


def test_a_surer_line_is_likelier_right():
    doubtful = replace(SURE, mean=-1.5, least=-4.0, first=-2.0)
    assert probability(SURE) > threshold() > probability(doubtful) > 0


def test_each_feature_has_its_coefficient_and_they_say_where_they_come_from():
    body = json.loads(Path(module.__file__).with_suffix(".json").read_text())
    assert set(body["weights"]) == set(features(SURE))
    assert 0 < body["threshold"] < 1
    assert "bench.completion.router" in body["about"]


def test_the_evidence_is_of_all_tokens():
    found = evidence_of([-0.5, -3.0, -0.25], line="x = self.", is_block=True)
    assert found == LineEvidence(-1.25, -3.0, -0.5, 3, "member", is_block=True)


def test_a_model_that_wrote_nothing_is_not_believed():
    assert probability(evidence_of([], line="", is_block=False)) < 0.05


@pytest.mark.parametrize(
    ("line", "place"),
    [
        ("", "statement"),
        ("    ", "statement"),
        ("    retu", "statement"),
        ("    self.", "member"),
        ("    self.na", "member"),
        ("Pool::ta", "member"),
        ("call(", "argument"),
        ("call(first, sec", "argument"),
        ("call(first) + ", "other"),
        ("value = ", "other"),
        ("rows[nu", "argument"),
        ("call(self.na", "member"),
    ],
)
def test_the_kind_of_place_is_read_from_the_line(line, place):
    assert place_of(line) == place


@pytest.mark.parametrize(
    ("text", "heal", "count"),
    [
        ("one()\ntwo()\n", "", 6),
        ("\n    one()\ntwo()", "", 11),
        (":\n    one()\ntwo()", ":", 12),
        ("one()", "", 6),
    ],
)
def test_of_a_block_the_first_line_counts(text, heal, count):
    tokenizer = FakeTokenizer()
    assert first_line_tokens(tokenizer.encode(text), heal, tokenizer) == count


def test_the_less_a_line_is_in_doubt_the_shorter_it_is_held_back():
    waits = [waiting_ms(likely, 0.6, 2000) for likely in (0.0, 0.2, 0.4, 0.6)]
    assert waits == [2000, 1500, 1000, 500]
