"""From a key to the model's answer: predicted from a timing of the machine, and measured.

    python -m bench.micro.key_times [--model NAME ...] [--package click] [--keys 48] [--turns 3]
    python -m bench.micro.key_times --package structlog starlette --sessions 6 --record FILE

Lines are taken out of modules of a pinned PyPI package and typed in again, key by key, through the
`Completer` that serves, retrieval on, as `bench/typing/` does at human speed. Keys that the server
answers from its cache ask no model and do not count; where somebody who types would have paused for
0.6 s, and before the first key, the prompt is prepared as the server does. Before each session and
behind the last the machine is timed for some rounds, so that both meet the same neighbours, and not
between keys: a timing takes the processor's caches and threads away from the next one. `--record`
writes down the steps of the model at each key, which is what predictions are made from
(models/recommend/keys.json), and what a key takes beside them. What is recorded from is another
package than what is measured.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench.common import provenance
from bench.typing.corpus import copy_with, corpus, source_files
from bench.typing.sessions import Session, Typist, make_sessions
from homespun.indexer.config import IndexConfig
from homespun.indexer.index import Index
from homespun.models import catalogue
from homespun.models.engine.decoder import OnnxDecoder
from homespun.models.engine.kv_slots import Slot
from homespun.models.engine.output_head import StepOutput
from homespun.models.load import load_generator
from homespun.models.recommend.predict import StepWork, predict, recorded_keys
from homespun.models.recommend.speeds import MachineSpeeds
from homespun.models.recommend.timing import MachineTimer
from homespun.server.completion.completer import Completer
from homespun.server.completion.open import context_length
from homespun.server.options import CompletionOptions
from homespun.server.requests.answer_cache import AnswerCache
from homespun.server.types import CompletionRequest

_ROUNDS = 4  # of the timing, before each session
_PAUSE_MS = 600.0  # between keys; what follows one was prepared


@dataclass(frozen=True, slots=True)
class AskedKey:
    """A key at which the model was asked."""

    ms: float
    steps: tuple[StepWork, ...]
    steps_ms: float  # of the graph alone
    model_ms: float  # of the engine, with the graph


class WatchedSteps:
    """Writes down each step of a decoder."""

    def __init__(self, decoder: OnnxDecoder) -> None:
        """Stand before the decoder's own `run`."""
        self._run = decoder.run
        self.steps: list[StepWork] = []
        self.ms = 0.0
        decoder.run = self.run  # type: ignore[method-assign]

    def run(
        self, slot: Slot, tokens: Sequence[int], rows: Sequence[int], options: object
    ) -> StepOutput:
        """Run a step, as `OnnxDecoder.run`."""
        past, began = len(slot.tokens), time.perf_counter()
        output = self._run(slot, tokens, rows, options)
        self.ms += (time.perf_counter() - began) * 1000
        self.steps.append(StepWork(len(tokens), len(rows), past))
        return output

    def clear(self) -> None:
        """Forget what was written down."""
        self.steps, self.ms = [], 0.0


def main() -> int:
    """Record, or print a table of predictions and measurements."""
    args = _arguments()
    with ExitStack() as stack:
        places = [stack.enter_context(_workplace(name, args)) for name in args.package]
        if args.record is not None:
            decoder = _decoder(args.model[0], args.threads)
            _record(args, list(_type_all(decoder, places)))
        else:
            _compare(args, places)
    return 0


@dataclass(frozen=True, slots=True)
class TypedPlace:
    """A package with its index, and what is typed in there."""

    index: Index
    sessions: tuple[Session, ...]


@contextmanager
def _workplace(name: str, args: argparse.Namespace) -> Iterator[TypedPlace]:
    """Copy a package, without the lines that are typed, and index it."""
    package = next(package for package in corpus() if package.package.name == name)
    files = source_files(package.folder(), package.language)
    sessions = make_sessions(
        package.name,
        files,
        language=package.language,
        count=args.sessions,
        keys=args.keys,
        seed=args.seed,
    )
    with tempfile.TemporaryDirectory(prefix="keys-") as scratch:
        root = Path(scratch).resolve() / package.name
        copy_with(package.folder(), root, {session.path: session.text for session in sessions})
        index = Index.open(root, IndexConfig(encoder="none"), create=True)
        index.update()
        yield TypedPlace(index, tuple(sessions))


def _record(args: argparse.Namespace, keys: Sequence[AskedKey]) -> None:
    """Write the work of keys; times besides are medians, which neighbours raise."""
    facts = provenance.facts(args.model[0], args.threads)
    body = {
        "what": "steps of the model at keys that it was asked at: rows, rows wanted, tokens before",
        "made_by": "bench/micro/key_times.py",
        "package": args.package,
        **{name: facts[name] for name in ("date", "commit", "model", "machine")},
        "step_ms": _rounded((key.model_ms - key.steps_ms) / len(key.steps) for key in keys),
        "key_ms": _rounded(key.ms - key.model_ms for key in keys),
        "keys": [[astuple(step) for step in key.steps] for key in keys],
    }
    text = json.dumps(body, separators=(",", ":")).replace("]],[[", "]],\n[[")
    args.record.write_text(text + "\n", encoding="utf-8")
    print(f"{len(keys)} keys, {sum(len(key.steps) for key in keys)} steps: {args.record}")


def _rounded(values: Iterator[float]) -> float:
    return round(statistics.median(values), 2)


def _compare(args: argparse.Namespace, places: Sequence[TypedPlace]) -> None:
    """Let timing and typing take turns; print what was said and what was so."""
    said: dict[str, list[tuple[float, float]]] = {name: [] for name in args.model}
    measured: dict[str, list[tuple[float, float]]] = {name: [] for name in args.model}
    decoders = {name: _decoder(name, args.threads) for name in args.model}
    for turn in range(args.turns):
        for name, decoder in decoders.items():
            timed, keys = _in_turns(decoder, places, args.threads)
            said[name].append(_predicted(name, timed))
            measured[name].append(_quantiles([key.ms for key in keys]))
            load = provenance.machine()["load"]
            _say(f"turn {turn + 1}, {name}, {len(keys)} keys, load {load}", said, measured, name)
    print("| model | | p50 | p95 |\n|---|---|--:|--:|")
    for name in args.model:
        mine, real = (np.median(rows[name], axis=0) for rows in (said, measured))
        ratio = np.median(np.divide(said[name], measured[name]), axis=0)
        print(f"| {name} | predicted | {mine[0]:.0f} ms | {mine[1]:.0f} ms |")
        print(f"| | measured | {real[0]:.0f} ms | {real[1]:.0f} ms |")
        print(f"| | predicted / measured, a turn | {ratio[0]:.2f} | {ratio[1]:.2f} |")


def _in_turns(
    decoder: OnnxDecoder, places: Sequence[TypedPlace], threads: int
) -> tuple[MachineSpeeds, list[AskedKey]]:
    """Time the machine around the sessions; return what was timed, and the keys."""
    keys: list[AskedKey] = []
    with MachineTimer(threads=threads) as timer:
        for place in places:
            for session in place.sessions:
                _rounds(timer)
                keys += _type_all(decoder, [TypedPlace(place.index, (session,))])
        _rounds(timer)
        return timer.speeds(), keys


def _rounds(timer: MachineTimer) -> None:
    for _ in range(_ROUNDS):
        timer.round()


def _say(what: str, said: dict[str, Any], measured: dict[str, Any], name: str) -> None:
    mine, real = said[name][-1], measured[name][-1]
    print(
        f"{what}: predicted {mine[0]:.0f} / {mine[1]:.0f}, measured {real[0]:.0f} / {real[1]:.0f}",
        file=sys.stderr,
    )


def _predicted(name: str, speeds: MachineSpeeds) -> tuple[float, float]:
    shape = catalogue.get(name).shape
    assert shape is not None  # of a generator
    times = predict(shape, speeds, recorded_keys())
    return times.p50_ms, times.p95_ms


def _quantiles(values: Sequence[float]) -> tuple[float, float]:
    p50, p95 = np.percentile(values, (50, 95))
    return float(p50), float(p95)


def _decoder(name: str, threads: int) -> OnnxDecoder:
    length = context_length(CompletionOptions())
    return load_generator(name, threads=threads, context_tokens=length)


def _type_all(decoder: OnnxDecoder, places: Sequence[TypedPlace]) -> Iterator[AskedKey]:
    """Type every session; yield the keys at which the model was asked."""
    watched = WatchedSteps(decoder)
    try:
        for place in places:
            completer = Completer(decoder, place.index, CompletionOptions())
            for session in place.sessions:
                yield from _type(completer, watched, session)
    finally:
        del decoder.run  # type: ignore[method-assign]


def _type(completer: Completer, watched: WatchedSteps, session: Session) -> Iterator[AskedKey]:
    typist, cache = Typist(session), AnswerCache()
    pause_ms = _PAUSE_MS  # a document that was opened is looked at first
    while not typist.is_done:
        if pause_ms >= _PAUSE_MS:
            completer.prepare(_request(session, typist))
        pause_ms = typist.next().gap_ms
        request = _request(session, typist)
        key = completer.key(request)
        if cache.find(key, request.text, request.offset) is not None:
            continue
        watched.clear()
        began = time.perf_counter()
        completion = completer.complete(request)
        ms = (time.perf_counter() - began) * 1000
        cache.remember(key, request.text, request.offset, completion)
        if watched.steps:
            taken = completion.timings_ms
            model_ms = taken["prefill"] + taken["decode"]
            yield AskedKey(ms, tuple(watched.steps), watched.ms, model_ms)


def _request(session: Session, typist: Typist) -> CompletionRequest:
    return CompletionRequest(
        text=typist.before + session.after,
        offset=len(typist.before),
        path=session.path,
        language="python",
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--model", nargs="+", default=["qwen2.5-coder-0.5b"])
    names = [package.package.name for package in corpus()]
    parser.add_argument("--package", nargs="+", default=["click"], choices=names)
    parser.add_argument("--sessions", type=int, default=3)
    parser.add_argument("--keys", type=int, default=48, help="keys of a session, at least")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--turns", type=int, default=3, help="of timing and typing")
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--record", type=Path, help="write the work of keys here")
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
