"""A training's folder and what is done of it, so that a killed one goes on where it was.

    WORKSPACE/.homespun/training/
        lock, lock.json      one training at a time; the system frees the lock when a process dies
        run-0001/state.json  options and finished stages, written by rename
        run-0001/...         what the stages leave: dataset/, fit/, draft/, *.json, report.html

A stage counts once its mark is in the state file, and the mark is written after the stage's files.
A stage without a mark is done again, from whatever it finds; each is made to end the same way.

The state is sealed with this machine's key: a training that came with the folder, of a clone or an
archive, is not gone on with, and nothing that it left is believed.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from filelock import Timeout

from homespun.locks import NOTE, holder_of, leave_note, lock_file
from homespun.parsing import read_json
from homespun.paths import WORKSPACE_FOLDER
from homespun.storage import (
    check_workspace_folder,
    is_full_or_closed,
    make_private_folder,
    workspace_folder,
    write_private,
)
from homespun.training.errors import (
    DatasetUnwritable,
    RunUnreadable,
    TrainingLocked,
    TrainingUnwritable,
)
from homespun.trust import has_seal, with_seal

STATE_VERSION = 1
_LIBRARIES = ("homespun", "torch", "transformers", "peft", "onnxruntime", "numpy")
_STATE = "state.json"
_STATE_BYTES = 10_000_000  # a real one has some kilobytes
_PURPOSE = "training run"
_KEPT_RUNS = 3


@dataclass(slots=True)
class Run:
    """One training: its folder, its options and the results of its finished stages."""

    folder: Path
    options: dict[str, Any]
    stages: dict[str, dict[str, Any]] = field(default_factory=dict)
    finished: bool = False

    @property
    def name(self) -> str:
        """The folder's name, e.g. "run-0001"."""
        return self.folder.name

    def result(self, stage: str) -> dict[str, Any] | None:
        """Return what a finished stage left, None if it is to be done."""
        return self.stages.get(stage)

    def done(self, stage: str, result: Mapping[str, Any]) -> None:
        """Mark a stage as finished; its files are there already."""
        self.stages[stage] = dict(result)
        self._save()

    def ask(self, **options: object) -> None:
        """Change what the run is asked to be."""
        self.options |= options
        self._save()

    def finish(self) -> None:
        """Mark the whole run as finished."""
        self.finished = True
        self._save()

    def _save(self) -> None:
        body = {
            "version": STATE_VERSION,
            "options": self.options,
            "stages": self.stages,
            "finished": self.finished,
        }
        plain = json.loads(json.dumps(body))  # as it will be read
        write_json(self.folder / _STATE, with_seal(plain, purpose=_PURPOSE, folder=self.folder))


def training_folder(workspace: Path) -> Path:
    """Return where a workspace keeps its trainings."""
    return workspace / WORKSPACE_FOLDER / "training"


def begin(workspace: Path, options: Mapping[str, Any]) -> Run:
    """Make the folder of a new run; old runs but the last few are removed."""
    folder = training_folder(workspace)
    names = _names(folder)
    for old in names[: max(0, len(names) - _KEPT_RUNS + 1)]:
        shutil.rmtree(folder / old, ignore_errors=True)
    number = int(names[-1].removeprefix("run-")) + 1 if names else 1
    run = Run(folder / f"run-{number:04d}", dict(options))
    with writing(run.folder):
        make_private_folder(run.folder)
        run._save()
    return run


def unfinished(workspace: Path) -> Run | None:
    """Return the last run if it has not come to its end. Raises `RunUnreadable`."""
    names = _names(training_folder(workspace))
    if not names:
        return None
    run = _read(training_folder(workspace) / names[-1])
    return None if run.finished else run


@contextmanager
def training_lock(workspace: Path) -> Iterator[None]:
    """Let one training at a time into a workspace.

    Raises `TrainingLocked` naming the holder, and `FolderRefused` where `.homespun` is a link,
    holds one or is another user's.
    """
    folder = training_folder(workspace)
    check_workspace_folder(workspace)
    with writing(folder):
        workspace_folder(workspace)
        make_private_folder(folder)
        lock = lock_file(folder / "lock")
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise TrainingLocked(_holder(folder)) from error
    try:
        with writing(folder / NOTE):
            leave_note(folder)
        yield
    finally:
        lock.release()


@contextmanager
def writing(place: Path) -> Iterator[None]:
    """Turn a full disk, or one that may not be written, into one sentence."""
    try:
        yield
    except (OSError, DatasetUnwritable) as error:
        cause = error if isinstance(error, OSError) else error.__cause__
        if not isinstance(cause, OSError) or not is_full_or_closed(cause):
            raise
        raise TrainingUnwritable(
            f"cannot write to {str(place)!r}: {cause.strerror or cause}; free some space or check "
            "the folder's permissions, then go on with `homespun train --resume`: nothing is lost"
        ) from error


def write_json(path: Path, value: object) -> None:
    """Write JSON by rename, so that a reader finds the old file or the new one."""
    with writing(path):
        write_private(path, json.dumps(value, indent=1, ensure_ascii=False) + "\n", durable=True)


def _names(folder: Path) -> list[str]:
    if not folder.is_dir():
        return []
    names = (path.name for path in folder.iterdir() if path.name.startswith("run-"))
    return sorted(name for name in names if name.removeprefix("run-").isdecimal())


def _read(folder: Path) -> Run:
    try:
        row = read_json(folder / _STATE, max_bytes=_STATE_BYTES)
        if not isinstance(row, dict) or not has_seal(row, purpose=_PURPOSE, folder=folder):
            raise RunUnreadable(
                f"the training in {str(folder)!r} was not begun on this machine and in this place "
                "by this homespun, so it is not gone on with; start a new one without --resume"
            )
        if row["version"] != STATE_VERSION:
            raise ValueError(f"version {row['version']!r}")
        return Run(folder, dict(row["options"]), dict(row["stages"]), bool(row["finished"]))
    except FileNotFoundError:
        # Killed between making the folder and its first state: nothing was done.
        return Run(folder, {}, finished=True)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RunUnreadable(
            f"the state of the training in {str(folder)!r} cannot be read ({error}); "
            "start a new one without --resume"
        ) from error


def _holder(folder: Path) -> str:
    return (
        f"a training of {str(folder.parent.parent)!r} is running already: {holder_of(folder)}; "
        "wait for it to end, or end that process and go on with `homespun train --resume`"
    )


def libraries() -> dict[str, str]:
    """Return the versions of what shapes the numbers."""
    found = {}
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def read_stage(path: Path) -> Any:  # noqa: ANN401  (whatever JSON holds)
    """Read a stage's file."""
    return json.loads(path.read_text(encoding="utf-8"))
