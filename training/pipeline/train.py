"""`homespun train`: conventions -> dataset -> LoRA -> evaluation -> gate -> registry.

    result = train(Path("repo"), TrainOptions(model="qwen2.5-coder-0.5b"))
    result.verdict.promote, result.outcome, result.report

Each stage leaves its files in the run's folder and then its mark in the run's state (`runs.py`), so
a run that was killed at any moment goes on with `resume` and ends as one that was not. The result
"keep what you have" is a normal end.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from homespun.errors import HomespunError
from homespun.indexer.config import IndexConfig
from homespun.indexer.scan.walk import walk
from homespun.progress import NoProgress, TrainProgress
from homespun.server.completion.open import completion_settings
from homespun.server.options import CompletionOptions
from homespun.traces.traced import traced
from homespun.training.config import ExamEndpoint, TrainOptions
from homespun.training.errors import (
    FirstProcessFailed,
    HistoryUnreadable,
    RunUnreadable,
    TrainingFailed,
)
from homespun.training.gate import gate
from homespun.training.gate.verdict import GateVerdict
from homespun.training.lora.distributed import ProcessGroup, is_started_by_torchrun
from homespun.training.lora.launch import LearningWork
from homespun.training.pipeline.learn import check_machine, preset_of
from homespun.training.pipeline.on_a_server import server_of
from homespun.training.pipeline.prepared import Judge, Prepared, options_of
from homespun.training.pipeline.stages import STAGES, Stage
from homespun.training.runs import Run, begin, training_folder, training_lock, unfinished, writing


@dataclass(frozen=True, slots=True)
class TrainResult:
    """How a training ended; a verdict against the adapter is a normal end."""

    run: str
    folder: Path
    verdict: GateVerdict
    outcome: str  # what was done with the adapter, a sentence
    adapter: str  # ID in the registry, "" where nothing was learned
    is_champion: bool
    report: Path
    seconds: float  # of all stages

    def to_json(self) -> dict[str, Any]:
        """Return what `homespun train --json` prints."""
        return {
            "run": self.run,
            "folder": str(self.folder),
            "adapter": self.adapter,
            "promoted": self.is_champion,
            "outcome": self.outcome,
            "verdict": self.verdict.to_json(),
            "report": str(self.report),
            "seconds": round(self.seconds, 1),
        }


@dataclass(frozen=True, slots=True)
class StoppedTraining:
    """A training that was asked to stop before its end; `resume` goes on with it."""

    run: str
    folder: Path
    stopped_after: str  # name of the last stage that was done
    seconds: float  # of the stages that were done

    def to_json(self) -> dict[str, Any]:
        """Return what `homespun train --stop-after STAGE --json` prints."""
        return {
            "run": self.run,
            "folder": str(self.folder),
            "stopped_after": self.stopped_after,
            "promoted": False,
            "seconds": round(self.seconds, 1),
        }

    @property
    def sentence(self) -> str:
        """Say how to go on."""
        return (
            f"{self.run} stopped after {self.stopped_after}, as asked; "
            "`homespun train --resume` goes on with it"
        )


@dataclass(frozen=True, slots=True)
class _Failed:
    """What the first of several processes tells the others when it fails: they end as it does."""

    sentence: str


def train(
    workspace: Path | str = ".",
    options: TrainOptions | None = None,
    *,
    resume: bool = False,
    exam: ExamEndpoint | None = None,
    completion: CompletionOptions | None = None,
    progress: TrainProgress | None = None,
    judge: Judge = gate.judge,
) -> TrainResult:
    """Train an adapter of the repository in `workspace`, judge it, and promote it if it may.

    With `resume` the last run goes on, with its own options; only the server of its exam may be
    another one (`exam`), as long as the exam has not ended. `completion` are the settings of the
    workspace, by default read from there: what is judged is what is served. Without `options` the
    model is theirs.

    Under torchrun each of its processes calls this; the first does the work but for the learning,
    which they do together, and all return its result. They need to see the same files.

    Raises `TrainingLocked`, `RunUnreadable`, `LibrariesMissing`, `TrainingFailed`,
    `TrainingUnwritable`, `TooLittleCode`, `NothingToEvaluate`, `HistoryUnreadable`, and what
    `homespun.models` raises for a model that is missing or damaged. Where another process than the
    first ends because that one failed, `FirstProcessFailed`.
    """
    asked = _Asked(resume, exam, completion, progress or NoProgress(), judge)
    result = _train(workspace, options, asked)
    assert isinstance(result, TrainResult), "nothing was to stop it"
    return result


def train_until(
    stage: str,
    workspace: Path | str = ".",
    options: TrainOptions | None = None,
    *,
    resume: bool = False,
    exam: ExamEndpoint | None = None,
    completion: CompletionOptions | None = None,
    progress: TrainProgress | None = None,
    judge: Judge = gate.judge,
) -> StoppedTraining:
    """Train as `train` does, and stop when a stage (a name of `STAGES`, not the last) is done.

    Nothing is kept in memory: a GPU is free afterwards. Raises what `train` raises.
    """
    assert stage in [each.name for each in STAGES[:-1]], stage
    asked = _Asked(resume, exam, completion, progress or NoProgress(), judge, stage)
    result = _train(workspace, options, asked)
    assert isinstance(result, StoppedTraining), "it was to stop before its end"
    return result


@dataclass(frozen=True, slots=True)
class _Asked:
    """How a training is gone about."""

    resume: bool
    exam: ExamEndpoint | None  # of a run that goes on; else it is among the options
    completion: CompletionOptions | None
    progress: TrainProgress
    judge: Judge
    stop_after: str = ""  # a stage; "" is the end


@traced("training")
def _train(
    workspace: Path | str, options: TrainOptions | None, asked: _Asked
) -> TrainResult | StoppedTraining:
    progress, completion = asked.progress, asked.completion
    workspace = Path(workspace).resolve()
    if not workspace.is_dir():
        raise HistoryUnreadable(
            f"{str(workspace)!r} is no directory; give the folder of a repository"
        )
    if completion is None:
        completion = completion_settings(workspace, say=progress.say)
    options = options or TrainOptions(completion.model)
    check_machine(options)
    group = _group_of(workspace, options, resume=asked.resume)
    if not group.is_first:
        return _help(group)
    with _telling_the_others(group), training_lock(workspace):
        run = _run_of(workspace, options, progress, resume=asked.resume)
        _set_exam(run, asked.exam)
        prepared = Prepared.of(workspace, run, completion, group, progress, asked.judge)
        _look_at_server(prepared, asked.stop_after)
        for stage in STAGES:
            if run.result(stage.name) is None:
                _do(stage, prepared)
            if stage.name == asked.stop_after:
                return group.agreed(_stopped(run, stage.name))
        return group.agreed(_finish(prepared))


def _look_at_server(prepared: Prepared, stop_after: str) -> None:
    """Ask whether the server of the exam fits before anything has cost time, unless it rests."""
    names = [stage.name for stage in STAGES]
    is_asked = not stop_after or names.index(stop_after) >= names.index("evaluation")
    is_over = prepared.run.result("probes") is not None
    server = server_of(prepared) if is_asked and not is_over else None
    if server is not None:
        server.look()


def _do(stage: Stage, prepared: Prepared) -> None:
    began = time.monotonic()
    with traced(f"training.{stage.name}"), writing(prepared.folder):
        result = stage.do(prepared)
    prepared.run.done(stage.name, {**result, "seconds": round(time.monotonic() - began, 1)})


@contextmanager
def _telling_the_others(group: ProcessGroup) -> Iterator[None]:
    """Tell those that wait for work that there is none, because this process failed.

    In the midst of a step nobody waits for a word: there they notice that the connection is gone.
    """
    try:
        yield
    except HomespunError as error:
        if group.size > 1 and not group.is_busy:
            group.agreed(_Failed(str(error)))
        raise


def _group_of(workspace: Path, options: TrainOptions, *, resume: bool) -> ProcessGroup:
    """Return who learns: this process alone, or those that torchrun has started."""
    if not is_started_by_torchrun():
        return ProcessGroup()
    last = unfinished(workspace) if resume else None
    if last is not None:
        options = options_of(last)
    return ProcessGroup.of_torchrun(preset_of(options).device)


def _help(group: ProcessGroup) -> TrainResult | StoppedTraining:
    """Do what the first process says; return what came of it, as it does itself."""
    while True:
        try:
            said: TrainResult | StoppedTraining | _Failed | LearningWork | None
            said = group.agreed(None)
        except RuntimeError as error:  # of torch: a connection that is gone
            raise TrainingFailed(
                "the first of the processes that learn together has ended; it says why"
            ) from error
        if isinstance(said, TrainResult | StoppedTraining):
            return said
        if isinstance(said, _Failed):
            raise FirstProcessFailed(said.sentence)
        assert said is not None, "the first process says something"
        said(group, NoProgress())


def _run_of(
    workspace: Path, options: TrainOptions, progress: TrainProgress, *, resume: bool
) -> Run:
    last = _unfinished(workspace, progress, resume=resume)
    if resume:
        if last is None:
            raise RunUnreadable(
                f"there is no unfinished training in {str(workspace)!r}; start one without --resume"
            )
        _check_untracked(workspace)
        left = next((stage.name for stage in STAGES if last.result(stage.name) is None), "the end")
        progress.say(f"going on with {last.name} at: {left}")
        return last
    if last is not None:
        progress.say(
            f"{last.name} was not finished and is left behind (--resume would go on with it)"
        )
    began = datetime.now().astimezone().isoformat(timespec="seconds")
    return begin(workspace, {**options.to_json(), "began": began})


def _set_exam(run: Run, exam: ExamEndpoint | None) -> None:
    """Have a run be judged on another server than it was asked to be."""
    if exam is None:
        return
    if run.result("evaluation") is not None:
        raise RunUnreadable(
            f"the exam of {run.name} is over, so no server can be asked; leave out --exam-endpoint"
        )
    run.ask(exam=asdict(exam))


def _unfinished(workspace: Path, progress: TrainProgress, *, resume: bool) -> Run | None:
    """Return the run that was not finished; one that cannot be read is no obstacle to a new one."""
    try:
        return unfinished(workspace)
    except RunUnreadable as error:
        if resume:
            raise
        progress.say(str(error))
        return None


def _check_untracked(workspace: Path) -> None:
    """Raise `RunUnreadable` where git knows files of a training: a pull may have changed them."""
    inside = f"{training_folder(workspace).relative_to(workspace).as_posix()}/".casefold()
    tracked = walk(workspace, IndexConfig()).tracked_state
    if any(path.casefold().startswith(inside) for path in tracked):
        raise RunUnreadable(
            f"git tracks files in {inside!r}, so what is there may be another's; take them out "
            "(`git rm -r --cached .homespun`) and start a new training without --resume"
        )


def _stopped(run: Run, stage: str) -> StoppedTraining:
    seconds = sum(done["seconds"] for done in run.stages.values())
    return StoppedTraining(run.name, run.folder, stage, seconds)


def _finish(prepared: Prepared) -> TrainResult:
    """End the run: the checkpoint and whole files of the exam go, the result is told."""
    run = prepared.run
    registry = run.stages["registry"]
    for name in ("fit", "draft"):
        shutil.rmtree(run.folder / name, ignore_errors=True)
    (run.folder / "pairs.json").unlink(missing_ok=True)
    run.finish()
    return TrainResult(
        run=run.name,
        folder=run.folder,
        verdict=prepared.verdict(),
        outcome=registry["outcome"],
        adapter=registry["adapter"],
        is_champion=registry["champion"],
        report=run.folder / "report.html",
        seconds=sum(stage["seconds"] for stage in run.stages.values()),
    )
