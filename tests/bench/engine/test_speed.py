"""The texts that are asked, and the summary of the rounds."""

from __future__ import annotations

from bench.engine import speed, texts


def test_runs_of_four_tokens_that_come_again_are_counted():
    assert texts.repeated_share([1, 2, 3, 4, 5], [1, 2, 3, 4, 5]) == 1.0
    assert texts.repeated_share([1, 2, 3, 4, 5], [1, 2, 3, 4, 9]) == 0.5
    assert texts.repeated_share([1, 2, 3, 4, 5], [6, 7, 8, 9]) == 0.0


def test_a_summary_takes_medians_and_ratios_over_rounds():
    rows = speed.summary({"token": {"homespun": [10.0, 20.0, 30.0], "llama.cpp x": [30, 30, 30]}})
    assert rows == {
        "token": {
            "median_ms": {"homespun": 20.0, "llama.cpp x": 30},
            "times_ours": {"llama.cpp x": 1.5},
        }
    }
