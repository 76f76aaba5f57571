"""What was said of suggestions and what came true, by the acceptance log."""

from __future__ import annotations

import dataclasses
import json
import random

from homespun.server.acceptance import log
from homespun.server.acceptance.log import AcceptanceLog, Record
from homespun.server.acceptance.reliability import (
    is_right,
    learn_from_log,
    reliability,
    seen_in,
)
from homespun.server.confidence.learned import UNCHANGED, stored

SHOWN = Record(
    *("id", "2999-01-01T00:00:00Z", "python", "m", "none"),
    sources=0,
    kind="line",
    chars=10,
    lines=1,
    ms=5.0,
    outcome="shown",
    stood_ms=900,
    likelihood=0.8,
)


def record(**others):
    return dataclasses.replace(SHOWN, **others)


def test_a_suggestion_is_right_when_all_of_it_came_to_stand_there():
    assert not is_right(SHOWN)
    assert is_right(record(outcome="accepted", accepted=10))
    assert is_right(record(outcome="typed", typed=10))
    assert is_right(record(outcome="partial", accepted=6, typed=4))
    assert not is_right(record(outcome="partial", accepted=6))


def test_a_line_from_before_the_probability_is_still_a_record(tmp_path):
    body = json.loads(json.dumps(SHOWN.to_json()))
    del body["likelihood"]
    assert Record.from_json(body).likelihood is None
    assert seen_in([Record.from_json(body)]) == []


def test_the_bins_say_what_was_said_and_what_came_true():
    records = [record()] * 3 + [record(outcome="accepted", accepted=10)]
    found = reliability(records)
    assert found["shown"] == 4
    assert found["learned"] is None
    assert found["bins"] == [
        {"suggestions": 4, "said": 0.8, "said_after": None, "right": 0.25},
    ]


def test_a_log_of_disappointments_is_learned_from_and_kept(tmp_path):
    written, chance = AcceptanceLog(tmp_path), random.Random(1)
    for number in range(400):
        said = 0.4 + number % 10 / 20
        is_taken = chance.random() < said / 2
        outcome = {"outcome": "accepted", "accepted": 10} if is_taken else {}
        written.add(record(id=str(number), likelihood=said, **outcome))
    written.flush()
    found = learn_from_log(tmp_path)
    assert found.is_kept
    assert stored() == found.calibration._replace(
        slope=round(found.calibration.slope, 4), intercept=round(found.calibration.intercept, 4)
    )
    assert reliability(log.read(tmp_path).records)["bins"][0]["said_after"] < 0.5


def test_a_log_that_became_too_short_takes_back_what_was_learned(tmp_path):
    test_a_log_of_disappointments_is_learned_from_and_kept(tmp_path)
    assert learn_from_log(tmp_path / "empty") is None
    assert stored() == UNCHANGED


def test_nothing_of_the_source_is_in_what_is_shown():
    assert "text" not in json.dumps(reliability([SHOWN] * 3))
