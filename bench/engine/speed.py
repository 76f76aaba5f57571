"""How fast the engine is: prompts, steps, load and memory, ours and llama.cpp's in turns.

    python -m bench.engine.speed [--model NAME] [--rounds 3] [--quick]

Every round asks each engine the same token ids, ours first, then each build and format of
llama.cpp; medians and ratios are over rounds. Ids are code of Python's standard library, fresh in
each round, so that no cache helps. The machine's own limits are measured in the same run.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

from bench.common import provenance, stats
from bench.engine import peers, roofline, texts
from homespun import paths
from homespun.models import catalogue
from homespun.models.weights.gguf import GgufSource
from homespun.models.weights.source import DecoderConfig

_PAST_TOKENS = 600  # before a decoded token: a usual prompt
_DECODE_TOKENS = 32
_WRITE_TOKENS = 64  # where drafting is measured
_WRITTEN_TEXTS = 4  # a round
_SLOT_TOKENS = 2048  # of each of four slots, for the memory
_SPARE_TOKENS = 128
ROWS = (1, 2, 4, 8, 16)

# llama.cpp drafts by copying as well where it is told to; llama.vim does not tell it.
_NGRAM = f"{peers.WHEEL}, {peers.AS_IS}, n-gram drafts"

Times = dict[str, dict[str, list[float]]]  # measure -> engine -> one value a round


def main() -> None:
    """Measure, write, say where."""
    args = arguments(argparse.ArgumentParser(description=__doc__.split("\n")[0])).parse_args()
    if args.quick:
        args.rounds, args.lengths, args.builds, args.formats = 1, [256], ["native"], [peers.AS_IS]
    suffix = "-quick" if args.quick else ""
    print(provenance.write(f"engine-speed-{args.model}{suffix}", measure(args)))


def arguments(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """Add this part's arguments."""
    parser.add_argument("--model", default="qwen2.5-coder-0.5b")
    parser.add_argument("--threads", type=int, default=provenance.physical_cores())
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--lengths", type=int, nargs="+", default=[256, 1024, 2048])
    parser.add_argument("--builds", nargs="*", help="only builds whose name has one of these words")
    parser.add_argument("--formats", nargs="*", help="only these formats of llama.cpp")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quick", action="store_true", help="one round of short prompts")
    return parser


def measure(args: argparse.Namespace) -> dict[str, Any]:
    """Run all rounds and return the report."""
    began = provenance.facts(args.model, args.threads)
    shape = _shape(args.model)
    supply = texts.Supply(args.model, seed=args.seed)
    context = max([*args.lengths, _PAST_TOKENS]) + _SPARE_TOKENS
    with ExitStack() as stack:
        limits = stack.enter_context(roofline.Roofline(args.threads))
        limits.measure()
        engines, attention = _open_all(args, stack, supply, context)
        times: Times = {}
        drafting: dict[str, list[float]] = {}
        for number in range(args.rounds):
            _say(f"round {number + 1} of {args.rounds}, load {provenance.machine()['load']}")
            values = [*_round(engines, supply, args.lengths), *_writing(engines, supply, drafting)]
            for name, engine, value in values:
                times.setdefault(name, {}).setdefault(engine, []).append(value)
            limits.measure()
        report = {
            **began,
            "rounds": args.rounds,
            "past_tokens": _PAST_TOKENS,
            "engines": {name: _facts(engine) for name, engine in engines.items()},
            "flash_attention": attention,
            "limits": limits.limits,
        }
    memory = _four_slots(args, supply)
    return report | {
        "load_after": provenance.machine()["load"],
        "memory_four_slots": memory,
        "times": times,
        "drafting": drafting,
        "summary": summary(times),
        "shares": _all_shares(shape, times, limits.limits, args.lengths),
    }


def summary(times: Times) -> dict[str, dict[str, Any]]:
    """Median milliseconds of each engine, and how many times as long each takes as ours."""
    rows = {}
    for name, engines in times.items():
        medians = {engine: statistics.median(values) for engine, values in engines.items()}
        ours = engines.get(peers.OURS)
        ratios = {
            engine: stats.median_ratio(values, ours)
            for engine, values in engines.items()
            if ours and engine != peers.OURS
        }
        rows[name] = {"median_ms": medians, "times_ours": ratios}
    return rows


def _round(
    engines: dict[str, peers.EngineProcess], supply: texts.Supply, lengths: list[int]
) -> Iterator[tuple[str, str, float]]:
    """Yield (measure, engine, milliseconds) of one round of prompts and steps."""
    engines = {name: engine for name, engine in engines.items() if name != _NGRAM}
    for length in lengths:
        ids = supply.code(length)
        for name, engine in engines.items():
            yield f"prompt {length}", name, engine.call("prompt", ids=ids)["ms"]
    ids = _going_on(engines[peers.OURS], supply.code)
    for name, engine in engines.items():
        yield "token", name, engine.call("decode", ids=ids, tokens=_DECODE_TOKENS)["ms"]
    for name, engine in engines.items():
        if engine.build.name == peers.WHEEL:
            continue  # the server has no steps of several tokens
        found = engine.call("steps", ids=ids, rows=list(ROWS), repeats=5)["ms"]
        yield from ((f"{rows} rows", name, ms) for rows, ms in zip(ROWS, found, strict=True))


def _writing(
    engines: dict[str, peers.EngineProcess], supply: texts.Supply, drafting: dict[str, list[float]]
) -> Iterator[tuple[str, str, float]]:
    """Yield milliseconds a written token: code that repeats what is above it, and other code.

    What drafts bring depends on the text, so who drafts writes behind several; llama.cpp's time a
    token without drafts does not, it writes behind the first. `drafting` collects our plain time
    over the drafted one, a value a text.
    """
    for kind in ("repeating", "other"):
        draw = getattr(supply, kind)
        drawn = [_going_on(engines[peers.OURS], draw) for _ in range(_WRITTEN_TEXTS)]
        drafted: list[float] = []
        plain: list[float] = []
        for ids in drawn:
            for values, is_drafting in ((drafted, True), (plain, False)):
                done = engines[peers.OURS].call(
                    "decode", ids=ids, tokens=_WRITE_TOKENS, drafting=is_drafting
                )
                values.append(done["ms"])
        drafting.setdefault(kind, []).extend(b / a for a, b in zip(drafted, plain, strict=True))
        yield f"{kind} code", peers.OURS, statistics.mean(drafted)
        yield f"{kind} code", f"{peers.OURS}, no drafts", statistics.mean(plain)
        for name, engine in engines.items():
            if engine.build.name == peers.NATIVE:
                done = engine.call("decode", ids=drawn[0], tokens=_WRITE_TOKENS)
                yield f"{kind} code", name, done["ms"]
        if _NGRAM in engines:
            call = engines[_NGRAM].call
            times = [call("decode", ids=ids, tokens=_WRITE_TOKENS)["ms"] for ids in drawn]
            yield f"{kind} code", _NGRAM, statistics.mean(times)


def _going_on(ours: peers.EngineProcess, draw: Callable[[int], list[int]]) -> list[int]:
    """Draw a text behind which the model writes enough before it ends of its own accord."""
    while True:
        ids = draw(_PAST_TOKENS)
        if ours.call("decode", ids=ids, tokens=_WRITE_TOKENS)["tokens"] == _WRITE_TOKENS:
            return ids


def _open_all(
    args: argparse.Namespace, stack: ExitStack, supply: texts.Supply, context: int
) -> tuple[dict[str, peers.EngineProcess], dict[str, Any]]:
    """Open ours and each build and format, flash attention on or off as is faster for each."""
    engine = stack.enter_context(peers.EngineProcess(peers.ours()))
    engine.open(model=args.model, threads=args.threads, context_tokens=context)
    engines = {peers.OURS: engine}
    attention: dict[str, Any] = {}
    builds = peers.peers()
    if not builds:
        _say("no llama.cpp here (make peers); only ours is measured")
    for build in builds:
        if args.builds and not any(word in build.name for word in args.builds):
            continue
        for kind, path in peers.formats(args.model).items():
            if args.formats and kind not in args.formats:
                continue
            name = f"{build.name}, {kind}"
            _say(f"opening {name}")
            settings = {"model": str(path), "threads": args.threads, "context_tokens": context}
            best, trial = _faster_attention(stack, build, settings, supply)
            engines[name], attention[name] = best, trial
            if name == f"{peers.WHEEL}, {peers.AS_IS}":
                engines[_NGRAM] = stack.enter_context(peers.EngineProcess(build))
                flag = trial["taken"] == "on"
                engines[_NGRAM].open(**settings, flash_attention=flag, drafting="NGRAM_SIMPLE")
    return engines, attention


def _faster_attention(
    stack: ExitStack, build: peers.Build, settings: dict[str, Any], supply: texts.Supply
) -> tuple[peers.EngineProcess, dict[str, Any]]:
    """Open with flash attention and without; keep what does 512 tokens and 64 steps sooner."""
    tried: dict[str, peers.EngineProcess] = {}
    costs: dict[str, float] = {}
    for word, flag in (("off", False), ("on", True)):
        tried[word] = stack.enter_context(peers.EngineProcess(build))
        tried[word].open(**settings, flash_attention=flag)
    ids = supply.code(512)
    for word, engine in [*tried.items(), *reversed(tried.items())]:
        prompt = engine.call("prompt", ids=ids)["ms"]
        step = engine.call("decode", ids=ids, tokens=16)["ms"]
        costs[word] = min(costs.get(word, float("inf")), prompt + 64 * step)
    taken = min(costs, key=costs.__getitem__)
    tried["on" if taken == "off" else "off"].close()
    return tried[taken], {"taken": taken, "trial_ms": costs}


def _four_slots(args: argparse.Namespace, supply: texts.Supply) -> dict[str, float]:
    """Memory of a fresh process with four documents of 2,048 tokens open."""
    with peers.EngineProcess(peers.ours()) as engine:
        engine.open(model=args.model, threads=args.threads, context_tokens=_SLOT_TOKENS)
        prompts = [supply.code(_SLOT_TOKENS) for _ in range(4)]
        resident: dict[str, float] = engine.call("slots", prompts=prompts)
        return resident


def _facts(engine: peers.EngineProcess) -> dict[str, Any]:
    return {**engine.facts, "memory_mb_after": engine.call("memory")}


def _all_shares(
    shape: DecoderConfig, times: Times, limits: dict[str, Any], lengths: list[int]
) -> dict[str, dict[str, dict[str, float]]]:
    """Shares of the machine's limits, by measure and engine."""
    work = {f"prompt {length}": roofline.prompt_work(shape, length) for length in lengths}
    work["token"] = roofline.step_work(shape, _PAST_TOKENS)
    return {
        name: {
            engine: roofline.shares(work[name], statistics.median(values) / 1000, limits)
            for engine, values in times[name].items()
            # llama.cpp's formats have other widths: the limits of int8 weights say nothing of them
            if engine == peers.OURS
        }
        for name in work
    }


def _shape(model: str) -> DecoderConfig:
    return GgufSource(paths.source_dir(model) / catalogue.get(model).files[0].name).config


def _say(line: str) -> None:
    print(f"engine: {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
