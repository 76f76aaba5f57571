"""A training whose files other tests read, or go on from in a workspace of their own."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import NamedTuple

from homespun.training import runs
from homespun.training.pipeline.train import TrainResult, train
from tests.support.train_small import COMPLETION, Spoken

JUDGED = ("answers.jsonl", "evaluation.json", "samples.json", "probes.json")
NOT_MOVED = ("state.json", "dataset.lock")  # of a run that is gone on with in another place


class Trained(NamedTuple):
    """A training from the beginning to its end, and what it was before it was judged."""

    workspace: Path
    home: Path
    done: TrainResult
    told: Spoken
    unjudged: Path  # the run's folder when the gate was asked
    stages: dict[str, dict[str, object]]  # what was done then


def gone_on(trained, workspace, wanted, *, after, by=train, **how):
    """Go on with that training in another workspace, with other options; `after` is done."""
    run = runs.begin(workspace, {**wanted.to_json(), "began": "then"})
    is_far = after in ("learning", "probes")
    judged = () if after == "probes" else JUDGED
    for path in trained.unjudged.iterdir():
        if path.name == "dataset" or (is_far and path.name in ("fit", "draft")):
            shutil.copytree(path, run.folder / path.name)
        elif path.name == "conventions.json" or (is_far and path.name not in (*NOT_MOVED, *judged)):
            shutil.copy(path, run.folder)
    text = json.dumps(trained.stages).replace(str(trained.done.folder), str(run.folder))
    for name, result in json.loads(text).items():
        run.done(name, result)
        if name == after:
            break
    return by(workspace, wanted, completion=COMPLETION, resume=True, **how)


def losses(workspace, identifier):
    fit = json.loads((workspace / ".homespun" / "adapters" / identifier / "fit.json").read_text())
    return [step["loss"] for step in fit["steps"]], fit["checks"]
