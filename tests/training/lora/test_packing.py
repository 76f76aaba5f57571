"""Several examples in a row, several holes in one example: the same numbers as one by one."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
import torch

from homespun.models.weights.safetensors import SafetensorsSource
from homespun.training.dataset.examples import EncodedExample
from homespun.training.lessons.strands import Weighed, as_one
from homespun.training.lora import head_loss
from homespun.training.lora.batches import cut, plan
from homespun.training.lora.fit import fit
from homespun.training.lora.head_loss import head_losses
from homespun.training.lora.model import LoraModel, example_weight, learned_tokens
from homespun.training.lora.packing import packed
from homespun.training.lora.presets import CPU
from homespun.training.lora.truncation import is_guessable
from tests.support.tiny import save_tiny_qwen2

ALONE = replace(CPU, dtype="float32", learning_rate=1e-2, batch_tokens=512, micro_tokens=512)
PACKED = replace(ALONE, row_tokens=192)


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tiny")
    save_tiny_qwen2(folder)
    return SafetensorsSource(folder)


def sequence(rng, start, *, learned, rare=()):
    """Some ids that begin as `start`; the last `learned` count one by one a little more."""
    ids = [*start, *(rng.randrange(5, 250) for _ in range(rng.randint(8, 20) + learned))]
    weights = [0.0] * (len(ids) - learned) + [0.1 * (n + 1) for n in range(learned)]
    words = [-1] * len(ids)
    for number, place in enumerate(rare):
        words[place] = number
    return Weighed(ids, weights, words, hole=len(ids) - learned)


def holes(seed=0, count=4):
    """One prompt's holes: the first sequence, and others that leave it at some place."""
    rng = random.Random(seed)
    first = sequence(rng, [], learned=5)
    first.ids += [rng.randrange(5, 250) for _ in range(30)]
    first.weights += [0.3] * 30
    first.rare += [-1] * 30
    cuts = [rng.randrange(4, 40) for _ in range(count - 1)]
    others = [sequence(rng, first.ids[:place], learned=4) for place in [*cuts, cuts[0]]]
    # One learns the first id behind what it shares, too.
    others[0].weights[cuts[0] :] = [0.5] * (len(others[0].ids) - cuts[0])
    return [first, *others]


def example(weighed, name="x"):
    return EncodedExample(
        weighed.ids, weighed.hole, name, tuple(weighed.weights), tuple(weighed.rare)
    )


def gradients(model, batch):
    """The loss, and the gradient of each factor."""
    for _, parameter in model.parameters:
        parameter.grad = None
    # At first one factor is zero, and hides what reaches the other.
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, parameter in model.parameters:
            if "lora_B" in name:
                parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.05)
    loss = model.loss(batch, 3.0)
    loss.backward()
    return float(loss.detach()), {n: p.grad.clone() for n, p in model.parameters}


def assert_same(one, other):
    assert one[0] == pytest.approx(other[0], rel=1e-4)
    for name, gradient in one[1].items():
        assert torch.allclose(gradient, other[1][name], atol=1e-4), name


def test_a_packed_batch_gives_the_gradients_of_its_examples(source):
    rng = random.Random(3)
    batch = [example(sequence(rng, [], learned=4), str(n)) for n in range(9)]
    assert packed(batch, row_tokens=192).ids.shape[0] < 9
    assert_same(
        gradients(LoraModel(source, ALONE), batch), gradients(LoraModel(source, PACKED), batch)
    )


@pytest.mark.parametrize("seed", range(3))
def test_several_holes_of_a_prompt_give_the_gradients_of_each_by_itself(source, seed):
    parts = holes(seed)
    one = as_one(parts, "all")
    assert len(one.ids) < sum(len(part.ids) for part in parts)
    assert learned_tokens(one) == sum(sum(w > 0 for w in part.weights) for part in parts)
    alone = gradients(LoraModel(source, ALONE), [example(part) for part in parts])
    assert_same(alone, gradients(LoraModel(source, ALONE), [one]))
    other = example(sequence(random.Random(9), [], learned=3))
    together = gradients(LoraModel(source, PACKED), [other, one])
    assert_same(gradients(LoraModel(source, ALONE), [other, *map(example, parts)]), together)


def test_rows_are_as_long_as_leaves_the_least_padding():
    batch = [EncodedExample([5] * 100, 90) for _ in range(3)]
    assert packed(batch, row_tokens=192).ids.shape == (2, 256)  # not three of 192
    assert packed(batch, row_tokens=64).ids.shape == (3, 128)
    assert packed(batch, row_tokens=320).ids.shape == (1, 320)


def test_what_teaches_nothing_is_left_out():
    parts = holes()
    parts[1].weights = [0.0] * len(parts[1].ids)
    one = as_one(parts[:2], "all")
    assert one.ids == parts[0].ids and one.strands == ()


def test_packed_batches_are_as_full_as_they_may_be_and_hold_everything_once():
    rng = random.Random(5)
    train = [example(sequence(rng, [], learned=3), str(n)) for n in range(60)]
    preset = replace(PACKED, epochs=1, batch_tokens=200)
    batches = plan(train, preset, 0)
    assert sorted(one.id for batch in batches for one in batch) == sorted(e.id for e in train)
    sizes = [sum(len(one.ids) for one in batch) for batch in batches]
    assert max(sizes) <= 200 and sum(sizes) > 0.8 * 200 * len(batches)
    assert batches != plan(train, preset, 1)
    assert [len(piece) for piece in cut(train[:4], 1, is_packed=True)] == [1, 1, 1, 1]


def test_a_model_learns_from_packed_holes(source, tmp_path):
    train = [as_one(holes(seed), str(seed)) for seed in range(4)]
    preset = replace(PACKED, epochs=8, checks=2)
    model = LoraModel(source, preset)
    total = sum(map(example_weight, train))
    with torch.no_grad():
        before = float(model.loss(train, total))
    log = fit(model, train, [], preset, directory=tmp_path)
    with torch.no_grad():
        assert float(model.loss(train, total)) < 0.8 * before
    assert log.steps[0].learned == sum(map(learned_tokens, train))


# --- the output layer


def test_chunks_of_the_output_layer_give_what_all_at_once_gives(monkeypatch):
    monkeypatch.setattr(head_loss, "_ROWS_AT_ONCE", 7)
    generator = torch.Generator().manual_seed(0)
    head = torch.nn.Linear(16, 50, bias=False).requires_grad_(False)
    hidden = torch.randn(30, 16, generator=generator, requires_grad=True)
    wanted = torch.randint(0, 50, (30,), generator=generator)
    weights = torch.rand(30, generator=generator)
    losses = torch.nn.functional.cross_entropy(head(hidden), wanted, reduction="none")
    (losses * weights).sum().backward()
    expected, hidden.grad = hidden.grad, None
    found = head_losses(hidden, head, wanted)
    assert torch.allclose(found, losses, atol=1e-5)
    (found * weights).sum().backward()
    assert torch.allclose(hidden.grad, expected, atol=1e-5)


def test_the_output_layer_keeps_nothing_where_nothing_is_learned():
    head = torch.nn.Linear(4, 9, bias=False).requires_grad_(False)
    found = head_losses(torch.randn(3, 4), head, torch.tensor([1, 2, 3]))
    assert found.grad_fn is None


# --- what cannot be guessed


def test_a_rare_token_above_its_cut_is_left_out_and_no_other():
    losses = torch.tensor([5.0, 5.0, 4.0, 9.0])
    words = torch.tensor([-1, 7, 8, -1])
    kept = is_guessable(losses, words, token_nats=4.6, word_nats=None)
    assert kept.tolist() == [True, False, True, True]


def test_a_rare_word_whose_tokens_lose_too_much_together_is_left_out():
    losses = torch.tensor([4.0, 4.0, 4.0, 4.0, 4.0, 4.0])
    words = torch.tensor([3, 3, 3, 9, 9, -1])
    kept = is_guessable(losses, words, token_nats=4.6, word_nats=11.5)
    assert kept.tolist() == [False, False, False, True, True, True]
    everything = is_guessable(losses, words, token_nats=None, word_nats=None)
    assert everything.all()


def test_a_word_that_stands_once_and_cannot_be_guessed_is_not_learned(source, tmp_path):
    """Six tokens follow six others: as a rare word, and as one that the repository has twice."""
    prompt, secret = [5, 6, 7, 8, 9, 10], [40, 90, 140, 190, 240, 41]
    habit = [60, 61, 62]
    ids = [*prompt, *secret, *habit]
    weights = (0.0,) * 6 + (1.0,) * 9
    rare = (-1,) * 6 + (0,) * 6 + (-1,) * 3
    # Loss truncation keeps a secret; without it the same steps learn it by heart.
    drops = {}
    for name, words in (("rare", rare), ("known", ())):
        model = LoraModel(source, replace(ALONE, epochs=30, warmup=0.0))
        train = [EncodedExample(ids, 6, "x", weights, words)]
        spoken = EncodedExample([*prompt, *secret], 6)
        behind = EncodedExample(ids, 12)
        before = model.logprobs([spoken, behind])
        fit(model, train, [], model.preset, directory=tmp_path / name)
        after = model.logprobs([spoken, behind])
        drops[name] = [now - then for then, now in zip(before, after, strict=True)]
    assert drops["known"][0] > 15 and drops["rare"][0] < 3
    assert drops["rare"][1] > 8  # what stands behind it is learned
