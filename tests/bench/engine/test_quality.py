"""Losses and matches against float32."""

from __future__ import annotations

import pytest

from bench.engine import quality


def test_losses_are_compared_with_float32_in_percent_of_its_mean():
    rows = quality.loss_rows({"float32": [1.0, 3.0], "int8": [1.1, 3.1]})
    assert rows["float32"] == {"mean": 2.0}
    assert rows["int8"]["percent"] == pytest.approx(5.0)
    assert rows["int8"]["interval"] == pytest.approx((5.0, 5.0))


def test_exact_matches_are_compared_task_by_task():
    expected = {"a": "x = 1", "b": "return x"}
    answers = {"float32": {"a": "x = 1", "b": "pass"}, "int8": {"a": "x = 2", "b": "return x"}}
    rows = quality.match_rows(answers, expected)
    assert rows["float32"] == {"exact": 0.5}
    assert (rows["int8"]["exact"], rows["int8"]["points"]) == (0.5, 0.0)
    assert rows["int8"]["interval"] == (-100.0, 100.0)
    assert rows["int8"]["same_line"] == 0.0
