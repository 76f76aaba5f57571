"""What a lever costs on a machine whose speeds are known."""

from __future__ import annotations

import pytest

from homespun.models import catalogue
from homespun.models.download import cache
from homespun.models.recommend.speeds import MachineSpeeds
from homespun.training.advice.prices import expected_seconds, larger_price

SPEEDS = MachineSpeeds((0.1, 0.1, 0.2, 0.6), (20.0, 25.0, 60.0, 200.0))
SMALL, LARGE = "qwen2.5-coder-0.5b", "qwen2.5-coder-1.5b"


def seconds(model=SMALL, *, places=10, habits=0, context_tokens=1_024):
    return expected_seconds(
        model, SPEEDS, places=places, habits=habits, context_tokens=context_tokens
    )


def test_more_places_longer_prompts_and_a_larger_model_take_longer():
    assert seconds(places=20) == pytest.approx(2 * seconds())
    assert seconds(context_tokens=2_048) > 1.5 * seconds()
    assert seconds(LARGE) > 2 * seconds()
    assert seconds(habits=10) > seconds()


def test_of_a_model_of_ones_own_nobody_knows_how_long_it_takes(tmp_path):
    assert seconds(str(tmp_path)) is None
    assert larger_price(str(tmp_path), SPEEDS) is None


@pytest.mark.parametrize("is_here", [True, False])
def test_the_next_larger_model_costs_a_download_where_it_is_not_here(monkeypatch, is_here):
    monkeypatch.setattr(cache, "is_here", lambda entry: is_here)
    found = larger_price(SMALL, SPEEDS)
    assert found is not None and found.name == LARGE
    assert found.p50_ms > found.now_p50_ms
    assert (found.minutes == 0) is is_here


def test_above_the_largest_there_is_none():
    largest = max(catalogue.generators(), key=lambda entry: entry.total_bytes)
    assert larger_price(largest.name, SPEEDS) is None
