"""One process and two of torchrun learn the same.

    python -m bench.scale.train [--nodes]

A small repository and a tiny model, or `--model NAME`; each way trains up to the end of learning in
a workspace of its own, without planted secrets, which take longer than these steps. Losses,
adapters and learned tokens a second are compared; of these the ratio is meant, as the load changes.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.common import provenance
from tests.support.processes import free_port

_ELASTIC = (sys.executable, "-m", "torch.distributed.run")
_LIMIT_SECONDS = 600


@dataclass(frozen=True)
class LearnedTogether:
    """What one way of starting a training gave."""

    way: str
    outputs: list[str]  # of stdout, one for each command
    folder: Path  # the run's
    seconds: float  # of wall time, with imports and dataset
    losses: list[float]
    checks: list[list[float]]
    tokens_per_second: float  # of learning alone


def main(arguments: Sequence[str] | None = None) -> int:
    """Print and keep the comparison; 1 where losses or adapters differ."""
    parser = argparse.ArgumentParser(prog="python -m bench.scale.train")
    parser.add_argument("--model", help="of the catalogue, or a folder (default: a tiny one)")
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--nodes", action="store_true", help="two nodes on loopback, too")
    parser.add_argument("--learn", action="store_true", help=argparse.SUPPRESS)  # one of them
    args = parser.parse_args(arguments)
    if args.learn:
        return _learn(args.model, args.steps)
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="homespun-torchrun-") as place:
        done = runs(Path(place), args.model, args.steps, with_nodes=args.nodes)
        report = compared(done)
    report = {**provenance.facts(args.model or "tiny", 0), "load_before": round(load, 2), **report}
    print(json.dumps(report["ways"], indent=1))
    provenance.write("scale-train", report)
    return 0 if report["is_same"] else 1


def runs(place: Path, model: str | None, steps: int, *, with_nodes: bool) -> list[LearnedTogether]:
    """Learn in each way; `place` is an empty folder."""
    from tests.support import small_house
    from tests.support.scratch import Scratch
    from tests.support.tiny import save_roomy_qwen2

    name = model or str(save_roomy_qwen2(place / "tiny"))
    house = small_house.build(Scratch(place / "house" / "shop")).folder
    work = ("-m", "bench.scale.train", "--learn", "--model", name, "--steps", str(steps))
    ways = ways_of(work)
    if not with_nodes:
        ways.popitem()
    return [_learned(way, commands, place, house, model) for way, commands in ways.items()]


def ways_of(work: Sequence[str]) -> dict[str, list[tuple[str, ...]]]:
    """Return the commands that start `work`, an interpreter's arguments, in each way."""
    meeting = f"--rdzv-endpoint=127.0.0.1:{free_port()}"
    together = (*_ELASTIC, "--standalone", "--nnodes=1", "--nproc-per-node=2", *work)
    nodes = [
        (
            *(*_ELASTIC, "--nnodes=2", f"--node-rank={rank}", "--nproc-per-node=1"),
            *("--rdzv-backend=c10d", "--rdzv-id=homespun", meeting),
            *("--local-addr=127.0.0.1", *work),
        )
        for rank in (0, 1)
    ]
    return {
        "one process": [(sys.executable, *work)],
        "torchrun, two processes": [together],
        "torchrun, two nodes on loopback": nodes,
    }


def started(
    commands: Sequence[Sequence[str]], folder: Path, home: Path | None
) -> tuple[list[str], list[int]]:
    """Run commands side by side in a folder; return what each printed, and its exit status."""
    # As torchrun sets it: on a busy machine two threads of a process wait for each other most of
    # the time, and the ratio would be that of waiting.
    threads = {"OMP_NUM_THREADS": "1"}
    more = {**threads, "HOMESPUN_OFFLINE": "1", "PYTHONPATH": str(provenance.ROOT)}
    more |= {} if home is None else {"HOMESPUN_HOME": str(home)}
    running = [
        subprocess.Popen(
            command, cwd=folder, env={**os.environ, **more}, stdout=subprocess.PIPE, text=True
        )
        for command in commands
    ]
    try:
        outputs = [process.communicate(timeout=_LIMIT_SECONDS)[0] for process in running]
    finally:
        for process in running:
            process.kill()
    return outputs, [process.returncode for process in running]


def _learn(model: str, steps: int) -> int:
    """Learn in the current folder, as one of however many."""
    from homespun.training.config import TrainOptions
    from homespun.training.lora.distributed import is_first_process
    from homespun.training.pipeline.train import train_until

    options = TrainOptions(model, steps=steps, examples=220, canaries=0)
    stopped = train_until("learning", ".", options)
    if is_first_process():
        print(json.dumps(stopped.to_json()))
    return 0


def compared(done: Sequence[LearnedTogether]) -> dict[str, Any]:
    """Compare each way with the first."""
    first = done[0]
    rows = []
    for other in done:
        losses = _largest(first.losses, other.losses)
        checks = _largest([c[1] for c in first.checks], [c[1] for c in other.checks])
        rows.append(
            {
                "way": other.way,
                "steps": len(other.losses),
                "seconds": round(other.seconds, 1),
                "learned_tokens_per_second": round(other.tokens_per_second, 1),
                "ratio": round(other.tokens_per_second / first.tokens_per_second, 3),
                "largest_difference_of_losses": losses,
                "largest_difference_of_checks": checks,
                "largest_difference_of_weights": _weights_apart(first.folder, other.folder),
            }
        )
    keys = ("largest_difference_of_losses", "largest_difference_of_checks")
    is_same = all(row[key] is not None and row[key] < 0.02 for row in rows for key in keys)
    return {"ways": rows, "is_same": is_same}


def _learned(
    way: str, commands: Sequence[Sequence[str]], place: Path, house: Path, model: str | None
) -> LearnedTogether:
    workspace = place / way.replace(" ", "-").replace(",", "") / "shop"
    shutil.copytree(house, workspace)
    began = time.monotonic()
    outputs, statuses = started(commands, workspace, None if model else place / "home")
    if any(statuses):
        raise SystemExit(f"{way}: ended with {statuses}")
    seconds = time.monotonic() - began
    (run,) = (workspace / ".homespun" / "training").glob("run-*")
    fit = json.loads((run / "fit.json").read_text(encoding="utf-8"))
    steps = fit["steps"]
    rate = sum(step["tokens"] for step in steps) / sum(step["seconds"] for step in steps)
    losses = [step["loss"] for step in steps]
    return LearnedTogether(way, outputs, run, seconds, losses, fit["checks"], rate)


def _largest(one: Sequence[float], other: Sequence[float]) -> float | None:
    """Return the largest difference; None where there are not as many."""
    if len(one) != len(other):
        return None
    return max((abs(a - b) for a, b in zip(one, other, strict=True)), default=0.0)


def _weights_apart(one: Path, other: Path) -> float:
    import numpy as np
    from safetensors.numpy import load_file

    file = Path("draft") / "adapter_model.safetensors"
    ours, theirs = (load_file(run / file) for run in (one, other))
    assert ours.keys() == theirs.keys()
    return max(
        float(np.abs(ours[name].astype("f4") - theirs[name].astype("f4")).max()) for name in ours
    )


if __name__ == "__main__":
    sys.exit(main())
