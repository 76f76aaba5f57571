"""What a training step costs: float32 against bfloat16, all layers against the upper half.

    python -m bench.micro.training_step [--model NAME] [--rounds 4]

The arms take turns; each round is one step of 1,024 random tokens with a sixth of them learned. The
table has the median seconds and tokens a second of each.
"""

from __future__ import annotations

import argparse
import random
import statistics
import time
from dataclasses import replace

from homespun import paths
from homespun.models import catalogue
from homespun.models.weights.gguf import GgufSource
from homespun.training.dataset.examples import EncodedExample
from homespun.training.lora.model import LoraModel, example_weight
from homespun.training.lora.presets import CPU

_EXAMPLES, _TOKENS, _LEARNED = 4, 256, 40
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
    args = parser.parse_args()
    entry = catalogue.get(args.model)
    source = GgufSource(paths.source_dir(args.model) / entry.files[0].name)
    rng = random.Random(0)
    batch = [
        EncodedExample([rng.randrange(100_000) for _ in range(_TOKENS)], _TOKENS - _LEARNED)
        for _ in range(_EXAMPLES)
    ]
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
