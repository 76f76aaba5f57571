"""`train` in several processes: ours, and those that torchrun's agent starts."""

from __future__ import annotations

import multiprocessing
import sys

import pytest

from homespun.models.adapters.registry import Registry
from tests.support import small_house, train_small, warm_start
from tests.support.kept_training import gone_on, losses
from tests.support.train_small import Spoken, options

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="several GPUs need Linux")


def test_a_training_in_two_processes_ends_as_one_in_one(trained, workspace, model, monkeypatch):
    told = Spoken()
    warm_start.instead_of_spawned(monkeypatch)
    two = gone_on(trained, workspace, options(model, gpus=2), after="dataset", progress=told)
    steps, checks = losses(trained.workspace, trained.done.adapter)
    # Two halves of a batch are padded and rounded otherwise than the whole.
    assert losses(workspace, two.adapter) == (
        pytest.approx(steps, rel=0.05),
        [[step, pytest.approx(loss, rel=0.05)] for step, loss in checks],
    )
    assert any("learning takes about" in sentence for sentence in told.said)
    (adapter,) = Registry(workspace).adapters()
    Registry(workspace).check(adapter, everything=True)


def test_two_processes_of_torchrun_learn_what_one_learns_alone(trained, workspace, model, tmp_path):
    told = warm_start.by_torchrun(train_small.train_here, workspace, model, logs=tmp_path / "logs")
    two = told[0]
    assert told == {0: two, 1: two}  # the first one's word
    assert two["adapter"] == trained.done.adapter
    steps, checks = losses(trained.workspace, trained.done.adapter)
    assert losses(workspace, two["adapter"]) == (
        pytest.approx(steps, rel=0.05),
        [[step, pytest.approx(loss, rel=0.05)] for step, loss in checks],
    )
    (adapter,) = Registry(workspace).adapters()
    Registry(workspace).check(adapter, everything=True)


def test_what_the_first_process_of_torchrun_refuses_ends_the_others(scratch, model, tmp_path):
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError

    small_house.build(scratch, modules=3, later=6, functions=2)
    with pytest.raises(ChildFailedError, match="TooLittleCode: |FirstProcessFailed: "):
        warm_start.by_torchrun(train_small.train_here, scratch.folder, model, logs=tmp_path)
    assert not multiprocessing.active_children()
