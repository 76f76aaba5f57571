"""What each eagerness shows, beside all that the rules let pass: the same keys, the same answers.

    python -m bench.eagerness.run --rows FILE.jsonl            # ask, then judge
    python -m bench.eagerness.run --rows FILE.jsonl --judge    # what is there
    python -m bench.eagerness.run --rows FILE.jsonl --held --write

The sessions of `bench.typing.offline`, the model asked at every key; what would have been displayed
by each eagerness is played through afterwards, so all of them judge the very same answers. Prints
the table, the calibration of what is said of whole suggestions, and the time that judging takes;
with `--write` also bench/results/eagerness-MODEL.json and .svg.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from bench.common import provenance
from bench.common.rows import read_rows
from bench.completion.router.ask import RecordingGenerator
from bench.eagerness import reliability
from bench.typing.corpus import RetypedPackage, corpus, say_which, use_suffix
from bench.typing.judge import JudgedKey, ShownFigures, shown_figures, table
from bench.typing.offline import OfflineKey, displayed, retype
from bench.typing.retyping import add_arguments, retype_all
from bench.typing.sessions import Session
from bench.typing.stats import SEEN_MS, markdown
from homespun.indexer.index import Index
from homespun.server.completion.completer import Completer
from homespun.server.confidence.choose import ALL, COSTS, Chooser
from homespun.server.confidence.probability import shipped
from homespun.server.confidence.suggestion import Verdict, WrittenSuggestion
from homespun.server.options import CompletionOptions
from homespun.server.types import Completion
from homespun.training.shipped.confidence.collect import RecordingJudge, key_rows, read
from homespun.training.shipped.confidence.typed import TypedSession


def main() -> int:
    """Ask what is missing, judge all of it."""
    args = _arguments()
    packages = corpus(args.use, names=args.packages)
    print(say_which(packages, args.use), file=sys.stderr)
    if not args.judge:
        done = {row["session"] for row in _offline(args.rows)}
        retype_all(packages[args.part :: args.parts], args, done=done, rows_of=_rows_of)
    if args.parts == 1:
        report = judged(args.rows)
        print(markdown(table(report["figures"])))
        print(json.dumps({k: v for k, v in report.items() if k != "figures"}, indent=1))
        if args.write:
            _write(report, args)
    return 0


def judged(file: Path) -> dict[str, Any]:
    """Return figures of each eagerness over the answers of a file."""
    rows = [OfflineKey(**row) for row in _offline(file)]
    suggestions = [key.suggestion for key in read(file)]
    place = {id(row): number for number, row in enumerate(rows)}
    found: dict[str, ShownFigures] = {}
    again: dict[str, float] = {}
    for name in (*COSTS, ALL):
        texts = _texts(name, rows, suggestions)
        keys = displayed(rows, lambda row, texts=texts: texts[place[id(row)]])
        found[name] = shown_figures(keys)
        again[name] = _saved_again(keys)
    return {
        "figures": found,
        "saved_again": again,
        **_calibration(rows, suggestions),
        **_time(suggestions),
    }


def _saved_again(keys: Sequence[JudgedKey]) -> float:
    """Return the share of the characters that who takes every right suggestion need not type.

    The table counts one for a line, the first; of who is shown the sure beginning of a line and,
    once that is taken, the rest of it, that is half the truth. The accepting keys are paid.
    """
    saved, place = 0, dict[tuple[str, int], int]()
    for key in keys:
        chars = min(key.judgement.right_chars, key.upcoming_chars)
        line = (key.session, key.line)
        is_behind = key.upcoming_chars <= place.get(line, key.upcoming_chars)
        if key.is_shown and chars > 1 and key.seen_ms >= SEEN_MS and is_behind:
            saved += chars - 1
            place[line] = key.upcoming_chars - chars
    return round(saved / max(sum(key.is_typed for key in keys), 1), 4)


def _texts(
    eagerness: str, rows: Sequence[OfflineKey], suggestions: Sequence[WrittenSuggestion | None]
) -> list[str]:
    """Return what an eagerness shows of each fresh answer."""
    if eagerness == ALL:
        return [suggestion.text if suggestion else "" for suggestion in suggestions]
    verdicts = _verdicts(eagerness, rows, suggestions)
    return [verdict.text if verdict else "" for verdict in verdicts]


def _verdicts(
    eagerness: str, rows: Sequence[OfflineKey], suggestions: Sequence[WrittenSuggestion | None]
) -> Iterator[Verdict | None]:
    """Yield what a chooser says of each fresh answer; it begins anew with each session."""
    chooser, session = Chooser(shipped(), COSTS[eagerness]), ""
    for row, suggestion in zip(rows, suggestions, strict=True):
        if row.session != session:
            chooser, session = Chooser(shipped(), COSTS[eagerness]), row.session
        yield chooser(suggestion) if suggestion else None


def _calibration(
    rows: Sequence[OfflineKey], suggestions: Sequence[WrittenSuggestion | None]
) -> dict[str, Any]:
    """Return how far what is said of what the balanced show is from what comes true."""
    said, right, packages = [], [], []
    for row, verdict in zip(rows, _verdicts("balanced", rows, suggestions), strict=True):
        if verdict and verdict.text and verdict.probability is not None:
            said.append(verdict.probability)
            right.append(float(reliability.is_right(verdict.text, row.upcoming)))
            packages.append(row.package)
    return reliability.calibration(said, right, packages)


def _time(suggestions: Sequence[WrittenSuggestion | None]) -> dict[str, float]:
    """Return the milliseconds that judging adds: the median, and what one in twenty exceeds."""
    chooser = Chooser(shipped(), COSTS["balanced"])
    taken = []
    for suggestion in suggestions:
        if suggestion is not None:
            began = time.perf_counter()
            chooser(suggestion)
            taken.append((time.perf_counter() - began) * 1000)
    return {
        "ms_p50": round(float(np.quantile(taken, 0.5)), 3),
        "ms_p95": round(float(np.quantile(taken, 0.95)), 3),
    }


def _rows_of(
    session: Session,
    package: RetypedPackage,
    index: Index,
    generator: RecordingGenerator,
    options: CompletionOptions,
) -> Iterator[Mapping[str, object]]:
    judge = RecordingJudge()
    completer = Completer(generator, index, options, judge=judge)
    return _retyped(session, completer, judge, generator, held=package.held)


def _retyped(
    session: Session,
    completer: Completer,
    judge: RecordingJudge,
    generator: RecordingGenerator,
    *,
    held: bool,
) -> Iterator[dict[str, Any]]:
    """Yield the rows of a session, in the form of the job that fits: `collect.read` reads them."""
    yield {
        "row": "session",
        **asdict(
            TypedSession(
                *(session.package, session.language, session.path),
                before=session.before,
                after=session.after,
                target=session.target,
            )
        ),
    }
    written: set[str] = set()
    typed = ""
    keys = iter(session.keys)
    for key in retype(session, completer, generator, held=held, every_key=True):
        press = next(keys)
        typed = typed[: len(typed) - press.delete_chars] + press.insert
        completion = Completion(
            key.fresh or "", key.finish, key.model, timings_ms={"total": key.ms}
        )
        for row in key_rows(typed, completion, judge.last, written):
            yield row | ({"offline": asdict(key)} if row["row"] == "key" else {})
        judge.last = None


def _offline(file: Path) -> Iterator[dict[str, Any]]:
    return (row["offline"] for row in read_rows(file) if row["row"] == "key")


def _write(report: dict[str, Any], args: argparse.Namespace) -> None:
    body = provenance.facts(args.name or args.model, args.threads) | report
    body["use"] = args.use
    body["figures"] = {name: asdict(found) for name, found in report["figures"].items()}
    name = f"eagerness-{args.name or args.model}{use_suffix(args.use)}"
    provenance.write(name, body)
    path = provenance.RESULTS / f"{name}.svg"
    path.write_text(reliability.drawn(report["reliability"]), encoding="utf-8")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    add_arguments(parser, sessions=2, keys=50)
    parser.add_argument("--write", action="store_true", help="write bench/results/")
    parser.add_argument("--name", default="", help="of the results, in place of the model's")
    parser.add_argument("--part", type=int, default=0, help="of --parts, from 0; asks, no report")
    parser.add_argument("--parts", type=int, default=1)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
