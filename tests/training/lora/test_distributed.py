"""Several processes learn together: what one learns alone; an error of any of them comes home."""

from __future__ import annotations

import json
import multiprocessing
import os
import sys
import time
from functools import partial

import pytest
from safetensors.numpy import load_file

from homespun.progress import NoProgress
from homespun.training.errors import TrainingFailed
from homespun.training.lora import distributed
from homespun.training.lora.distributed import (
    ProcessGroup,
    is_first_process,
    is_started_by_torchrun,
)
from homespun.training.lora.launch import run_together
from tests.support import together_small, warm_start
from tests.support.tiny import save_tiny_qwen2
from tests.support.together_small import TORCHRUN

# NCCL and Gloo find each other by the interface's name, and elsewhere it has another one.
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="several GPUs need Linux")


class Heard(NoProgress):
    """Keeps what was told."""

    def __init__(self):
        self.heard = []

    def start(self, stage, total, unit):
        self.heard.append((stage, total, unit))

    def say(self, sentence):
        self.heard.append(sentence)


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tiny")
    save_tiny_qwen2(folder)
    return folder


@pytest.fixture(scope="module")
def alone(source, tmp_path_factory):
    out = tmp_path_factory.mktemp("alone")
    together_small.learn(source, out, ProcessGroup(), NoProgress())
    return out


def by_two(work, folder, progress=None):
    progress = progress or NoProgress()
    run_together(work, 2, device="cpu", folder=folder, progress=progress)


def log_of(out):
    return json.loads((out / "fit" / "checkpoint" / "log.json").read_text())


def assert_same(one, other):
    """The same run but for the order in which numbers were added up."""
    first, second = log_of(one), log_of(other)
    assert [step["tokens"] for step in first["steps"]] == [s["tokens"] for s in second["steps"]]
    for name in ("loss", "learning_rate"):
        wanted = [step[name] for step in first["steps"]]
        assert [step[name] for step in second["steps"]] == pytest.approx(wanted, rel=1e-3)
    assert second["checks"] == [[n, pytest.approx(loss, rel=1e-3)] for n, loss in first["checks"]]
    wanted, found = (load_file(out / "adapter_model.safetensors") for out in (one, other))
    assert wanted.keys() == found.keys()
    for name, tensor in wanted.items():
        assert found[name] == pytest.approx(tensor, abs=2e-3), name


def test_two_processes_learn_what_one_learns_alone(source, alone, tmp_path):
    heard = Heard()
    work = partial(together_small.learn, source, tmp_path)
    by_two(work, tmp_path, heard)
    assert_same(alone, tmp_path)
    steps = len(log_of(alone)["steps"])
    told = [("training", steps, "steps"), *(f"step {n + 1}" for n in range(steps))]
    assert heard.heard == told
    assert {path.name for path in tmp_path.iterdir()} == {
        "fit",
        "adapter_config.json",
        "adapter_model.safetensors",
    }


def test_two_processes_go_on_where_they_were_ended(source, alone, tmp_path, monkeypatch):
    ended = partial(together_small.learn, source, tmp_path, kill_after=5)
    warm_start.instead_of_spawned(monkeypatch)
    with pytest.raises(together_small.Killed):
        by_two(ended, tmp_path)
    assert len(log_of(tmp_path)["steps"]) < 5 < len(log_of(alone)["steps"])
    heard = Heard()
    work = partial(together_small.learn, source, tmp_path)
    by_two(work, tmp_path, heard)
    assert heard.heard[1] == "step 5"  # the last step was not saved yet
    assert_same(alone, tmp_path)


def test_an_error_in_one_process_is_raised_as_it_is_and_ends_the_others(tmp_path):
    with pytest.raises(TrainingFailed, match="^the second has failed$"):
        by_two(together_small.fail_in_the_second, tmp_path)
    assert not multiprocessing.active_children()
    assert not list(tmp_path.iterdir())


def test_a_process_that_is_killed_is_told_in_one_sentence(tmp_path):
    with pytest.raises(
        TrainingFailed, match="one of 2 learning processes ended: .*SIGKILL; .*--resume"
    ):
        by_two(together_small.die_in_the_second, tmp_path)
    assert not multiprocessing.active_children()


class LateListener(NoProgress):
    """Hears what is said when all processes have ended, as on a machine that is busy."""

    def say(self, sentence):
        end = time.monotonic() + 120
        while multiprocessing.active_children() and time.monotonic() < end:
            time.sleep(0.05)


def test_what_the_others_say_of_a_killed_process_is_not_taken_for_the_cause(tmp_path):
    with pytest.raises(TrainingFailed, match="processes ended: .*SIGKILL; .*--resume"):
        run_together(
            together_small.say_something_and_lose_the_second,
            2,
            device="cpu",
            folder=tmp_path,
            progress=LateListener(),
        )


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, True),
        ({"WORLD_SIZE": "1"}, False),
        *(({name: ""}, False) for name in ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")),
        # One process a machine: PyTorchJob of Kubernetes says nothing of the machine.
        *(({name: ""}, True) for name in ("LOCAL_RANK", "LOCAL_WORLD_SIZE")),
    ],
)
def test_all_variables_of_torchrun_together_say_that_it_started_us(changes, expected):
    assert is_started_by_torchrun(TORCHRUN | changes) is expected


@pytest.fixture
def opened(monkeypatch):
    """What accelerate would be asked to open, in place of a group."""
    asked = []

    class State:
        process_index, num_processes = 1, 2
        destroy_process_group = staticmethod(lambda: None)

    def open_none(here, device, **how):
        asked.append((here, device))
        return State()

    monkeypatch.setattr(distributed, "_opened", open_none)
    monkeypatch.setattr("torch.distributed.new_group", lambda **how: None)
    for name in (*TORCHRUN, "GLOO_SOCKET_IFNAME", "NCCL_SOCKET_IFNAME"):
        monkeypatch.setenv(name, "")  # so that what is set is undone
        monkeypatch.delenv(name)
    return asked


@pytest.mark.parametrize(
    ("changes", "here", "is_on_loopback"),
    [
        ({}, 2, True),
        ({"MASTER_ADDR": "gpu-1"}, 2, True),  # all are on this machine, whatever it is called
        ({"LOCAL_WORLD_SIZE": "1", "MASTER_ADDR": "gpu-1"}, 1, False),
        ({"LOCAL_WORLD_SIZE": "", "LOCAL_RANK": "", "MASTER_ADDR": "10.0.0.7"}, 1, False),
        ({"LOCAL_WORLD_SIZE": "1"}, 1, True),  # two nodes that meet on this machine
        ({"LOCAL_WORLD_SIZE": "1", "MASTER_ADDR": "localhost"}, 1, True),
    ],
)
def test_only_several_machines_are_heard_on_the_network(
    opened, monkeypatch, changes, here, is_on_loopback
):
    for name, value in (TORCHRUN | changes).items():
        monkeypatch.setenv(name, value)
    assert ProcessGroup.of_torchrun("cpu").rank == 1
    assert opened == [(here, "cpu")]
    assert (os.environ.get("GLOO_SOCKET_IFNAME") == "lo") is is_on_loopback
    assert os.environ["LOCAL_RANK"].isdecimal()


@pytest.mark.parametrize("changes", [{"RANK": "2"}, {"LOCAL_WORLD_SIZE": "3"}])
def test_variables_that_cannot_be_together_are_refused(opened, monkeypatch, changes):
    for name, value in (TORCHRUN | changes).items():
        monkeypatch.setenv(name, value)
    with pytest.raises(TrainingFailed, match="cannot be together; leave them to torchrun"):
        ProcessGroup.of_torchrun("cpu")


def test_a_process_of_an_mpi_job_is_alone(monkeypatch):
    monkeypatch.setenv("OMPI_COMM_WORLD_SIZE", "2")
    monkeypatch.setenv("LOCAL_RANK", "0")
    assert is_first_process()
    assert ProcessGroup().agreed("alone") == "alone"


def test_a_rank_that_is_no_number_is_named(monkeypatch):
    for name, value in (TORCHRUN | {"RANK": "first"}).items():
        monkeypatch.setenv(name, value)
    with pytest.raises(TrainingFailed, match="RANK='first' is no number"):
        is_first_process()
