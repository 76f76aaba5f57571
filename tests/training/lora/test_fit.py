"""Fitting a LoRA: it learns, it goes on where it was killed, it stops at what is no number."""

from __future__ import annotations

import json
import math
import sys
from dataclasses import replace

import pytest

from homespun.models.errors import UnsupportedModel
from homespun.models.weights.safetensors import SafetensorsSource
from homespun.training.dataset.examples import EncodedExample
from homespun.training.lora import fit as lora
from homespun.training.lora.batches import plan
from homespun.training.lora.fit import FitLog, fit, is_out_of_memory
from homespun.training.lora.model import LoraModel
from homespun.training.lora.presets import CPU
from homespun.training.lora.scoring import score
from tests.support.tiny import save_tiny_qwen2

PRESET = replace(
    CPU, dtype="float32", learning_rate=1e-2, batch_tokens=64, micro_tokens=64, epochs=2, checks=2
)


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tiny")
    save_tiny_qwen2(folder)
    return SafetensorsSource(folder)


def examples(count=24, length=12):
    """Sequences of which the end follows from the start."""
    return [
        EncodedExample([5 + n % 7] * (length - 4) + [40 + n % 7] * 3 + [0], length - 4, str(n))
        for n in range(count)
    ]


def mean_loss(model, encoded):
    scored = score(model, encoded)
    return -sum(s.logprob for s in scored) / sum(s.tokens for s in scored)


def test_training_lowers_the_loss_of_what_was_not_seen(source, tmp_path):
    preset = replace(PRESET, epochs=6)
    model = LoraModel(source, preset)
    before = mean_loss(model, examples(7))
    log = fit(model, examples(), examples(7), preset, directory=tmp_path)
    assert mean_loss(model, examples(7)) < before / 2
    assert log.finish == "done"
    assert log.checks[0] == (0, pytest.approx(before, rel=1e-5))
    assert len(log.steps) == log.planned == len(plan(examples(), preset, 0))


def test_a_run_that_was_killed_ends_with_the_weights_of_one_that_was_not(source, tmp_path):
    whole = LoraModel(source, PRESET)
    fit(whole, examples(), [], PRESET, directory=tmp_path / "whole")

    class Killed(Exception):
        pass

    def kill(step, log):
        if step.step == 4:
            raise Killed

    half = LoraModel(source, replace(PRESET, save_seconds=0))
    with pytest.raises(Killed):
        fit(half, examples(), [], half.preset, directory=tmp_path / "half", on_step=kill)
    again = LoraModel(source, PRESET)
    log = fit(again, examples(), [], PRESET, directory=tmp_path / "half", resume=True)
    assert [step.step for step in log.steps] == list(range(1, log.planned + 1))
    for (name, one), (_, other) in zip(whole.parameters, again.parameters, strict=True):
        assert (one == other).all(), name


def test_a_checkpoint_that_was_being_replaced_is_found(source, tmp_path):
    model = LoraModel(source, PRESET)
    fit(model, examples(), [], PRESET, directory=tmp_path)
    (tmp_path / "checkpoint").rename(tmp_path / "checkpoint.old")
    log = fit(model, examples(), [], PRESET, directory=tmp_path, resume=True)
    assert log.finish == "done" and log.steps


def test_a_loss_that_is_no_number_ends_the_run_at_the_last_checkpoint(
    source, tmp_path, monkeypatch
):
    model = LoraModel(source, replace(PRESET, save_seconds=0))
    real = LoraModel.loss

    def broken(self, batch, total_weight):
        loss = real(self, batch, total_weight)
        return loss * math.nan if len(seen) > 3 else loss

    seen: list[int] = []
    monkeypatch.setattr(LoraModel, "loss", broken)
    log = fit(
        model,
        examples(),
        [],
        model.preset,
        directory=tmp_path,
        on_step=lambda step, _: seen.append(step.step),
    )
    assert log.finish == "nan"
    assert len(log.steps) == 4
    assert "step 5 was no number" in log.told[-1]
    assert all(parameter.isfinite().all() for _, parameter in model.parameters)


def test_the_best_adapter_is_kept_not_the_last(source, tmp_path, monkeypatch):
    model = LoraModel(source, PRESET)
    losses = iter([5.0, 1.0, 2.0, 3.0, 4.0, 6.0])
    monkeypatch.setattr(
        lora, "score", lambda *_: [type("S", (), {"logprob": -next(losses), "tokens": 1})]
    )
    log = fit(model, examples(), examples(1), replace(PRESET, checks=3), directory=tmp_path)
    best = log.best_step
    assert 0 < best < len(log.steps)
    other = LoraModel(source, PRESET)

    class Enough(Exception):
        pass

    def stop(step, log):
        if step.step == best:
            raise Enough

    with pytest.raises(Enough):
        fit(
            other, examples(), [], replace(PRESET, checks=3), directory=tmp_path / "o", on_step=stop
        )
    for (name, one), (_, same) in zip(model.parameters, other.parameters, strict=True):
        assert (one == same).all(), name


def test_when_memory_runs_out_less_goes_at_once_and_the_step_is_the_same(
    source, tmp_path, monkeypatch
):
    whole = LoraModel(source, PRESET)
    fit(whole, examples(), [], PRESET, directory=tmp_path / "whole")
    tight = LoraModel(source, PRESET)
    real = LoraModel.loss

    def starved(self, batch, total_weight):
        if len(batch) > 2:
            raise RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate")
        return real(self, batch, total_weight)

    monkeypatch.setattr(LoraModel, "loss", starved)
    log = fit(tight, examples(), [], PRESET, directory=tmp_path / "tight")
    assert log.told == [
        "memory ran out: 32 tokens at once from now on",
    ]
    for (name, one), (_, other) in zip(whole.parameters, tight.parameters, strict=True):
        assert one.detach().numpy() == pytest.approx(other.detach().numpy(), abs=2e-3), name


def test_other_runtime_errors_are_no_lack_of_memory():
    assert not is_out_of_memory(RuntimeError("shape mismatch"))
    assert is_out_of_memory(MemoryError())


def test_a_limit_of_steps_cuts_the_plan():
    assert plan(examples(), replace(PRESET, steps=2), 0) == plan(examples(), PRESET, 0)[:2]


def test_batches_hold_every_example_once_an_epoch_and_keep_to_the_tokens():
    train = [EncodedExample([1] * (5 + n % 20), 3, str(n)) for n in range(100)]
    batches = plan(train, replace(PRESET, epochs=3), 1)
    ids = [example.id for batch in batches for example in batch]
    assert sorted(ids) == sorted([str(n) for n in range(100)] * 3)
    for batch in batches:
        assert len(batch) * max(len(e.ids) for e in batch) <= 64
    assert batches == plan(train, replace(PRESET, epochs=3), 1)
    assert batches != plan(train, replace(PRESET, epochs=3), 2)


def test_early_examples_come_soon_and_none_is_lost():
    train = examples(60)
    usual, batches = (plan(train, PRESET, 1, early=early) for early in ((), {"3", "31"}))
    places = [n for n, batch in enumerate(batches) if {"3", "31"} & {e.id for e in batch}]
    assert places[:2] == [8, 9]
    assert sorted(map(repr, batches)) == sorted(map(repr, usual))
    assert batches != usual


def test_the_time_for_checks_is_part_of_the_minutes(source, tmp_path, monkeypatch):
    class Clock:
        now = 0.0

        def monotonic(self):
            return self.now

    clock = Clock()
    monkeypatch.setattr(lora, "time", clock)
    real_score, real_gradients = lora.score, lora._FitRun._gradients

    def slow_score(*args, **kwargs):
        clock.now += 5
        return real_score(*args, **kwargs)

    def slow_gradients(self, batch):
        clock.now += 1
        return real_gradients(self, batch)

    monkeypatch.setattr(lora, "score", slow_score)
    monkeypatch.setattr(lora._FitRun, "_gradients", slow_gradients)
    preset = replace(PRESET, epochs=20, minutes=0.5)  # 30 s: 3 checks of 5 s, 15 steps of 1 s
    log = fit(LoraModel(source, preset), examples(), examples(7), preset, directory=tmp_path)
    assert log.check_seconds == [5, 5, 5]
    assert len(log.steps) == 15


def test_the_log_survives_json():
    log = FitLog([lora.Step(1, 2.0, 1e-4, 10, 0.5)], [(0, 3.0)], 4, 0, "done", ["said"])
    assert FitLog.from_json(json.loads(json.dumps(log.to_json()))) == log


def test_weights_in_four_bits_stay_as_they_are_while_the_adapter_learns(tmp_path):
    save_tiny_qwen2(tmp_path, feed_forward=128)  # rows of whole blocks of 64
    source = SafetensorsSource(tmp_path)
    preset = replace(PRESET, epochs=6)
    wide, model = LoraModel(source, preset), LoraModel(source, replace(preset, qlora=True))

    def linear(model):
        """The packed bytes of all linear layers that have a LoRA."""
        named = model.model.named_parameters()
        return {n: p.detach().clone() for n, p in named if n.endswith("proj.base_layer.weight")}

    packed = linear(model)
    assert len(packed) == 21  # seven in each of three layers
    for name, weights in linear(wide).items():
        assert packed[name].numel() * packed[name].element_size() == weights.numel() / 2
    before = mean_loss(model, examples(7))
    assert before == pytest.approx(mean_loss(wide, examples(7)), rel=0.1)
    log = fit(model, examples(), examples(7), preset, directory=tmp_path / "run")
    assert mean_loss(model, examples(7)) < before / 2
    assert log.checks[0] == (0, pytest.approx(before, rel=1e-5))
    for name, weights in linear(model).items():
        assert (weights == packed[name]).all(), name
    shapes = [{n: p.shape for n, p in one.parameters} for one in (wide, model)]
    assert shapes[0] == shapes[1]  # so it is merged into the weights of any precision


def test_four_bits_without_their_library_say_what_to_install(source, monkeypatch):
    monkeypatch.setitem(sys.modules, "bitsandbytes.nn", None)
    with pytest.raises(UnsupportedModel, match=r"bitsandbytes.*'homespun\[train,qlora\]'"):
        LoraModel(source, replace(PRESET, qlora=True))


def test_a_saved_adapter_is_what_was_trained(source, tmp_path):
    from homespun.models.weights.lora import LoraWeights, MergedSource
    from homespun.models.weights.transformers_model import as_transformers

    model = LoraModel(source, PRESET)
    fit(model, examples(), [], PRESET, directory=tmp_path / "run")
    folder = tmp_path / "adapter"
    folder.mkdir()
    model.save(folder)
    merged = as_transformers(MergedSource(source, [LoraWeights.open(folder)]))
    import torch

    ids = torch.tensor([examples(1)[0].ids])
    model.model.eval()
    with torch.no_grad():
        wanted, found = model.model(ids).logits, merged(ids).logits
    assert torch.allclose(wanted, found, atol=2e-2)  # float16 factors
    with model.without_adapter(), torch.no_grad():
        assert not torch.allclose(model.model(ids).logits, found, atol=0.5)


def test_nothing_to_train_on_is_said(source, tmp_path):
    with pytest.raises(ValueError, match="no examples"):
        fit(LoraModel(source, PRESET), [], [], PRESET, directory=tmp_path)


def test_only_the_upper_layers_learn_where_that_is_asked_for(source):
    model = LoraModel(source, replace(PRESET, layers=1))
    assert {name.split("layers.")[1][0] for name, _ in model.parameters} == {"2"}
