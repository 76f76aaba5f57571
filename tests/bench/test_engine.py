"""The pure parts of `make bench-engine`: statistics, work and shares, tables, the plot."""

from __future__ import annotations

import json
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from homespun.models.weights.source import DecoderConfig

ENGINE = Path(__file__).resolve().parents[2] / "bench" / "engine"


@pytest.fixture
def shape():
    """Two layers, two query heads on one key-value head."""
    return DecoderConfig(
        architecture="qwen2",
        layers=2,
        hidden=8,
        heads=2,
        kv_heads=1,
        head_dim=4,
        feed_forward=16,
        vocabulary=100,
        norm_epsilon=1e-6,
        rope_theta=1e4,
        rope_interleaved=False,
        context_tokens=64,
    )


def test_a_sample_is_drawn_by_its_seed_and_keeps_the_order():
    import stats

    drawn = stats.sample(list(range(100)), 10, seed=3)
    assert drawn == sorted(drawn)
    assert len(set(drawn)) == 10
    assert drawn == stats.sample(list(range(100)), 10, seed=3)
    assert drawn != stats.sample(list(range(100)), 10, seed=4)
    assert stats.sample([5, 1], 10, seed=0) == [5, 1]


def test_the_interval_of_equal_differences_is_that_difference():
    import stats

    assert stats.paired_interval([2.0] * 20) == (2.0, 2.0)


def test_the_interval_of_a_coin_is_that_of_the_binomial():
    import stats

    low, high = stats.paired_interval([0.0, 1.0] * 200)
    assert (low, high) == pytest.approx((0.451, 0.549), abs=0.006)  # 0.5 -+ 1.96 * 0.5 / 20


def test_a_ratio_is_taken_within_each_round():
    import stats

    assert stats.median_ratio([10.0, 400.0, 30.0], [5.0, 100.0, 20.0]) == 2.0


def test_the_work_of_a_prompt_counts_every_weight_once_a_token(shape):
    import roofline

    # q 64, k 32, v 32, o 64, three of 128: 576 a layer; the head 800 for the last token.
    work = roofline.prompt_work(shape, 3)
    assert work.int8_gmac == pytest.approx((2 * 576 * 3 + 800) / 1e9)
    # Position i meets i keys: 1 + 2 + 3; scores and values, 8 wide, two layers.
    assert work.float_gfma == pytest.approx(2 * 2 * 8 * 6 / 1e9)


def test_the_work_of_a_step_reads_weights_and_the_cache(shape):
    import roofline

    assert roofline.step_work(shape, 10).read_gb == pytest.approx(
        (2 * 576 + 800 + 4 * 2 * 2 * 4 * 10) / 1e9
    )


def test_shares_are_of_the_limits_that_were_measured():
    import roofline

    work = roofline.Work(int8_gmac=40.0, float_gfma=10.0, read_gb=3.0)
    limits = {"int8_gmac": 400.0, "float_gfma": 100.0, "read_gb": 20.0, "read_huge_pages_gb": 30.0}
    assert roofline.shares(work, 0.5, limits) == pytest.approx(
        {"int8": 0.2, "both": 0.4, "read": 0.2}
    )
    assert roofline.shares(work, 0.5, {}) == {}


def test_runs_of_four_tokens_that_come_again_are_counted():
    import texts

    assert texts.repeated_share([1, 2, 3, 4, 5], [1, 2, 3, 4, 5]) == 1.0
    assert texts.repeated_share([1, 2, 3, 4, 5], [1, 2, 3, 4, 9]) == 0.5
    assert texts.repeated_share([1, 2, 3, 4, 5], [6, 7, 8, 9]) == 0.0


def test_a_summary_takes_medians_and_ratios_over_rounds():
    import engine

    rows = engine.summary({"token": {"homespun": [10.0, 20.0, 30.0], "llama.cpp x": [30, 30, 30]}})
    assert rows == {
        "token": {
            "median_ms": {"homespun": 20.0, "llama.cpp x": 30},
            "times_ours": {"llama.cpp x": 1.5},
        }
    }


def test_losses_are_compared_with_float32_in_percent_of_its_mean():
    import quality

    rows = quality.loss_rows({"float32": [1.0, 3.0], "int8": [1.1, 3.1]})
    assert rows["float32"] == {"mean": 2.0}
    assert rows["int8"]["percent"] == pytest.approx(5.0)
    assert rows["int8"]["interval"] == pytest.approx((5.0, 5.0))


def test_exact_matches_are_compared_task_by_task():
    import quality

    expected = {"a": "x = 1", "b": "return x"}
    answers = {"float32": {"a": "x = 1", "b": "pass"}, "int8": {"a": "x = 2", "b": "return x"}}
    rows = quality.match_rows(answers, expected)
    assert rows["float32"] == {"exact": 0.5}
    assert (rows["int8"]["exact"], rows["int8"]["points"]) == (0.5, 0.0)
    assert rows["int8"]["interval"] == (-100.0, 100.0)
    assert rows["int8"]["same_line"] == 0.0


def test_the_losses_of_rows_are_those_of_the_tokens_that_follow():
    import numpy as np
    import worker

    logits = np.log(np.array([[0.5, 0.25, 0.25], [0.2, 0.2, 0.6]], np.float32))
    losses = worker.next_token_losses(logits, [9, 1, 2])
    assert losses == pytest.approx([-np.log(0.25), -np.log(0.6)], abs=1e-6)


def test_the_fastest_of_theirs_is_never_one_of_ours():
    import report

    row = {
        "median_ms": {
            "homespun": 5.0,
            "homespun, no drafts": 5.5,
            "llama.cpp a": 9.0,
            "llama.cpp b": 8.0,
        },
        "times_ours": {"homespun, no drafts": 1.1, "llama.cpp a": 1.8, "llama.cpp b": 1.6},
    }
    assert report.fastest(row) == "llama.cpp b"
    assert report.fastest({"median_ms": {"homespun": 5.0}, "times_ours": {}}) is None


def test_only_what_stands_between_a_sections_marks_is_written_anew():
    import report

    page = "a\n<!-- speed m -->\nold\n<!-- /speed m -->\nb\n<!-- speed n -->\n<!-- /speed n -->\n"
    assert report.replaced(page, "speed m", r"new \1") == page.replace("old", r"new \1")
    assert report.replaced(page, "typing m", "new") == page


def test_every_section_of_the_page_has_both_marks():
    import report

    page = report.README.read_text(encoding="utf-8")
    for model in report.MODELS:
        for part in ("speed", "quality"):
            assert page.count(f"<!-- {part} {model} -->\n") == 1
            assert page.count(f"<!-- /{part} {model} -->") == 1


def test_a_loss_of_ours_is_in_the_table():
    import report

    table = report.quality(
        {
            **_origin(),
            "loss": {"float32": {"mean": 1.5}, "homespun": _row(percent=0.25)},
            "infilling": {"float32": {"exact": 0.5}, "homespun": _row(points=-2.0, exact=0.48)},
            "text_tokens": 4000,
            "tasks": 300,
            "seed": 0,
            "files": ["json"],
        }
    )
    line = "| homespun | 1.5000 | +0.25 % [-1.00, +1.00] | 48.0 % | -2.0 [-1.0, +1.0] | 90 % |"
    assert line in table.splitlines()


def test_a_plot_shows_each_bar_with_its_value():
    import plot

    drawn = plot.bars({"token": {"a": 10.0, "b <c>": 20.0}}, title="t", note="n")
    root = ElementTree.fromstring(drawn)
    words = [node.text for node in root.iter("{http://www.w3.org/2000/svg}text")]
    assert words == ["t", "n", "a", "b <c>", "token", "10.0 ms", "20.0 ms"]
    widths = [node.get("width") for node in root.iter("{http://www.w3.org/2000/svg}rect")]
    assert widths[-2:] == ["230.0", "460.0"]


def test_a_process_answers_by_lines_and_survives_an_error(tmp_path):
    script = tmp_path / "answers.py"
    script.write_text(
        "import sys\n"
        f"sys.path.insert(0, {str(ENGINE)!r})\n"
        "import worker\n"
        "def double(n):\n"
        "    print('not part of the protocol')\n"
        "    return {'n': 2 * n}\n"
        "worker.serve({'double': double})\n"
    )
    lines = [{"op": "double", "n": 4}, {"op": "double", "n": None}, {"op": "double", "n": 1}]
    done = subprocess.run(
        [sys.executable, str(script)],
        input="".join(json.dumps(line) + "\n" for line in lines),
        capture_output=True,
        text=True,
        check=True,
    )
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [answers[0], answers[2]] == [{"n": 8}, {"n": 2}]
    assert answers[1]["error"].startswith("double: TypeError")
    assert "not part of the protocol" in done.stderr


def _row(**figures):
    return {"mean": 1.5, "interval": [-1.0, 1.0], "same_line": 0.9, **figures}


def _origin():
    return {
        "model": "m",
        "threads": 2,
        "machine": {"processor": "p", "cores": 2, "features": [], "system": "s", "load": 0.1},
        "date": "2026-11-21 08:00 UTC",
        "commit": "abc",
        "changed": False,
        "versions": {},
    }
