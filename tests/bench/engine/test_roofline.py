"""The work of a prompt and a step, and its share of the machine's limits."""

from __future__ import annotations

import pytest

from bench.engine import roofline
from homespun.models.weights.source import DecoderConfig


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


def test_the_work_of_a_prompt_counts_every_weight_once_a_token(shape):
    # q 64, k 32, v 32, o 64, three of 128: 576 a layer; the head 800 for the last token.
    work = roofline.prompt_work(shape, 3)
    assert work.int8_gmac == pytest.approx((2 * 576 * 3 + 800) / 1e9)
    # Position i meets i keys: 1 + 2 + 3; scores and values, 8 wide, two layers.
    assert work.float_gfma == pytest.approx(2 * 2 * 8 * 6 / 1e9)


def test_the_work_of_a_step_reads_weights_and_the_cache(shape):
    assert roofline.step_work(shape, 10).read_gb == pytest.approx(
        (2 * 576 + 800 + 4 * 2 * 2 * 4 * 10) / 1e9
    )


def test_shares_are_of_the_limits_that_were_measured():
    work = roofline.RooflineWork(int8_gmac=40.0, float_gfma=10.0, read_gb=3.0)
    limits = {"int8_gmac": 400.0, "float_gfma": 100.0, "read_gb": 20.0, "read_huge_pages_gb": 30.0}
    assert roofline.shares(work, 0.5, limits) == pytest.approx(
        {"int8": 0.2, "both": 0.4, "read": 0.2}
    )
    assert roofline.shares(work, 0.5, {}) == {}
