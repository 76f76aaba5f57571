"""Gradient checkpointing: the same losses and gradients for less memory, from 7B on."""

from __future__ import annotations

from dataclasses import replace

import pytest

from homespun.models.weights.safetensors import SafetensorsSource
from homespun.training.dataset.examples import EncodedExample
from homespun.training.lora import model as lora
from homespun.training.lora.model import LoraModel
from homespun.training.lora.presets import CPU
from tests.support.tiny import save_tiny_qwen2

PRESET = replace(CPU, dtype="float32")
EXAMPLES = [EncodedExample([5 + n] * 6 + [40 + n] * 3 + [0], 6, str(n)) for n in range(3)]


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tiny")
    save_tiny_qwen2(folder)
    return SafetensorsSource(folder)


def learned_once(source, preset):
    """Return loss, gradients by name, and how often the first layer was computed."""
    model = LoraModel(source, preset, seed=3)
    computed = []
    first = model.model.base_model.model.model.layers[0].mlp
    first.register_forward_pre_hook(lambda *_: computed.append(1))
    loss = model.loss(EXAMPLES, 3.0)
    loss.backward()
    grads = {name: parameter.grad for name, parameter in model.parameters}
    return float(loss.detach()), grads, len(computed)


@pytest.mark.parametrize("row_tokens", [None, 32])
def test_losses_and_gradients_are_the_same_with_it(source, row_tokens):
    preset = replace(PRESET, row_tokens=row_tokens)
    loss, grads, times = learned_once(source, replace(preset, checkpointing=False))
    other_loss, other_grads, other_times = learned_once(source, replace(preset, checkpointing=True))
    assert (times, other_times) == (1, 2)  # on the way back it is computed again
    assert other_loss == loss
    assert grads.keys() == other_grads.keys()
    for name, grad in grads.items():
        assert grad is not None and bool((other_grads[name] == grad).all()), name
    assert any(bool(grad.any()) for grad in grads.values())


def test_it_is_taken_by_the_number_of_weights(source, monkeypatch):
    assert learned_once(source, PRESET)[2] == 1
    monkeypatch.setattr(lora, "CHECKPOINTED_WEIGHTS", 1_000)
    assert learned_once(source, PRESET)[2] == 2
    assert learned_once(source, replace(PRESET, checkpointing=False))[2] == 1


def test_scores_are_those_of_the_model_without_it(source):
    plain, again = (
        LoraModel(source, replace(PRESET, checkpointing=on), seed=3) for on in (False, True)
    )
    assert plain.logprobs(EXAMPLES) == again.logprobs(EXAMPLES)
