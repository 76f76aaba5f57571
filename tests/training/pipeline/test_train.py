"""`train` from a repository to a judged adapter, with a tiny model; killed, refused, starved."""

from __future__ import annotations

import json
import shutil
import sys
import time
from contextlib import contextmanager
from dataclasses import replace
from html import unescape

import pytest

from homespun.models.adapters.registry import Registry
from homespun.models.load import load_generator
from homespun.models.serve import served_folder
from homespun.training import runs
from homespun.training.errors import (
    LibrariesMissing,
    NothingToEvaluate,
    RunUnreadable,
    TooLittleCode,
    TrainingFailed,
    TrainingLocked,
    TrainingUnwritable,
)
from homespun.training.gate.verdict import GateVerdict
from homespun.training.lora.fit import FitLog
from homespun.training.pipeline import learn, stages
from homespun.training.pipeline.train import train
from tests.support import small_house, train_small, warm_start
from tests.support.kept_training import gone_on, losses
from tests.support.together_small import TORCHRUN
from tests.support.train_small import COMPLETION, Spoken, options

PROVEN = GateVerdict("promote", "It may serve.", ())


def child(workspace, model, *, resume=False, home):
    """Start a training in a process of its own."""
    environment = {"HOMESPUN_HOME": str(home)}
    return warm_start.started(
        train_small.train_here, workspace, model, resume, environment=environment
    )


def adapter_files(workspace, identifier):
    folder = workspace / ".homespun" / "adapters" / identifier
    return {
        name: (folder / name).read_bytes()
        for name in ("adapter_model.safetensors", "adapter_config.json", "data_card.json")
    }


def test_a_repository_becomes_a_judged_adapter_with_a_report(trained, model, monkeypatch):
    workspace, home, done, told, *_ = trained
    monkeypatch.setenv("HOMESPUN_HOME", str(home))
    assert done.verdict.outcome == "insufficient data"  # ten places to judge by
    (adapter,) = Registry(workspace).adapters()
    assert (adapter.id, adapter.state) == (done.adapter, "candidate")
    assert adapter.manifest["gate"]["headline"] == done.verdict.headline
    assert adapter.manifest["base"] == str(model)
    Registry(workspace).check(adapter, everything=True)
    kept = {path.name for path in adapter.directory.iterdir()}
    assert {"report.html", "evaluation.json", "data_card.json", "verdict.json"} <= kept
    page = done.report.read_text(encoding="utf-8")
    assert done.verdict.headline in page
    assert done.outcome in unescape(page)
    evaluation = json.loads((adapter.directory / "evaluation.json").read_text())
    assert evaluation["items"]["count"] == 10
    assert evaluation["primary"]["n"] == 10
    assert {len(row["scores"]) for row in evaluation["habits"]} == {2}
    assert all(score["forms"] is not None for score in evaluation["rows"][0]["scores"].values())
    assert any(said.startswith("an adapter is judged at 10 places and 6 hab") for said in told.said)
    assert any("examples of 36 files" in sentence for sentence in told.said)
    assert any("learning takes about" in sentence for sentence in told.said)
    # What a refused adapter cost on the disk is given back; what people read is kept.
    assert not list(served_folder(str(model)).glob("served-*/manifest.json"))
    assert not (done.folder / "fit").exists()
    assert (done.folder / "dataset" / "train.jsonl").is_file()
    with pytest.raises(RunUnreadable, match="no unfinished training"):
        train(workspace, options(model), completion=COMPLETION, resume=True)


def test_an_adapter_that_the_gate_lets_through_serves_and_can_be_taken_back(
    trained, workspace, model
):
    done = gone_on(trained, workspace, options(model), after="probes", judge=lambda _: PROVEN)
    assert done.is_champion
    assert Registry(workspace).champion().id == done.adapter
    serving = load_generator(str(model), adapter="champion", workspace=workspace)
    assert serving.adapter == done.adapter
    assert "homespun adapters rollback" in done.outcome
    assert Registry(workspace).rollback() is None


def test_a_candidate_stays_one_where_nobody_wants_it_promoted(trained, workspace, model):
    wanted = options(model, promote=False)
    done = gone_on(trained, workspace, wanted, after="probes", judge=lambda _: PROVEN)
    assert Registry(workspace).champion() is None
    assert f"homespun adapters promote {done.adapter}" in done.outcome


@pytest.mark.skipif(warm_start.METHOD != "forkserver", reason="nothing is forked here")
def test_what_a_killed_training_is_forked_from_has_run_nothing():
    process = warm_start.started(check_threads, environment={})
    process.join()
    assert process.exitcode == 0


def check_threads():
    assert warm_start.threads_of_parent() == 1


def killed_at(process, is_time):
    """Kill -9 as soon as `is_time()` says so; False when the process was done before."""
    while process.is_alive():
        if is_time():
            process.kill()
            process.join()
            return True
        time.sleep(0.01)
    return False


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9")
def test_a_run_that_was_killed_again_and_again_ends_as_one_that_was_not(
    trained, workspace, model, monkeypatch, tmp_path
):
    whole, home = trained.done.to_json(), tmp_path / "home"
    places = (trained.workspace, workspace)
    run = runs.training_folder(workspace) / "run-0001"

    def stage_is_done(stage):
        state = run / "state.json"
        return lambda: state.is_file() and f'"{stage}"' in state.read_text().partition("stages")[2]

    moments = (
        lambda: (run / "state.json").is_file(),
        stage_is_done("conventions"),
        lambda: (run / "fit" / "best").is_dir(),
        lambda: (run / "draft").is_dir(),
        lambda: (run / "answers.jsonl").is_file(),
        stage_is_done("evaluation"),
        stage_is_done("verdict"),
    )
    for number, moment in enumerate(moments):
        process = child(workspace, model, resume=number > 0, home=home)
        assert killed_at(process, moment), f"it ended before moment {number}"
    monkeypatch.setenv("HOMESPUN_HOME", str(home))
    done = train_small.train_here(workspace, model, resume=True)
    assert done["run"] == whole["run"] == "run-0001"
    assert done["adapter"] == whole["adapter"]
    assert [one.id for one in Registry(workspace).adapters()] == [done["adapter"]]
    ours, theirs = (adapter_files(place, done["adapter"]) for place in places)
    assert ours == theirs
    assert losses(trained.workspace, done["adapter"]) == losses(workspace, done["adapter"])
    assert [c["name"] for c in done["verdict"]["conditions"]] == [
        c["name"] for c in whole["verdict"]["conditions"]
    ]
    scores = [
        [
            row["scores"]["repository/retrieval"]["loss"]
            for row in json.loads(
                (place / ".homespun" / "adapters" / done["adapter"] / "evaluation.json").read_text()
            )["rows"]
        ]
        for place in places
    ]
    # What comes first behind a kill is read without the prompt before it: other float sums.
    assert scores[0] == pytest.approx(scores[1], abs=1e-3)


@pytest.mark.skipif(sys.platform == "win32", reason="limits of a process")
def test_a_full_disk_is_one_sentence_and_what_is_done_goes_on(workspace, model):
    with (
        files_of_at_most(200_000),
        pytest.raises(TrainingUnwritable, match="^cannot write to .*homespun train --resume"),
    ):
        train_small.train_here(workspace, model)
    assert train_small.train_here(workspace, model, resume=True)["adapter"]


@contextmanager
def files_of_at_most(most_bytes):
    """Have the system refuse longer files, as it does where the disk is full."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_two_trainings_at_once_are_refused(workspace, model):
    with runs.training_lock(workspace), pytest.raises(TrainingLocked, match="is running already"):
        train(workspace, options(model), completion=COMPLETION)


def test_a_repository_too_small_to_learn_from_says_its_numbers_and_trains_nothing(
    scratch, model, tmp_path
):
    small_house.build(scratch, modules=3, later=6, functions=2)
    with pytest.raises(TooLittleCode, match=r"files with \d+ lines of code \(at least 2000\)"):
        train(scratch.folder, options(model), completion=COMPLETION)
    assert Registry(scratch.folder).adapters() == []
    assert not (runs.training_folder(scratch.folder) / "run-0001" / "fit").exists()


def test_nothing_behind_the_cut_off_ends_before_anything_is_learned(workspace, model):
    with pytest.raises(NothingToEvaluate, match="could not be judged; give an earlier --until"):
        train(workspace, options(model, until="HEAD"), completion=COMPLETION)
    assert not (runs.training_folder(workspace) / "run-0001" / "dataset").exists()


def test_a_folder_without_git_is_judged_on_files_held_out(workspace, model):
    shutil.rmtree(workspace / ".git")
    told = Spoken()
    done = train(workspace, options(model), completion=COMPLETION, progress=told)
    (adapter,) = Registry(workspace).adapters()
    assert adapter.id.startswith("shop-tree-")
    assert adapter.manifest["has_history"] is False
    assert any("no history is used" in sentence for sentence in told.said)
    assert any("flatter" in sentence for sentence in told.said)
    assert done.verdict.outcome == "insufficient data"


@pytest.mark.parametrize(
    ("library", "qlora", "extra"),
    [
        ("torch", False, "train"),
        ("peft", False, "train"),
        ("transformers", False, "train"),
        ("safetensors", False, "train"),
        ("bitsandbytes", True, "train,qlora"),
    ],
)
def test_a_missing_library_is_named_with_the_command_that_brings_it(
    workspace, model, monkeypatch, library, qlora, extra
):
    monkeypatch.setitem(sys.modules, library, None)  # how an import hook says "not there"
    with pytest.raises(LibrariesMissing, match=rf"{library}.*pip install 'homespun\[{extra}\]'"):
        train(workspace, options(model, qlora=qlora), completion=COMPLETION)
    assert not (workspace / ".homespun").exists()


def test_a_gpu_that_is_not_there_is_said_before_anything_is_done(workspace, model, monkeypatch):
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(TrainingFailed, match="needs a CUDA device.*--preset cpu"):
        train(workspace, options(model, preset="gpu"), completion=COMPLETION)


def test_more_gpus_than_there_are_is_said_before_anything_is_done(workspace, model, monkeypatch):
    import peft  # noqa: F401  (loaded under a GPU that is pretended, bitsandbytes stays half loaded)
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with pytest.raises(TrainingFailed, match="--gpus 3: this machine has 2; give no more"):
        train(workspace, options(model, preset="gpu", gpus=3), completion=COMPLETION)
    assert not (workspace / ".homespun").exists()


def test_gpus_are_not_asked_for_where_torchrun_has_started_the_processes(
    workspace, model, monkeypatch
):
    for name, value in TORCHRUN.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(TrainingFailed, match="--gpus 2: torchrun has started .*; leave it out"):
        train(workspace, options(model, gpus=2), completion=COMPLETION)
    assert not (workspace / ".homespun").exists()


def test_an_adapter_that_does_not_help_is_not_even_a_candidate(
    trained, workspace, model, monkeypatch
):
    still = replace(learn.PRESETS["cpu"], learning_rate=0.0)
    monkeypatch.setitem(learn.PRESETS, "cpu", still)
    done = gone_on(trained, workspace, options(model), after="dataset")
    assert (done.verdict.outcome, done.adapter) == ("keep", "")
    assert "nothing was learned that helps" in done.verdict.headline
    assert Registry(workspace).adapters() == []
    assert "Nothing was put into the registry" in done.report.read_text(encoding="utf-8")


def test_an_exam_ends_where_the_adapter_cannot_pass_any_more(
    trained, workspace, model, monkeypatch
):
    monkeypatch.setattr(stages, "is_lost", lambda *_: True)
    wanted = options(model, whole_exam=False)
    done = gone_on(trained, workspace, wanted, after="learning")
    evaluation = json.loads((done.folder / "evaluation.json").read_text())
    assert (evaluation["rows"], evaluation["infilling"]) == ([], None)
    assert len(evaluation["habits"]) == 6
    assert not done.is_champion
    assert "Nothing else was asked" in done.verdict.headline
    assert done.verdict.headline in unescape(done.report.read_text(encoding="utf-8"))


def test_who_asks_for_the_whole_exam_gets_it(trained, workspace, model, monkeypatch):
    monkeypatch.setattr(stages, "is_lost", lambda *_: True)
    done = gone_on(trained, workspace, options(model), after="learning")
    assert len(json.loads((done.folder / "evaluation.json").read_text())["rows"]) == 10
    assert "Nothing else was asked" not in done.verdict.headline


@pytest.mark.parametrize(
    ("log", "words"),
    [
        (FitLog(finish="nan"), "no number from the first step on"),
        (FitLog(checks=[(0, float("nan"))]), "held-out examples is no number"),
    ],
)
def test_a_model_whose_loss_is_no_number_is_told_to_be_verified(log, words):
    with pytest.raises(TrainingFailed, match=f"{words}.*homespun models verify"):
        learn._check(log)


def test_memory_that_does_not_do_for_one_example_is_one_sentence(
    trained, workspace, model, monkeypatch
):
    from homespun.training.lora.model import LoraModel

    def starved(self, batch, total_weight):
        raise RuntimeError("[enforce fail] not enough memory: you tried to allocate 9 bytes")

    monkeypatch.setattr(LoraModel, "loss", starved)
    with pytest.raises(TrainingFailed, match="memory ran out even with the smallest batch"):
        gone_on(trained, workspace, options(model), after="dataset")
    assert runs.unfinished(workspace).result("dataset") is not None


def test_a_new_run_leaves_an_unfinished_one_behind_and_says_so(workspace, model):
    runs.begin(workspace, {**options(model).to_json(), "began": "then"})
    told = Spoken()
    with pytest.raises(NothingToEvaluate):
        train(workspace, options(model, until="HEAD"), completion=COMPLETION, progress=told)
    assert any("run-0001 was not finished" in sentence for sentence in told.said)
    assert runs.unfinished(workspace).name == "run-0002"
