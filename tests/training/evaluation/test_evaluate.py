"""One evaluation from items to report, with fakes of the models: what was answered is kept."""

from __future__ import annotations

import pytest

from homespun.models.fakes import FakeGenerator
from homespun.server.options import CompletionOptions
from homespun.training.evaluation.evaluate import evaluate
from homespun.training.evaluation.inputs import EvaluationConfig
from homespun.training.evaluation.items import ItemConfig
from homespun.training.evaluation.report import PRIMARY
from homespun.training.evaluation.served_model import Opened

TASKS = 6
CONFIG = EvaluationConfig(
    arms=PRIMARY, items=ItemConfig(items=2), infilling_tasks=TASKS, with_linter=False
)


class Ended(Exception):
    """In place of a process that is killed."""


def told(answered, ends_at=None):
    """A model that notes each question, and ends with the one of a number."""

    def says(prompt):
        if len(answered) == ends_at:
            raise Ended
        answered.append(prompt)
        return "return 1\n"

    return FakeGenerator(says)


def test_an_evaluation_that_was_ended_in_its_last_part_asks_nothing_again(scratch, tmp_path):
    first = scratch.commit("begin", other="x = 1\n")
    scratch.commit("shop", shop="def weigh(parcel):\n    return parcel.weight\n" * 3)

    def run(answered, ends_at=None):
        model = told(answered, ends_at)
        opened = {name: Opened(name, name, model) for name in ("general", "repository")}
        return evaluate(
            scratch.folder,
            since=first,
            options=CompletionOptions(),
            config=CONFIG,
            cache=tmp_path / "answers.jsonl",
            opened=opened,
        ).report

    answered = []
    with pytest.raises(Ended):
        run(answered, ends_at=8)
    done = run(answered)
    assert len(answered) == len({tuple(prompt) for prompt in answered}) * 2  # each model, once
    again = []
    assert run(again).infilling.to_json() == done.infilling.to_json()
    assert again == []
    assert [len(arm.answers) for arm in done.infilling.arms] == [TASKS, TASKS]
