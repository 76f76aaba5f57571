"""What the decoder promises of two ways to the same answer: the same, up to `NEAR_TIE`."""

from __future__ import annotations

import numpy as np
import pytest

from homespun.models.engine.output_head import NEAR_TIE

# Nats. How far a token's log-probability may be off: its normaliser comes from the screen in 4
# bits, which the last bit of a hidden row can move (seen on an emulated Cortex-A76).
ESTIMATE = 0.02


def assert_same_logits(rows, expected):
    """No logit is off by more than half of a near tie, so no choice but a near tie changes."""
    assert np.abs(rows - expected).max() <= NEAR_TIE / 2


def assert_best(row, token, allowed=None):
    """A token is the best of those allowed, or as good as the best."""
    assert row[token] > max(row if allowed is None else row[allowed]) - NEAR_TIE


def assert_same_logprob(ours, expected, *, tokens):
    """Two sums over so many tokens, each of logits that may be off by half of a near tie."""
    assert ours == pytest.approx(expected, abs=NEAR_TIE * tokens)


def assert_same_run(run, expected, prompt, judge):
    """Two runs wrote the same, unless they parted at a near tie; `judge` decides that."""
    if run.token_ids == expected.token_ids and run.finish == expected.finish:
        assert run.text == expected.text
        tokens = 1 + len(run.token_ids)
        assert run.logprob == pytest.approx(expected.logprob, abs=2 * ESTIMATE * tokens)
        return
    pairs = zip(run.token_ids, expected.token_ids, strict=False)
    common = next((n for n, (ours, theirs) in enumerate(pairs) if ours != theirs), None)
    if common is None:
        common = min(len(run.token_ids), len(expected.token_ids))
    row = judge.logits([*prompt, *expected.token_ids[:common]])[-1]
    ours, theirs = (_logit(row, it, common, judge) for it in (run, expected))
    assert abs(ours - theirs) < NEAR_TIE


def _logit(row, run, place, judge):
    """Return the logit of what was chosen at a place: a token, or one that ends the answer."""
    if place < len(run.token_ids):
        return row[run.token_ids[place]]
    assert run.finish == "eos"
    return max(row[sorted(judge.ends)])
