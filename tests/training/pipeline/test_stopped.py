"""`train_until` ends behind a stage, and the run that goes on ends as one in one go."""

from __future__ import annotations

from functools import partial

from homespun.cli.verbs import train as verb
from homespun.models.adapters.registry import Registry
from homespun.training.pipeline.stages import STAGES
from homespun.training.pipeline.train import train, train_until
from tests.support.kept_training import gone_on, losses
from tests.support.train_small import COMPLETION, Spoken, options


def test_a_run_that_stopped_after_learning_goes_on_to_the_same_adapter(trained, workspace, model):
    until = partial(train_until, "learning")
    stopped = gone_on(trained, workspace, options(model), after="dataset", by=until)
    assert stopped.to_json()["stopped_after"] == "learning"
    assert "homespun train --resume" in stopped.sentence
    assert not Registry(workspace).adapters()
    assert (stopped.folder / "draft" / "adapter_model.safetensors").is_file()
    assert not (stopped.folder / "evaluation.json").exists()
    again = train_until("learning", workspace, resume=True, completion=COMPLETION)
    assert again.to_json() == stopped.to_json()  # nothing is done twice
    told = Spoken()
    done = train(workspace, completion=COMPLETION, resume=True, progress=told)
    assert f"going on with {stopped.run} at: evaluation" in told.said
    assert losses(workspace, done.adapter) == losses(trained.workspace, trained.done.adapter)
    ours, theirs = (
        (
            folder / ".homespun" / "adapters" / done.adapter / "adapter_model.safetensors"
        ).read_bytes()
        for folder in (workspace, trained.workspace)
    )
    assert ours == theirs
    assert done.verdict.outcome == trained.done.verdict.outcome
    assert [condition.name for condition in done.verdict.conditions] == [
        condition.name for condition in trained.done.verdict.conditions
    ]


def test_the_command_names_all_stages_but_the_last():
    assert [stage.name for stage in STAGES[:-1]] == list(verb.STAGES)
