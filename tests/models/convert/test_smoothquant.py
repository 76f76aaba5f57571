from __future__ import annotations

import numpy as np
import pytest

from homespun.models.convert.smoothquant import SmoothedSource
from homespun.models.weights.safetensors import SafetensorsSource


@pytest.fixture
def pair(tiny_qwen2):
    source = SafetensorsSource(tiny_qwen2[0])
    return source, SmoothedSource(source, source.tensor("embedding")[:60])


def test_norm_times_matrix_is_the_same_function(pair):
    source, smoothed = pair
    for layer in range(source.config.layers):
        for norm, matrices in (("attn_norm", "qkv"), ("ffn_norm", ("gate", "up"))):
            gain = source.tensor(f"{layer}.{norm}")
            new_gain = smoothed.tensor(f"{layer}.{norm}")
            assert not np.allclose(gain, new_gain)
            for part in matrices:
                before = source.tensor(f"{layer}.{part}") * gain
                after = smoothed.tensor(f"{layer}.{part}") * new_gain
                np.testing.assert_allclose(after, before, rtol=2e-5)


def test_the_text_runs_through_the_layers_as_in_transformers(pair, tiny_qwen2):
    """The stream after each layer is transformers' hidden state: same attention, same rotation."""
    import torch

    _, smoothed = pair
    with torch.no_grad():
        output = tiny_qwen2[1](torch.arange(60)[None], output_hidden_states=True)
    for layer in range(smoothed.config.layers - 1):  # the last state is normed in transformers
        smoothed.tensor(f"{layer}.o")
        expected = output.hidden_states[layer + 1][0].numpy()
        np.testing.assert_allclose(smoothed._stream, expected, rtol=1e-3, atol=1e-4)


def test_a_layer_that_has_passed_cannot_be_asked_for_again(pair):
    _, smoothed = pair
    smoothed.tensor("2.q")
    with pytest.raises(ValueError, match="after layer 2"):
        smoothed.tensor("0.q")
