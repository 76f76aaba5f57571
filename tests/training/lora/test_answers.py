"""Many answers behind one prompt: the numbers are those of each one by itself."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from homespun.models.weights.safetensors import SafetensorsSource
from homespun.training.dataset.examples import EncodedExample
from homespun.training.lora import answers
from homespun.training.lora.answers import answer_logprobs, written_behind
from homespun.training.lora.model import LoraModel
from homespun.training.lora.presets import CPU
from tests.support.tiny import save_tiny_qwen2

PROMPT = [5, 6, 7, 8, 9, 10, 11]
ANSWERS = [[40, 41, 42], [40], [90, 41, 7, 7, 7, 7, 7, 7, 7, 200], [1, 2], [40, 41, 43]]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tiny")
    save_tiny_qwen2(folder)
    found = LoraModel(SafetensorsSource(folder), replace(CPU, dtype="float32"))
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for _, parameter in found.parameters:
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.1)
    return found


def one_by_one(model):
    examples = [EncodedExample([*PROMPT, *answer], len(PROMPT)) for answer in ANSWERS]
    return [model.logprobs([example])[0] for example in examples]


def test_answers_that_share_a_prompt_are_as_likely_as_alone(model, monkeypatch):
    monkeypatch.setattr(answers, "_AT_ONCE", 2)
    found = answer_logprobs(model, PROMPT, ANSWERS)
    assert model.model.training  # so it can go on learning
    assert found == pytest.approx(one_by_one(model), abs=1e-4)
    with model.without_adapter():
        before = answer_logprobs(model, PROMPT, ANSWERS)
        assert before == pytest.approx(one_by_one(model), abs=1e-4)
    assert before != pytest.approx(found, abs=1e-2)


def test_what_is_written_greedily_is_the_likeliest_each_time(model):
    greedy, *sampled = written_behind(model, PROMPT, samples=3, most_tokens=6, seed=0)
    ids = list(PROMPT)
    model.model.eval()
    with torch.no_grad():
        for token in greedy:
            assert int(model.model(torch.tensor([ids])).logits[0, -1].argmax()) == token
            ids.append(token)
    model.model.train()
    assert len(sampled) == 3 and all(len(ids) == 6 for ids in sampled)
    assert len({tuple(ids) for ids in (greedy, *sampled)}) > 1
    again = written_behind(model, PROMPT, samples=3, most_tokens=6, seed=0)
    assert [greedy, *sampled] == again
    assert written_behind(model, PROMPT, samples=3, most_tokens=6, seed=1) != again
