"""Retypes code without a server and without pauses: one JSON line a key, to fit and to judge with.

    python -m bench.typing.offline --keys 60 --sessions 6 --rows FILE.jsonl
    python -m bench.typing.offline --held --rows FILE.jsonl     # for the report alone
    python -m bench.typing.offline --judge --rows FILE.jsonl    # the table of what is there
    python -m bench.typing.offline --judge --rows FILE.jsonl --frontier FILE.svg

The same sessions and keys as in `bench.typing.replay`, answered by `Completer.complete` as a user
has it: default model and shipped adapter, the index with its encoder. A suggestion that is typed
along is answered from the server's cache; the model is asked at all other keys, with `--every-key`
also at those (what a rule that hides suggestions needs: `displayed` plays it through). Its answer
counts as shown when the next key comes later than `--delay-ms`; where the cursor rests, the prompt
is made ready as the server does it. Sessions that are in the file already are left out, so a run
that was broken off goes on.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from bench.common.provenance import physical_cores
from bench.common.rows import read_rows
from bench.completion.router.ask import RecordingGenerator
from bench.typing.corpus import RetypedPackage, corpus, say_which
from bench.typing.judge import (
    JudgedKey,
    Judgement,
    ShownFigures,
    frontier_drawing,
    judged,
    shown_figures,
    table,
)
from bench.typing.retyping import RowsOf, add_arguments, retype_all
from bench.typing.sessions import Session, Typist
from bench.typing.stats import markdown
from homespun.indexer.index import Index
from homespun.server.completion.completer import Completer
from homespun.server.options import CompletionOptions
from homespun.server.requests.answer_cache import AnswerCache
from homespun.server.requests.prefetch import REST_SECONDS
from homespun.server.types import Completion, CompletionRequest

DELAY_MS = 150.0  # from a key to the model's answer, where it is not measured
CACHED_MS = 5.0
_UPCOMING_CHARS = 400
_AROUND_CHARS = 1200
_THRESHOLDS = 20  # of a frontier


@dataclass(frozen=True, slots=True)
class OfflineKey:
    """One key: the place, what the model said there, and what the author typed."""

    package: str
    language: str
    held: bool
    session: str
    path: str
    key: int  # of the session, from 0
    kind: str
    line: int  # of the session's lines
    gap_ms: float  # until the next key
    before: str  # the end of the text before the cursor
    after: str  # the beginning of the text behind it
    upcoming: str  # what the author types next, and what stands behind it
    upcoming_chars: int  # of the line, still to be typed
    text: str  # the suggestion, "" for none
    finish: str
    cached: bool  # typed along: the rest of an earlier answer
    verdict: str
    right_chars: int
    cut_chars: int
    fresh: str | None = None  # what the model says at this key; None where it was not asked
    model: str = ""
    generated: str = ""  # as the model wrote it, before it was judged and cut
    token_ids: list[int] = field(default_factory=list)
    token_logprobs: list[float] = field(default_factory=list)
    prompt_tokens: int = 0
    scores: list[float] = field(default_factory=list)  # of what was retrieved
    ms: float = 0.0  # the completion itself, on a machine that did other things, too
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def before_line(self) -> str:
        """What stands before the cursor on its line."""
        return self.before.rpartition("\n")[2]

    def judged_key(self, delay_ms: float, carried_ms: float = 0.0) -> JudgedKey:
        """Return what figures need, the answer coming after a delay."""
        answer_ms = CACHED_MS if self.cached else delay_ms
        verdict: Any = self.verdict
        chars = len(self.text.rstrip())
        return JudgedKey(
            package=self.package,
            session=self.session,
            line=self.line,
            gap_ms=self.gap_ms,
            upcoming_chars=self.upcoming_chars,
            judgement=Judgement(verdict, chars, self.right_chars, self.cut_chars),
            answer_ms=answer_ms if answer_ms < self.gap_ms else None,
            carried_ms=carried_ms if self.cached else 0.0,
            is_typed=self.kind in ("char", "enter"),
        )


def main() -> int:
    """Retype what is missing, print the table."""
    args = _arguments()
    packages = corpus(args.use, names=args.packages)
    print(say_which(packages, args.use), file=sys.stderr)
    if not args.judge:
        done = {row.session for row in read(args.rows)}
        retype_all(packages, args, done=done, rows_of=_rows_of(args))
    rows = [row for row in read(args.rows) if row.held == (args.use != "work")]
    print(markdown(table(by_language(rows, delay_ms=args.delay_ms))))
    if args.frontier:
        curves = {
            "all": [shown_figures(judged_keys(rows, delay_ms=args.delay_ms))],
            "mean log-probability": frontier_figures(rows, mean_logprob, delay_ms=args.delay_ms),
        }
        drawing = frontier_drawing(curves, title="Right suggestions against keys served")
        args.frontier.write_text(drawing, encoding="utf-8")
    return 0


def read(file: Path) -> Iterator[OfflineKey]:
    """Yield the keys of a file."""
    return (OfflineKey(**row) for row in read_rows(file))


def judged_keys(rows: Sequence[OfflineKey], *, delay_ms: float = DELAY_MS) -> list[JudgedKey]:
    """Return keys for `shown_figures`; what is typed along has stood there since it came."""
    found: list[JudgedKey] = []
    for row in rows:
        before = found[-1] if found and found[-1].session == row.session else None
        found.append(row.judged_key(delay_ms, before.seen_ms if before else 0.0))
    return found


def displayed(
    rows: Sequence[OfflineKey],
    decide: Callable[[OfflineKey], str],
    *,
    delay_ms: float = DELAY_MS,
) -> list[JudgedKey]:
    """Return the keys as if a rule had decided what is shown of each fresh answer, "" for nothing.

    What is on the screen and typed along stays; the rule is asked at every other key. The rows are
    of a run with `--every-key`. Raises `ValueError` where a fresh answer is wanted and missing.
    """
    return judged_keys(list(_displayed(rows, decide)), delay_ms=delay_ms)


def _displayed(
    rows: Sequence[OfflineKey], decide: Callable[[OfflineKey], str]
) -> Iterator[OfflineKey]:
    session, shown = "", ""
    for row in rows:
        added = row.before[len(row.before) - 1 :] if row.kind == "char" else ""
        is_along = row.session == session and added and shown.startswith(added) and shown != added
        session = row.session
        if is_along:
            shown = shown.removeprefix(added)
        elif row.fresh is None:
            raise ValueError(f"{row.session}, key {row.key}: not asked; retype with --every-key")
        else:
            shown = decide(row)
        found = judged(shown, row.upcoming)
        yield replace(
            row,
            text=shown,
            cached=bool(is_along),
            verdict=found.verdict,
            right_chars=found.right_chars,
            cut_chars=found.cut_chars,
        )


def frontier_figures(
    rows: Sequence[OfflineKey],
    score: Callable[[OfflineKey], float],
    *,
    delay_ms: float = DELAY_MS,
) -> list[ShownFigures]:
    """Return the figures for ever stricter thresholds of a score: what is below is not shown.

    The thresholds are the quantiles of the score. Raises as `displayed` does.
    """
    scores = sorted(score(row) for row in rows if row.fresh)
    found = []
    for step in range(_THRESHOLDS if scores else 0):
        least = scores[step * len(scores) // _THRESHOLDS]

        def decide(row: OfflineKey, least: float = least) -> str:
            return row.fresh or "" if row.fresh and score(row) >= least else ""

        found.append(shown_figures(displayed(rows, decide, delay_ms=delay_ms)))
    return found


def mean_logprob(row: OfflineKey) -> float:
    """Return how sure the model was of a fresh answer: what every other score is compared with."""
    return math.fsum(row.token_logprobs) / max(len(row.token_logprobs), 1)


def by_language(rows: Sequence[OfflineKey], *, delay_ms: float) -> dict[str, Any]:
    """Return the figures of all rows, and of each language."""
    languages = dict.fromkeys(row.language for row in rows)
    found = {"all": shown_figures(judged_keys(rows, delay_ms=delay_ms))} if rows else {}
    for language in languages:
        ours = [row for row in rows if row.language == language]
        found[language] = shown_figures(judged_keys(ours, delay_ms=delay_ms))
    return found


def _rows_of(args: argparse.Namespace) -> RowsOf:
    def rows(
        session: Session,
        package: RetypedPackage,
        index: Index,
        generator: RecordingGenerator,
        options: CompletionOptions,
    ) -> Iterator[Mapping[str, object]]:
        completer = Completer(generator, index, options)
        typed = retype(session, completer, generator, held=package.held, every_key=args.every_key)
        return (asdict(key) for key in typed)

    return rows


def retype(
    session: Session,
    completer: Completer,
    generator: RecordingGenerator,
    *,
    held: bool = False,
    every_key: bool = False,
    delay_ms: float = DELAY_MS,
) -> Iterator[OfflineKey]:
    """Type a session key by key, nothing being taken; yield what came of each."""
    typist, cache = Typist(session), AnswerCache()
    completer.prepare(_request(session, typist))
    number = -1
    while not typist.is_done:
        key = typist.next()
        number += 1
        request = _request(session, typist)
        generator.last = None
        known = cache.find("", request.text, request.offset)
        fresh = completer.complete(request) if every_key or known is None else None
        completion = known.completion if known is not None else fresh
        assert completion is not None  # one of both is asked
        if known is None:
            cache.remember("", request.text, request.offset, completion)
        found = judged(completion.text, typist.coming)
        yield OfflineKey(
            package=session.package,
            language=session.language,
            held=held,
            session=session.name,
            path=session.path,
            key=number,
            kind=key.kind,
            line=key.line,
            gap_ms=round(key.gap_ms, 1),
            before=typist.before[-_AROUND_CHARS:],
            after=session.after[:_AROUND_CHARS],
            upcoming=typist.coming[:_UPCOMING_CHARS],
            upcoming_chars=len(typist.upcoming.partition("\n")[0]),
            text=completion.text,
            finish=completion.finish,
            cached=known is not None,
            verdict=found.verdict,
            right_chars=found.right_chars,
            cut_chars=found.cut_chars,
            fresh=fresh.text if fresh is not None else None,
            **_told(fresh or completion, generator),
        )
        if key.gap_ms - delay_ms > REST_SECONDS * 1000:
            completer.prepare(request)


def _request(session: Session, typist: Typist) -> CompletionRequest:
    before = typist.before
    return CompletionRequest(
        before + session.after, len(before), path=session.path, language=session.language
    )


def _told(completion: Completion, generator: RecordingGenerator) -> dict[str, Any]:
    last = generator.last
    return {
        "model": completion.model,
        "generated": last.text if last else "",
        "token_ids": list(last.token_ids) if last else [],
        "token_logprobs": [round(each, 4) for each in last.token_logprobs] if last else [],
        "prompt_tokens": completion.tokens.get("prompt", 0),
        "scores": [round(source.score, 4) for source in completion.sources],
        "ms": round(completion.timings_ms.get("total", 0.0), 1),
        "facts": json.loads(json.dumps(dict(completion.facts), default=str)),
    }


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    add_arguments(parser, sessions=4, threads=physical_cores())
    parser.add_argument("--frontier", type=Path, help="draw it; wants rows of --every-key")
    parser.add_argument("--every-key", action="store_true", help="ask the model at each key")
    parser.add_argument("--delay-ms", type=float, default=DELAY_MS)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
