"""Which model is named, and that the reason says why."""

from __future__ import annotations

from dataclasses import replace

from homespun.models import catalogue
from homespun.models.recommend.choose import ModelPrediction, choose, predictions
from homespun.models.recommend.predict import RecordedKeys, StepWork
from homespun.models.recommend.speeds import MachineSpeeds

LARGE = ModelPrediction("large", p50_ms=100, p95_ms=400, memory_mb=2200, download_mb=1117)
SMALL = ModelPrediction("small", p50_ms=40, p95_ms=150, memory_mb=1000, download_mb=491)
ROWS = (LARGE, SMALL)


def test_the_largest_that_is_quick_enough_is_named():
    found = choose(ROWS, free_memory_mb=16_000)
    assert found.model == "large"
    assert "half of the keys within 100 ms, 95 of 100 within 400 ms" in found.reason


def test_one_that_is_too_slow_gives_way_to_the_smaller():
    for slow in (replace(LARGE, p50_ms=250), replace(LARGE, p95_ms=1234)):
        found = choose((slow, SMALL), free_memory_mb=16_000)
        assert found.model == "small"
        assert f"large would take {slow.p50_ms:,.0f} and {slow.p95_ms:,.0f} ms" in found.reason


def test_one_that_leaves_no_memory_gives_way_to_the_smaller():
    found = choose(ROWS, free_memory_mb=3_199)
    assert found.model == "small"
    assert "large needs 3,200 MB of free memory" in found.reason
    assert choose(ROWS, free_memory_mb=3_200).model == "large"


def test_where_nothing_fits_no_model_is_named_and_that_is_said():
    found = choose(ROWS, free_memory_mb=1_500)
    assert found.model == ""
    assert "1,500 MB of memory are free, the smallest needs 2,000 MB" in found.reason


def test_where_the_system_does_not_say_what_is_free_memory_does_not_count():
    assert choose(ROWS, free_memory_mb=0).model == "large"


def test_where_none_is_quick_enough_the_smallest_is_named_and_that_is_said():
    rows = tuple(replace(row, p50_ms=row.p50_ms * 10) for row in ROWS)
    found = choose(rows, free_memory_mb=16_000)
    assert found.model == "small"
    assert "no model answers half of the keys in 160 ms" in found.reason
    assert "small is the quickest" in found.reason


def test_a_machine_on_battery_gets_the_smaller_one():
    found = choose(ROWS, free_memory_mb=16_000, strain="the machine runs on battery")
    assert found.model == "small"
    assert found.reason.startswith("the machine runs on battery; it answers half of the keys")


def test_generators_have_a_prediction_the_largest_first_and_encoders_have_none():
    speeds = MachineSpeeds((0.25,) * 4, (34.0, 50.0, 120.0, 440.0))
    recorded = RecordedKeys(keys=((StepWork(2, 2, 600),),), step_ms=1.0, key_ms=1.0)
    rows = predictions([catalogue.get(name) for name in catalogue.names()], speeds, recorded)
    assert [row.name for row in rows] == ["qwen2.5-coder-1.5b", "qwen2.5-coder-0.5b"]
    assert rows[0].p50_ms > 2 * rows[1].p50_ms
    assert [row.download_mb for row in rows] == [1117, 491]
