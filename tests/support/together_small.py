"""What the processes of test_together.py do; in a module of its own, where they can find it."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import replace
from pathlib import Path

from homespun.models.weights.safetensors import SafetensorsSource
from homespun.training.dataset.examples import EncodedExample
from homespun.training.errors import TrainingFailed
from homespun.training.lora.fit import fit
from homespun.training.lora.model import LoraModel
from homespun.training.lora.presets import CPU

PRESET = replace(
    CPU, dtype="float32", learning_rate=1e-2, batch_tokens=64, micro_tokens=64, epochs=2, checks=2
)
# What torchrun sets for the second of two processes.
TORCHRUN = {
    "RANK": "1",
    "LOCAL_RANK": "1",
    "WORLD_SIZE": "2",
    "LOCAL_WORLD_SIZE": "2",
    "MASTER_ADDR": "127.0.0.1",
    "MASTER_PORT": "29500",
}


def examples(count):
    """Sequences of which the end follows from the start, of several lengths."""
    return [
        EncodedExample([5 + n % 7] * (4 + n % 5) + [40 + n % 7] * 3 + [0], 4 + n % 5, str(n))
        for n in range(count)
    ]


class Killed(Exception):
    """The run was ended."""


def learn(source: Path, out: Path, group, progress, *, kill_after=None):
    """Fit on a tiny model and save the adapter; the first process does the saving."""

    def on_step(step, log):
        progress.say(f"step {step.step}")
        if step.step == kill_after:
            raise Killed

    preset = replace(PRESET, save_seconds=0 if kill_after else 120)
    model = LoraModel(SafetensorsSource(source), preset)
    fit(
        model,
        examples(25),
        examples(5),
        preset,
        directory=out / "fit",
        resume=True,
        on_step=on_step,
        progress=progress,
        group=group,
    )
    if group.is_first:
        model.save(out)


def fail_in_the_second(group, progress):
    """End with an error in one process, while the other one waits for it."""
    if group.rank == 1:
        raise TrainingFailed("the second has failed")
    group.agreed(None)


def say_something_and_lose_the_second(group, progress):
    """Let the first tell something, and fail then because the other is gone."""
    if group.is_first:
        progress.say("going on")
    else:
        time.sleep(1)  # until that is being heard
    die_in_the_second(group, progress)


def die_in_the_second(group, progress):
    """End one process as the system does when memory runs out."""
    if group.rank == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    group.agreed(None)
