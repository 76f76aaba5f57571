"""What the speed costs: loss on Python text and exact match on infilling tasks.

    python -m bench.engine.quality [--fim FILE.jsonl.gz] [--tasks 300] [--model NAME]

float32 (transformers), our served int8 and llama.cpp's formats get the same token ids. The loss is
over files of Python's standard library; the tasks are HumanEval-SingleLineInfilling of
openai/human-eval-infilling: prefix, suffix and middle control tokens, greedy, up to the line's end,
the stripped line compared. What other engines wrote is kept and not computed again: float32 takes
seconds a task.
"""

from __future__ import annotations

import argparse
import ast
import calendar
import csv
import email.message
import gzip
import hashlib
import heapq
import json
import json.decoder
import os
import shutil
import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.common import provenance, stats
from bench.engine import peers
from homespun import paths
from homespun.models.load import load_generator
from homespun.models.types import Generator

FILES = (argparse, json.decoder, email.message, shutil, ast, calendar, csv, heapq, textwrap)
_SKIPPED_TOKENS = 200  # licence and docstring at the head of a file
_LINE_TOKENS = 96  # the longest line of the tasks has 66
_CONTEXT_TOKENS = 2048


@dataclass(frozen=True, slots=True)
class LineTask:
    """A line to write."""

    name: str
    prompt: list[int]
    expected: str  # stripped


@dataclass(frozen=True, slots=True)
class EngineArm:
    """An engine with its weights."""

    name: str
    build: peers.Build
    arguments: dict[str, Any]
    is_kept: bool  # whether its answers are kept for the next run


def main() -> None:
    """Measure, print and write."""
    args = arguments(argparse.ArgumentParser(description=__doc__.split("\n")[0])).parse_args()
    if args.quick:
        args.tasks, args.text_tokens = 10, 60
    report = measure(args)
    # Without both of these there is nothing to compare: such a run only fills the kept answers.
    is_whole = {"float32", peers.OURS} <= set(report["loss"])
    suffix = "-quick" if args.quick else "" if is_whole else "-partial"
    path = provenance.write(f"engine-quality-{args.model}{suffix}", report)
    print(json.dumps(report["loss"], indent=1))
    print(json.dumps(report["infilling"], indent=1))
    print(path)


def arguments(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """Add this part's arguments."""
    parser.add_argument("--model", default="qwen2.5-coder-0.5b")
    parser.add_argument("--threads", type=int, default=provenance.physical_cores())
    parser.add_argument("--fim", type=Path, help="HumanEval-SingleLineInfilling.jsonl.gz")
    parser.add_argument("--tasks", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--text-tokens", type=int, default=500, help="of each file, for the loss")
    parser.add_argument("--quick", action="store_true", help="10 tasks, 60 tokens of each file")
    parser.add_argument("--arms", nargs="*", help="only these, e.g. float32 homespun Q8_0")
    return parser


def measure(args: argparse.Namespace) -> dict[str, Any]:
    """Return the report of all arms."""
    generator = load_generator(args.model, threads=args.threads, context_tokens=_CONTEXT_TOKENS)
    texts = _texts(generator, args.text_tokens)
    tasks = _tasks(generator, args) if args.fim else []
    del generator
    losses: dict[str, list[float]] = {}
    answers: dict[str, dict[str, str]] = {}
    for arm in _arms(args):
        print(f"quality: {arm.name}", file=sys.stderr, flush=True)
        with _opened(arm) as engine:
            ask = _kept(arm, engine) if arm.is_kept else engine.call
            losses[arm.name] = [loss for ids in texts for loss in ask("losses", ids=ids)["losses"]]
            answers[arm.name] = {
                task.name: ask("complete", ids=task.prompt, max_tokens=_LINE_TOKENS, stop=["\n"])[
                    "text"
                ].strip()
                for task in tasks
            }
    return {
        **provenance.facts(args.model, args.threads),
        "files": [module.__name__ for module in FILES],
        "text_tokens": len(next(iter(losses.values()))),
        "tasks": len(tasks),
        "seed": args.seed,
        "loss": loss_rows(losses),
        "infilling": match_rows(answers, {task.name: task.expected for task in tasks}),
    }


def loss_rows(losses: dict[str, list[float]]) -> dict[str, dict[str, Any]]:
    """Mean loss of each arm; against float32 in percent of its mean, with a 95 % interval."""
    rows: dict[str, dict[str, Any]] = {}
    for name, values in losses.items():
        rows[name] = {"mean": sum(values) / len(values)}
        if "float32" in losses and name != "float32":
            reference = losses["float32"]
            mean = sum(reference) / len(reference)
            percent = [(a - b) / mean * 100 for a, b in zip(values, reference, strict=True)]
            rows[name]["percent"] = sum(percent) / len(percent)
            rows[name]["interval"] = stats.paired_interval(percent)
    return rows


def match_rows(
    answers: dict[str, dict[str, str]], expected: dict[str, str]
) -> dict[str, dict[str, Any]]:
    """Share of exact lines of each arm; against float32 in points, with a 95 % interval."""
    rows: dict[str, dict[str, Any]] = {}
    if not expected:
        return rows
    hits = {
        arm: [float(texts[name] == line) for name, line in expected.items()]
        for arm, texts in answers.items()
    }
    for arm, values in hits.items():
        rows[arm] = {"exact": sum(values) / len(values)}
        if "float32" in hits and arm != "float32":
            points = [(a - b) * 100 for a, b in zip(values, hits["float32"], strict=True)]
            rows[arm]["points"] = sum(points) / len(points)
            rows[arm]["interval"] = stats.paired_interval(points)
            same = [answers[arm][name] == answers["float32"][name] for name in expected]
            rows[arm]["same_line"] = sum(same) / len(same)
    return rows


def _arms(args: argparse.Namespace) -> list[EngineArm]:
    arms = [
        EngineArm("float32", peers.float32(), {"model": args.model, "threads": args.threads}, True),
        EngineArm(
            peers.OURS,
            peers.ours(),
            {
                "model": args.model,
                "threads": args.threads,
                "context_tokens": _CONTEXT_TOKENS,
            },
            False,
        ),
    ]
    native = [build for build in peers.peers() if build.name == peers.NATIVE]
    if not native:
        print("quality: no native llama.cpp (make peers); left out", file=sys.stderr)
    for build in native:
        for kind, path in peers.formats(args.model).items():
            settings = {
                "model": str(path),
                "threads": args.threads,
                "context_tokens": _CONTEXT_TOKENS,
                "flash_attention": False,
            }
            arms.append(EngineArm(f"llama.cpp, {kind}", build, settings, True))
    if not args.arms:
        return arms
    return [arm for arm in arms if any(word in arm.name for word in args.arms)]


@contextmanager
def _opened(arm: EngineArm) -> Iterator[peers.EngineProcess]:
    # Here nothing is timed: threads that wait should sleep and leave the cores to others.
    with peers.EngineProcess(
        arm.build, environment={**os.environ, "OMP_WAIT_POLICY": "passive"}
    ) as engine:
        engine.open(**arm.arguments)
        yield engine


def _kept(arm: EngineArm, engine: peers.EngineProcess) -> Callable[..., dict[str, Any]]:
    """Ask through a file of answers, one a line, that a later run goes on with."""
    name = f"{arm.name} {engine.facts['version']} {arm.arguments['model']}"
    directory = paths.home() / "bench" / "quality"
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"{hashlib.sha256(name.encode()).hexdigest()[:16]}.jsonl"
    kept: dict[str, dict[str, Any]] = {}
    if path.exists():
        for line in path.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            kept[row["question"]] = row["answer"]

    def ask(operation: str, **arguments: object) -> dict[str, Any]:
        question = hashlib.sha256(json.dumps([operation, arguments]).encode()).hexdigest()
        if question not in kept:
            kept[question] = engine.call(operation, **arguments)
            with path.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"question": question, "answer": kept[question]}) + "\n")
        return kept[question]

    return ask


def _texts(generator: Generator, tokens: int) -> list[list[int]]:
    sources = [Path(str(module.__file__)).read_text(encoding="utf-8") for module in FILES]
    return [generator.tokenizer.encode(text)[_SKIPPED_TOKENS:][:tokens] for text in sources]


def _tasks(generator: Generator, args: argparse.Namespace) -> list[LineTask]:
    with gzip.open(args.fim, "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    tokenizer, fim = generator.tokenizer, generator.fim
    return [
        LineTask(
            row["task_id"],
            [
                tokenizer.control(fim.prefix),
                *tokenizer.encode(row["prompt"]),
                tokenizer.control(fim.suffix),
                *tokenizer.encode(row["suffix"]),
                tokenizer.control(fim.middle),
            ],
            row["canonical_solution"].strip(),
        )
        for row in stats.sample(rows, args.tasks, seed=args.seed)
    ]


if __name__ == "__main__":
    main()
