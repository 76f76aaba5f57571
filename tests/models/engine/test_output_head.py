"""The best token of a screened output layer is the best of the int8 output layer."""

from __future__ import annotations

import math

import numpy as np
import pytest

from homespun.models.convert.quantize import quantize_blocks, quantize_rows, restore_blocks
from homespun.models.convert.served_form import DecoderForm
from homespun.models.engine.output_head import Head, StepOutput
from homespun.models.types import FimTokens
from tests.support.near_ties import ESTIMATE

VOCABULARY, HIDDEN = 3000, 200
WEIGHT = np.random.default_rng(0).standard_normal((VOCABULARY, HIDDEN)).astype(np.float32)
STATES = np.random.default_rng(1).standard_normal((40, HIDDEN)).astype(np.float32)


@pytest.fixture(scope="module")
def head(tmp_path_factory):
    directory = tmp_path_factory.mktemp("head")
    table, scale = quantize_rows(WEIGHT, bits=8)
    table.tofile(directory / "head.int8")
    scale.tofile(directory / "head_scale.float32")
    return Head(
        DecoderForm(
            name="",
            directory=directory,
            fim=FimTokens(prefix="", suffix="", middle=""),
            control={},
            layers=1,
            hidden=HIDDEN,
            kv_heads=1,
            head_dim=8,
            vocabulary=VOCABULARY,
            context_tokens=8,
            has_head=True,
            screen_margin=20.0,
        )
    )


@pytest.fixture(scope="module")
def screen():
    packed, scale = quantize_blocks(WEIGHT)
    return STATES @ restore_blocks(packed, scale, columns=HIDDEN).T


def reference():
    table, scale = quantize_rows(WEIGHT, bits=8)
    return (STATES.astype(np.float64) @ table.T.astype(np.float64)) * scale


def test_four_bits_are_within_half_a_step_of_all_but_clipped_weights():
    packed, scale = quantize_blocks(WEIGHT)
    assert packed.shape == (VOCABULARY, 2, 64)
    steps = np.repeat(np.abs(scale), 128, axis=1)[:, :HIDDEN]
    error = np.abs(restore_blocks(packed, scale, columns=HIDDEN) - WEIGHT)
    assert np.all(error <= steps * 1.0001)  # opposite to the largest weight, 7 is the limit
    assert np.mean(error <= steps * 0.5001) > 0.97


def test_the_choice_is_that_of_the_whole_output_layer_where_the_screen_errs(head, screen):
    expected = reference()
    rows = StepOutput(head, STATES, screen)
    chosen = [rows.best(row)[0] for row in range(len(STATES))]
    assert chosen == expected.argmax(axis=1).tolist()
    assert chosen != screen.argmax(axis=1).tolist()


def test_the_probability_is_that_of_the_whole_output_layer(head, screen):
    expected = reference()
    rows = StepOutput(head, STATES, screen)
    for row, logits in enumerate(expected):
        logprob = -np.log(np.exp(logits - logits.max()).sum())
        assert rows.best(row)[1] == pytest.approx(logprob, abs=ESTIMATE)


def test_among_allowed_tokens_only_these_count(head, screen):
    allowed = np.arange(5, VOCABULARY, 7)
    expected = reference()[:, allowed]
    rows = StepOutput(head, STATES, screen)
    for row, logits in enumerate(expected):
        token, logprob, *_ = rows.best(row, allowed)
        assert token == allowed[logits.argmax()]
        assert logprob == pytest.approx(-np.log(np.exp(logits - logits.max()).sum()), abs=ESTIMATE)


def test_one_allowed_token_is_certain(head, screen):
    assert StepOutput(head, STATES, screen).best(3, np.array([17])) == (17, 0.0, math.inf, 0.0)


@pytest.mark.parametrize("rows", [1, 31, 33, 40])
def test_full_logits_of_a_row_are_the_same_bits_however_many_rows_there_are(head, rows):
    whole = head.full(STATES)
    assert np.array_equal(head.full(STATES[:rows]), whole[:rows])
    assert np.allclose(whole, reference(), rtol=1e-4, atol=1e-3)


def test_the_margin_is_that_to_the_runner_up_and_the_entropy_that_of_the_distribution(head, screen):
    expected = reference()
    rows = StepOutput(head, STATES, screen)
    for row, logits in enumerate(expected):
        first, second = np.sort(logits)[::-1][:2]
        weights = np.exp(logits - first)
        shares = weights / weights.sum()
        entropy = -(shares[shares > 0] * np.log(shares[shares > 0])).sum()
        choice = rows.best(row)
        if first - second < head.margin / 2:  # else the runner-up is the screen's word
            assert choice.margin == pytest.approx(first - second, abs=2 * ESTIMATE)
        else:
            assert choice.margin > head.margin / 4
        assert choice.entropy == pytest.approx(entropy, abs=5 * ESTIMATE)
