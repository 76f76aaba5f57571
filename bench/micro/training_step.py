"""What a training step costs: float32 against bfloat16, all layers against the upper half.

    python -m bench.micro.training_step [--model NAME] [--rounds 4]
    python -m bench.micro.training_step --at-once 1536 768 512   # tokens at once, and memory

The arms take turns; each round is one step of 1,024 random tokens with a sixth of them learned. The
table has the median seconds and tokens a second of each. With --at-once a step is of 1,536 tokens,
so many of which go through the model at once; each arm is a process of its own, from the first to
the last and back, and the table has the most memory that it took, in GB.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace

from homespun import paths
from homespun.models import catalogue
from homespun.models.weights.gguf import GgufSource
from homespun.training.dataset.examples import EncodedExample
from homespun.training.lora.batches import cut
from homespun.training.lora.memory import keep_freed_memory
from homespun.training.lora.model import LoraModel, example_weight
from homespun.training.lora.presets import CPU

_EXAMPLES, _TOKENS, _LEARNED = 4, 256, 40
_STEP_TOKENS = 1536  # of --at-once, as a step of the CPU preset has them
_ARMS = {
    "float32": {"dtype": "float32"},
    "bfloat16": {"dtype": "bfloat16"},
    "bfloat16, upper half": {"dtype": "bfloat16", "layers": 12},
}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", default="qwen2.5-coder-0.5b")
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--at-once", type=int, nargs="+", default=[], metavar="TOKENS")
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)  # a process of --at-once
    args = parser.parse_args()
    if args.one:
        print(json.dumps(_stepped(args.model, args.one, args.rounds)))
    elif args.at_once:
        _compare(args.model, args.at_once, args.rounds)
    else:
        _compare_types(args)


def _compare(model: str, sizes: Sequence[int], rounds: int) -> None:
    """Print what a step takes by the tokens that are in the model at once."""
    command = [sys.executable, "-m", "bench.micro.training_step", "--model", model]
    command += ["--rounds", str(rounds), "--one"]
    seconds: dict[int, list[float]] = {size: [] for size in sizes}
    peaks: dict[int, float] = {}
    for size in [*sizes, *reversed(sizes)]:
        done = subprocess.run([*command, str(size)], check=True, capture_output=True, text=True)
        times, peaks[size] = json.loads(done.stdout.splitlines()[-1])
        seconds[size] += times
    print("| tokens at once | seconds a step | tokens a second | GB |\n|--:|--:|--:|--:|")
    for size in sizes:
        median = statistics.median(seconds[size])
        print(f"| {size} | {median:.2f} | {_STEP_TOKENS / median:.0f} | {peaks[size]:.1f} |")


def _stepped(name: str, size: int, rounds: int) -> tuple[list[float], float]:
    """Return the seconds of steps in pieces of `size` tokens, and the most memory in GB."""
    keep_freed_memory()
    model = LoraModel(_source(name), CPU)
    batch = _examples(_STEP_TOKENS // _TOKENS)
    weight = sum(map(example_weight, batch))
    seconds = []
    for number in range(rounds + 1):
        began = time.perf_counter()
        for piece in cut(batch, size):
            model.loss(piece, weight).backward()
        if number:  # the first one allocates
            seconds.append(time.perf_counter() - began)
    return seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def _source(model: str) -> GgufSource:
    return GgufSource(paths.source_dir(model) / catalogue.get(model).files[0].name)


def _examples(count: int) -> list[EncodedExample]:
    rng = random.Random(0)
    return [
        EncodedExample([rng.randrange(100_000) for _ in range(_TOKENS)], _TOKENS - _LEARNED)
        for _ in range(count)
    ]


def _compare_types(args: argparse.Namespace) -> None:
    """Print what a step takes by the type of the frozen weights."""
    source, batch = _source(args.model), _examples(_EXAMPLES)
    arms = {name: LoraModel(source, replace(CPU, **settings)) for name, settings in _ARMS.items()}
    seconds: dict[str, list[float]] = {name: [] for name in arms}
    for round_number in range(args.rounds + 1):
        for name, model in arms.items():
            began = time.perf_counter()
            model.loss(batch, sum(map(example_weight, batch))).backward()
            if round_number:  # the first one allocates
                seconds[name].append(time.perf_counter() - began)
    print("| frozen weights | seconds a step | tokens a second |\n|---|--:|--:|")
    for name, times in seconds.items():
        median = statistics.median(times)
        print(f"| {name} | {median:.2f} | {_EXAMPLES * _TOKENS / median:.0f} |")


if __name__ == "__main__":
    main()
