"""Trains on a small repository with a tiny model: what the tests of `train` run, and kill.

python train_small.py WORKSPACE MODEL [--resume] [--file-bytes N]
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from homespun.errors import HomespunError
from homespun.progress import NoProgress
from homespun.server.options import CompletionOptions
from homespun.training.config import TrainOptions
from homespun.training.lora.distributed import is_first_process
from homespun.training.pipeline.train import train

COMPLETION = CompletionOptions(context_tokens=256, max_tokens=6, max_block_tokens=8, threads=1)


def options(model, **changes):
    """Everything small: seconds, and no verdict worth the name."""
    small = {
        "steps": 4,
        "items": 10,
        "examples": 220,
        "probes": 6,
        "forgetting_tasks": 2,
        "canaries": 0,
    }
    return TrainOptions(model=str(model), **(small | changes))


class Spoken(NoProgress):
    """Keeps the sentences."""

    def __init__(self):
        self.said = []

    def say(self, sentence):
        self.said.append(sentence)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("workspace", type=Path)
    parser.add_argument("model")
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--file-bytes", type=int)
    args = parser.parse_args()
    if args.file_bytes:
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (args.file_bytes, args.file_bytes))
    try:
        done = train(args.workspace, options(args.model), resume=args.resume, completion=COMPLETION)
    except HomespunError as error:
        sys.exit(f"{type(error).__name__}: {error}")
    if is_first_process():
        sys.stdout.write(json.dumps(done.to_json()))


if __name__ == "__main__":
    main()
