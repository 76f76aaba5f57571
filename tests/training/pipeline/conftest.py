"""A small repository, a tiny model, and what a training on them leaves behind."""

from __future__ import annotations

import shutil

import pytest

from homespun.training import runs
from homespun.training.gate import gate
from homespun.training.pipeline.train import train
from tests.support import small_house
from tests.support.kept_training import Trained
from tests.support.scratch import Scratch
from tests.support.tiny import save_roomy_qwen2
from tests.support.train_small import COMPLETION, Spoken, options


@pytest.fixture(scope="session")
def model(tmp_path_factory):
    """A folder with a tiny random model that has room for whole prompts."""
    return save_roomy_qwen2(tmp_path_factory.mktemp("model") / "tiny")


@pytest.fixture(scope="session")
def house(tmp_path_factory):
    return small_house.build(Scratch(tmp_path_factory.mktemp("house") / "shop")).folder


@pytest.fixture(scope="session")
def trained(house, model, tmp_path_factory, _private_key):
    """One for all tests that only look at what came out, or go on from before the end."""
    workspace, home = tmp_path_factory.mktemp("trained") / "shop", tmp_path_factory.mktemp("home")
    shutil.copytree(house, workspace)
    (home / "machine.key").write_bytes(_private_key)
    told, unjudged, stages = Spoken(), home / "unjudged", {}

    def kept_before_it_is_judged(evidence):
        run = runs.unfinished(workspace)
        shutil.copytree(run.folder, unjudged)
        stages.update(run.stages)
        return gate.judge(evidence)

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOMESPUN_HOME", str(home))
        done = train(
            workspace,
            options(model),
            completion=COMPLETION,
            progress=told,
            judge=kept_before_it_is_judged,
        )
    return Trained(workspace, home, done, told, unjudged, stages)


@pytest.fixture
def workspace(house, tmp_path):
    """A copy of the repository that a test may train in."""
    shutil.copytree(house, tmp_path / "shop")
    return tmp_path / "shop"
