"""Trains on a small repository with a tiny model: what the tests of `train` run, and kill.

python train_small.py WORKSPACE MODEL
"""

from __future__ import annotations

import sys
from pathlib import Path

from homespun.progress import NoProgress
from homespun.server.options import CompletionOptions
from homespun.training.config import TrainOptions
from homespun.training.pipeline.train import train

COMPLETION = CompletionOptions(context_tokens=256, max_tokens=6, max_block_tokens=8, threads=1)


def options(model, **changes):
    """Everything small: seconds, and no verdict worth the name."""
    small = {
        "steps": 4,
        "items": 10,
        "examples": 220,
        "probes": 6,
        "habits": 6,
        "forgetting_tasks": 2,
        "canaries": 0,
        "whole_exam": True,  # what is so small cannot pass
    }
    return TrainOptions(model=str(model), **(small | changes))


class Spoken(NoProgress):
    """Keeps the sentences."""

    def __init__(self):
        self.said = []

    def say(self, sentence):
        self.said.append(sentence)


def train_here(workspace, model, resume=False):
    """Train, or go on; return what `homespun train --json` prints."""
    return train(workspace, options(model), resume=resume, completion=COMPLETION).to_json()


if __name__ == "__main__":
    train_here(Path(sys.argv[1]), sys.argv[2])
