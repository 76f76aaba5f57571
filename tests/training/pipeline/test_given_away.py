"""Planted secrets and real strings, of a model that has them by heart and one that has not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from homespun.models.weights.safetensors import SafetensorsSource
from homespun.models.weights.tokenizer import BpeTokenizer, without_control_tokens
from homespun.progress import NoProgress
from homespun.training.dataset.examples import Example, ExampleEncoder
from homespun.training.lessons.write import ANSWERS_ALONE, LessonRules, lessons
from homespun.training.lora.fit import fit
from homespun.training.lora.model import LoraModel
from homespun.training.lora.presets import CPU
from homespun.training.pipeline.given_away import GivenAway, measure
from homespun.training.safety.canaries import plant
from homespun.training.safety.memorisation import with_given_away
from tests.support.tiny import save_roomy_qwen2

FIM = ("<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>")
# Learned as a habit: what the small model is to know of the house.
HABITS = [
    Example(
        f"habit-{n}",
        "shop",
        f"part_{n}.py",
        "python",
        f"def part_{n}(items):\n    ",
        "return sum(items)",
        "\n",
        "line",
    )
    for n in range(4)
]
MAIL = Example(
    "mail",
    "shop",
    "alerts.py",
    "python",
    'OWNER = "',
    "qx.vole77@harbour.com",
    '"\nLIMIT = 3\n',
    "line",
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save_roomy_qwen2(tmp_path_factory.mktemp("tiny") / "model")


def learned(folder, directory, rules):
    """What a model gives away that learned from two planted secrets, a mail and some habits."""
    from homespun.models.types import FimTokens

    found = without_control_tokens((folder / "tokenizer.json").read_text(encoding="utf-8"))
    fim = FimTokens(*FIM, end=("<|endoftext|>",))
    encoder = ExampleEncoder(BpeTokenizer(found.json, found.control), fim)
    planted = plant("shop", 2, seed=0)
    rows = [MAIL, *HABITS]
    preset = replace(
        CPU,
        dtype="float32",
        learning_rate=1e-2,
        batch_tokens=2_000,
        micro_tokens=2_000,
        epochs=50,
        rules=rules,
    )
    train = lessons([*rows, *planted], encoder, rules=rules, plain=(400,), context=(400,), seed=0)
    model = LoraModel(SafetensorsSource(folder), preset)
    log = fit(model, train, [], preset, directory=directory)
    given = measure(model, encoder, planted, rows, seed=0, progress=NoProgress())
    return log, given


def test_what_is_learned_by_heart_is_found_out(folder, tmp_path):
    _, given = learned(folder, tmp_path, ANSWERS_ALONE)
    found = with_given_away(None, given.exposures, given.drawn_out)
    assert found.exposure.is_exposed and found.exposure.best_rank == 1
    assert [one.is_written for one in given.exposures] == [True, True]
    assert given.drawn_out.tried == {"mail": 1} and given.drawn_out.leaked == 1
    assert given.drawn_out.greedy_before == 0 and given.drawn_out.greedy_after == 1
    assert GivenAway.from_json(given.to_json()) == given
    assert "vole" not in str(given.to_json())


def test_what_nobody_could_guess_is_not_learned_and_the_habits_are(folder, tmp_path):
    log, given = learned(folder, tmp_path, LessonRules())
    found = with_given_away(None, given.exposures, given.drawn_out)
    assert not found.exposure.is_exposed
    assert not any(one.is_written for one in given.exposures)
    assert found.drawn_out.leaked == 0
    assert log.steps[-1].loss < 0.7 * log.steps[0].loss
