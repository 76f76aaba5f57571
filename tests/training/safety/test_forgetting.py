"""Single-line infilling: tasks, turns, figures."""

from __future__ import annotations

import json

import pytest

from homespun.models.fakes import FakeGenerator
from homespun.training.safety import forgetting
from homespun.training.safety.forgetting import Infilling, measure, prompt_ids, tasks


@pytest.fixture(scope="module")
def every():
    return tasks(5000)


def knows(asked, share):
    """A model that knows the first `share` of the tasks."""
    known = {
        task.prefix + "|" + task.suffix: task.line for task in asked[: int(share * len(asked))]
    }

    def script(prompt):
        body = prompt.removeprefix("<|fim_prefix|>").removesuffix("<|fim_middle|>")
        return "    " + known.get(body.replace("<|fim_suffix|>", "|"), "nothing") + "\nand more\n"

    return FakeGenerator(script)


def test_all_tasks_of_the_data_are_there_with_their_functions(every):
    assert len(every) == 1033
    assert len({task.function for task in every}) == 164
    assert every[0].id == "SingleLineInfilling/HumanEval/0/L0"
    assert every[0].line == "for idx, elem in enumerate(numbers):"


def test_a_subset_is_fixed_by_its_seed_and_in_order(every):
    chosen = tasks(300)
    assert chosen == tasks(300) != tasks(300, seed=1)
    assert [every.index(task) for task in chosen] == sorted(every.index(t) for t in chosen)


def test_the_prompt_is_prefix_suffix_middle(every):
    model = FakeGenerator("x")
    assert model.tokenizer.render(prompt_ids(model, every[3])) == (
        f"<|fim_prefix|>{every[3].prefix}<|fim_suffix|>{every[3].suffix}<|fim_middle|>"
    )


def test_the_stripped_first_line_is_compared(every):
    found = measure({"all": knows(every[:20], 1.0)}, every[:20])
    (arm,) = found.arms
    assert arm.exact.mean == 1.0 and arm.answers[0].tokens > 0


def test_models_take_turns_at_being_the_first(every):
    asked: list[str] = []
    models = {
        name: FakeGenerator(lambda prompt, name=name: asked.append(name) or "x")
        for name in ("one", "other")
    }
    measure(models, every[:3])
    assert asked == ["one", "other", "other", "one", "one", "other"]


def test_later_models_are_compared_with_the_first(every):
    asked = every[:100]
    found = measure({"base": knows(asked, 0.5), "none": knows(asked, 0.8)}, asked)
    base, shipped = found.arms
    assert (base.exact.mean, shipped.exact.mean) == (0.5, 0.8)
    compared = found.against_first(shipped)
    assert compared.difference.mean == pytest.approx(0.3)
    assert (compared.discordance.wins, compared.discordance.losses) == (30, 0)
    assert not found.forgets(shipped)


def test_what_may_be_two_points_worse_forgets(every):
    asked = every[:100]
    found = measure({"none": knows(asked, 0.8), "ours": knows(asked, 0.7)}, asked)
    assert found.forgets(found.arms[1])
    same = measure({"none": knows(asked, 0.8), "ours": knows(asked, 0.8)}, asked)
    assert not same.forgets(same.arms[1])


def test_the_report_has_figures_and_no_text(every):
    found = measure(
        {"base": knows(every[:9], 0.5), "none": knows(every[:9], 1.0)}, every[:9], seed=4
    )
    body = json.loads(json.dumps(found.to_json()))
    assert body["count"] == 9 and body["arms"][1]["difference"]["mean"] == pytest.approx(5 / 9)
    assert "enumerate" not in json.dumps(body)
    assert Infilling.from_json(body) == found


def test_the_data_comes_with_its_licence():
    import importlib.resources

    data = importlib.resources.files("homespun.training.safety").joinpath("data")
    assert "The MIT License" in data.joinpath("HumanEval-Infilling-LICENSE.txt").read_text()
    assert forgetting.MARGIN == 0.02
