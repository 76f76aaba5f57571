"""Retype real code at human speed: our server and llama.cpp with llama.vim's policy.

    python -m bench.typing.replay [--quick] [--no-retrieval] [--formats Q8_0 ...]
    python -m bench.typing.replay --held     # the held packages, for the report alone

Lines are taken out of files of source packages in seven languages, none of which trained anything,
and typed in again key by key. After each key the editor asks as it does in life: our server over
stdio with its defaults, llama.cpp's over HTTP as llama.vim asks it, with the same budget of prompt
tokens. Both sides get the same keys at the same intervals, and take turns session by session; the
other one rests meanwhile. In some sessions the user types all, in the others takes right
suggestions now and then. Prints two tables (how fast, how right) and writes them to
bench/results/typing-MODEL.json, with the frontier of share right against keys served beside it.
"""

from __future__ import annotations

import argparse
import functools
import itertools
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench.common import provenance
from bench.eagerness.reliability import calibration
from bench.engine import peers
from bench.typing.client import Keystroke, ScreenAnswer, Side, TokenWork
from bench.typing.corpus import (
    RetypedPackage,
    add_use,
    copy_with,
    corpus,
    say_which,
    source_files,
    use_suffix,
)
from bench.typing.judge import (
    ShownFigures,
    frontier_drawing,
    judged,
    judged_key,
    shown_figures,
)
from bench.typing.judge import table as shown_table
from bench.typing.llama import LlamaVim
from bench.typing.ours import Homespun
from bench.typing.sessions import Session, Typist, make_sessions, right_chars
from bench.typing.stats import (
    KeyResult,
    can_take,
    could_save_chars,
    figures,
    markdown,
    ratios,
    saved_chars,
    seen_ms,
    table_rows,
)

# Of a package: whether right suggestions are taken, sessions, keys of one at least.
_PLANS = ((False, 2, 48), (True, 1, 30))
_QUICK = ((False, 1, 32), (True, 1, 32))
_LAST_SECONDS = 12.0  # that the last suggestion of a session is waited for
_BUDGET_TOKENS = 1024  # of a prompt, on both sides
ROW_FIELDS = tuple(
    "side session takes kind at_ms gap_ms answer_ms cached right_chars verdict cut_chars".split()
)


def main() -> int:
    """Run the replay, print the table, write the report."""
    args = _arguments()
    packages = corpus(args.use, names=args.packages)
    packages = packages[:1] if args.quick else packages
    print(say_which(packages, args.use), file=sys.stderr)
    report: dict[str, Any] = provenance.facts(args.model, args.threads)
    rows: list[KeyResult] = []
    sides: dict[str, dict[str, Any]] = {}
    for package in packages:
        sessions = _sessions(package, args)
        with tempfile.TemporaryDirectory(prefix="typing-") as scratch:
            root = Path(scratch).resolve() / package.name
            texts = {session.path: session.text for session, _ in sessions}
            copy_with(package.folder(), root, texts)
            _index(root)
            _replay_package(root, package.language, sessions, args, rows, sides)
    report |= {
        "seed": args.seed,
        "pace": args.pace,
        "budget_tokens": _BUDGET_TOKENS,
        "acceptance": args.acceptance,
        "packages": [package.name for package in packages],
        "use": args.use,
        "sides": {name: _figures(name, facts, rows) for name, facts in sides.items()},
    }
    report["ratios"] = _ratios(report["sides"])
    report["load_after"] = provenance.machine()["load"]
    print(markdown(table_rows(report)))
    shown = {name: _shown(name, rows) for name in sides}
    report["shown"] = {name: asdict(found) for name, found in shown.items()}
    print()
    print(markdown(shown_table(shown)))
    print(f"\nhow true its probabilities are: {report['sides']['homespun']['calibration']}")
    report["row_fields"] = ROW_FIELDS
    report["rows"] = [_compact(row) for row in rows]
    suffix = ("-quick" if args.quick else "") + use_suffix(args.use)
    suffix += "" if args.builds else "-alone"  # never in the place of a run beside the others
    written = provenance.write(f"typing-{args.model}{suffix}", report)
    drawing = frontier_drawing(
        {name: [found] for name, found in shown.items()},
        title=f"Right suggestions against keys served, {args.model}",
    )
    written.with_suffix(".svg").write_text(drawing, encoding="utf-8")
    return 0


def _shown(name: str, rows: Sequence[KeyResult]) -> ShownFigures:
    """Return how right one side is, in the sessions in which nothing is taken."""
    return shown_figures([judged_key(row) for row in rows if row.side == name and not row.takes])


def _sessions(package: RetypedPackage, args: argparse.Namespace) -> list[tuple[Session, float]]:
    """Draw a package's sessions, with the probability that a right suggestion is taken."""
    files = source_files(package.folder(), package.language)
    plans = _QUICK if args.quick else _PLANS
    sessions: list[tuple[Session, float]] = []
    for takes, count, keys in plans:
        drawn = make_sessions(
            package.name,
            files,
            language=package.language,
            count=count,
            keys=keys,
            seed=args.seed,
            pace=args.pace,
        )
        for session in drawn:
            sessions.append((session, args.acceptance if takes else 0.0))
            del files[session.path]
    return sessions


def _index(root: Path) -> None:
    command = [sys.executable, "-P", "-m", "homespun.cli", "index", str(root)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def _replay_package(
    root: Path,
    language: str,
    sessions: Sequence[tuple[Session, float]],
    args: argparse.Namespace,
    rows: list[KeyResult],
    sides: dict[str, dict[str, Any]],
) -> None:
    """Let the sides take turns at a package's sessions; add what they saw and did."""
    running: list[Side] = []
    try:
        for start in _starters(root, language, args):
            running.append(start())
        for number, (session, probability) in enumerate(sessions):
            for side in running if number % 2 == 0 else running[::-1]:
                seen = replay(side, session, probability=probability, seed=args.seed)
                rows.extend(seen)
                _progress(session, seen)
    finally:
        for side in running:
            side.close()
    for side in running:
        known = sides.setdefault(side.name, {"facts": side.facts, "work": []})
        known["work"].append(side.work)


def _starters(root: Path, language: str, args: argparse.Namespace) -> Iterable[Callable[[], Side]]:
    model, threads = args.model, args.threads
    yield functools.partial(Homespun, root, model=model, threads=threads)
    if args.no_retrieval:
        name = "homespun, no retrieval"
        yield functools.partial(
            Homespun, root, model=model, threads=threads, retrieval=False, name=name
        )
    formats = peers.formats(model)
    servers = [build for build in peers.peers() if build.name in args.builds]
    if args.builds and not servers:
        raise SystemExit("llama.cpp is not installed: make peers")
    files = source_files(root, language)
    for wanted in args.formats:
        if wanted not in formats:
            raise SystemExit(f"there is no {wanted!r} of {model}; known: {', '.join(formats)}")
    for build, wanted, busy in itertools.product(servers, args.formats, args.busy):
        yield functools.partial(
            LlamaVim,
            build,
            formats[wanted],
            threads=threads,
            budget_tokens=_BUDGET_TOKENS,
            files=files,
            busy=busy,
            seed=args.seed,
            name=f"{build.name}, {wanted}" + (f", {busy}" if len(args.busy) > 1 else ""),
        )


def replay(
    side: Side,
    session: Session,
    *,
    probability: float,
    seed: int,
    clock: Callable[[], float] = time.perf_counter,
) -> list[KeyResult]:
    """Type a session; `probability` is that with which a right suggestion is taken."""
    side.begin(session)
    typist = Typist(session)
    rows: list[KeyResult] = []
    taken = ""
    began = clock()
    while taken or not typist.is_done:
        if taken:
            side.accepted()
        key = typist.take(taken) if taken else typist.next()
        edit = Keystroke(typist.before, session.after, key.insert, key.delete_chars)
        at = clock()
        side.press(edit)
        row = KeyResult(
            side=side.name,
            session=session.name,
            package=session.package,
            language=session.language,
            takes=probability > 0,
            kind=key.kind,
            line=key.line,
            at_ms=(at - began) * 1000,
            gap_ms=key.gap_ms,
            upcoming_chars=len(typist.upcoming.split("\n")[0]),
            taken_chars=len(taken),
        )
        _watch(side, row, at, typist, clock)
        _judge(row, typist, rows[-1] if rows else None)
        rows.append(row)
        taken = ""
        if can_take(row) and typist.accepts(probability=probability, seed=seed):
            taken = row.text[: row.right_chars]
    side.end()
    return rows


def _watch(
    side: Side, row: KeyResult, at: float, typist: Typist, clock: Callable[[], float]
) -> None:
    """Look at the screen until the next key; the session's last answer is waited for."""
    for answer in side.answers(at + row.gap_ms / 1000):
        _note(row, answer, at)
    if typist.is_done and row.answer_ms is None:
        for answer in side.answers(at + _LAST_SECONDS):
            _note(row, answer, at)
            break
    row.gap_ms = (clock() - at) * 1000


def _judge(row: KeyResult, typist: Typist, before: KeyResult | None) -> None:
    """Say whether the text on the screen is right, and since when it has stood there."""
    found = judged(row.text, typist.coming)
    row.verdict, row.cut_chars = found.verdict, found.cut_chars
    row.right_chars = right_chars(row.text, typist.upcoming)
    row.seen_ms = seen_ms(row, before)


def _note(row: KeyResult, answer: ScreenAnswer, at: float) -> None:
    """Write down what came on the screen; what comes later replaces it."""
    if row.answer_ms is None or (answer.text and not row.text):
        row.answer_ms = (answer.at - at) * 1000
    row.text, row.cached, row.why = answer.text, answer.cached, answer.why
    row.probability = answer.probability


def _figures(name: str, known: dict[str, Any], rows: Sequence[KeyResult]) -> dict[str, Any]:
    mine = [row for row in rows if row.side == name]
    typed = [row for row in mine if not row.takes]
    took = [row for row in mine if row.takes]
    chars = sum(row.kind in ("char", "enter") for row in typed)
    works: list[TokenWork] = known["work"]
    prompt = sum(work.prompt_tokens for work in works)
    computed = sum(work.computed_tokens for work in works)
    by_kind: dict[str, int] = {}
    for work in works:
        for kind, tokens in work.by_kind.items():
            by_kind[kind] = by_kind.get(kind, 0) + tokens
    taken = sum(row.taken_chars for row in took)
    seconds = [work.processor_seconds for work in works]
    known_seconds = [value for value in seconds if value is not None]
    return {
        "facts": known["facts"],
        "typing": figures(typed),
        "taking": figures(took),
        "calibration": calibration_of(typed),
        "could_save": could_save_chars(typed) / chars if chars else None,
        "saved": saved_chars(took) / (len(took) + taken) if took else None,
        "work": {
            "requests": sum(work.requests for work in works),
            "prompt_tokens": prompt,
            "computed_tokens": computed,
            "generated_tokens": sum(work.generated_tokens for work in works),
            "computed_by_kind": by_kind,
            "computed_per_key": computed / len(mine),
            "processor_seconds_per_key": (
                sum(known_seconds) / len(mine) if len(known_seconds) == len(seconds) else None
            ),
            "reused": 1 - computed / prompt if prompt else None,
        },
    }


def calibration_of(rows: Sequence[KeyResult]) -> dict[str, Any]:
    """Return how true is what the engine says of what comes up; what is typed along came before."""
    fresh = [
        row
        for row in rows
        if row.probability is not None and not row.cached and row.verdict != "unjudged"
    ]
    return calibration(
        [row.probability for row in fresh if row.probability is not None],
        [float(row.verdict == "right") for row in fresh],
        [row.package for row in fresh],
    )


def _ratios(sides: dict[str, dict[str, Any]]) -> dict[str, dict[str, float | None]]:
    """Return theirs divided by ours, for every side of theirs."""
    ours = sides["homespun"]["typing"]
    theirs = {name: side for name, side in sides.items() if not name.startswith("homespun")}
    return {name: ratios(side["typing"], ours) for name, side in theirs.items()}


def _compact(row: KeyResult) -> list[Any]:
    """Return a row as the report keeps it, for plots; `ROW_FIELDS` are its names."""
    values = asdict(row)
    return [
        round(value, 1) if isinstance(value, float) else value
        for value in (values[name] for name in ROW_FIELDS)
    ]


def _progress(session: Session, rows: Sequence[KeyResult]) -> None:
    measured = figures(rows)
    wait = measured["until_suggestion_ms"]
    print(
        f"{rows[0].side:<36} {session.path:<32}{len(rows):>4} keys, {measured['shown']:.2f} shown, "
        f"until a suggestion {wait['p50']:.0f} / {wait['p95']:.0f} ms",
        file=sys.stderr,
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="one package, about 60 keys")
    add_use(parser)
    parser.add_argument("--packages", nargs="+", default=[], help="only these, by name")
    parser.add_argument("--model", default="qwen2.5-coder-0.5b")
    parser.add_argument("--threads", type=int, default=provenance.physical_cores())
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--acceptance",
        type=float,
        default=0.5,
        help="with which probability a right suggestion is taken, in the sessions with acceptance",
    )
    parser.add_argument("--pace", type=float, default=1.0, help="times the usual intervals")
    parser.add_argument("--no-retrieval", action="store_true", help="also ours without the index")
    parser.add_argument(
        "--builds",
        nargs="*",
        choices=(peers.NATIVE, peers.WHEEL),
        default=[peers.NATIVE, peers.WHEEL],
        help="of llama.cpp; those that are installed are used; none named: ours alone",
    )
    parser.add_argument(
        "--formats",
        nargs="*",
        default=[peers.AS_IS],
        help=f"of the GGUF file: {peers.AS_IS!r}, {', '.join(peers.REQUANTIZED)}",
    )
    parser.add_argument(
        "--busy",
        nargs="*",
        choices=("wait", "kill"),
        default=["wait"],
        help="what llama.vim does with a request under way: wait as published, or close it",
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
