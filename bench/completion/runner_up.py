"""Where two first words are close: the first, or the second, as a judge has it? Same places.

    python -m bench.completion.runner_up --rows FILE.jsonl            # ask, then judge
    python -m bench.completion.runner_up --rows FILE.jsonl --judge    # what is there
    python -m bench.completion.runner_up --rows FILE.jsonl --held

A key of each of a few lines of the sessions of `bench.typing`, the model asked there as a user's
server asks it. Where the first word was a near thing, the one that came second is followed as well
(`bench/completion/second_answer.py`), however long that takes; with `--anywhere` at any token of
the line. Which of the two is taken is decided afterwards, and what would be shown of it. Blocks are
left out. Sessions that are in the file are not asked again.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any

from bench.common import provenance
from bench.common.rows import read_rows
from bench.completion.router.ask import RecordingGenerator
from bench.completion.second_answer import LineQuestion, fork_of, second_answer
from bench.typing.corpus import RetypedPackage, corpus, say_which, use_suffix
from bench.typing.judge import judged
from bench.typing.retyping import RowsOf, add_arguments, retype_all
from bench.typing.sessions import Session, Typist
from homespun.indexer.index import Index
from homespun.models.types import Generation, StopRule
from homespun.server.completion.completer import Completer
from homespun.server.confidence.choose import COSTS, Chooser
from homespun.server.confidence.probability import shipped
from homespun.server.confidence.suggestion import WrittenSuggestion
from homespun.server.options import CompletionOptions
from homespun.server.types import CompletionRequest
from homespun.stats import cluster_mean, paired
from homespun.training.shipped.confidence.collect import RecordingJudge

CLOSE = 0.5  # nats between the two first words


@dataclass(frozen=True, slots=True)
class Way:
    """One of the two lines, as the rules have it."""

    text: str
    is_exact: bool  # the rest of the author's line
    logprob: float  # of all its tokens
    mean_logprob: float
    probability: float  # that the whole of it is right
    saving: float  # characters, of the cut that the balanced show
    shown: str  # that cut
    is_shown_right: bool


@dataclass(frozen=True, slots=True)
class RunnerUpPlace:
    """A key, and what was written there. Times in milliseconds."""

    package: str
    session: str
    upcoming: str
    first: Way | None  # None where nothing is left to show
    second: Way | None  # None where it is not close, or what is left of it is the same
    margin: float | None  # of a near thing
    first_ms: float = 0.0
    second_ms: float = 0.0
    second_tokens: int = 0


class ForkingGenerator(RecordingGenerator):
    """Remembers its question, and says what it is told to say."""

    question: LineQuestion | None = None
    instead: Generation | None = None

    def generate(
        self,
        prompt: Sequence[int],
        *,
        max_tokens: int,
        stop: StopRule,
        heal: str = "",
        **named: Any,  # noqa: ANN401
    ) -> Generation:
        """Ask the generator, unless there is something else to say."""
        if self.instead is not None:
            return self.instead
        self.question = LineQuestion(tuple(prompt), max_tokens, stop, heal)
        return super().generate(prompt, max_tokens=max_tokens, stop=stop, heal=heal, **named)


def main() -> int:
    """Ask what is missing, judge all of it."""
    args = _arguments()
    packages = corpus(args.use, names=args.packages)
    print(say_which(packages, args.use), file=sys.stderr)
    if not args.judge:
        done = {row["session"] for row in read_rows(args.rows)}
        retype_all(packages, args, done=done, rows_of=_asking(args))
    places = [_place(row) for row in read_rows(args.rows)]
    near = [nearer(place, args.closer_than) for place in places if place.first is not None]
    said = report(near)
    print(said)
    if args.write:
        facts = provenance.facts(args.model, args.threads)
        how = {name: getattr(args, name) for name in ("use", "anywhere", "closer_than", "seed")}
        rows = [_without_text(place) for place in near]
        name = "runner-up" + use_suffix(args.use) + ("-anywhere" if args.anywhere else "")
        provenance.write(name, facts | how | {"said": said.split("\n"), "places": rows})
    return 0


def nearer(place: RunnerUpPlace, closer_than: float) -> RunnerUpPlace:
    """Return a place as it is where only what is closer than this is a near thing."""
    if place.margin is None or place.margin < closer_than:
        return place
    return replace(place, second=None, margin=None, second_ms=0.0, second_tokens=0)


def _asking(args: argparse.Namespace) -> RowsOf:
    fork = partial(fork_of, closer_than=args.closer_than, anywhere=args.anywhere)

    def rows(
        session: Session,
        package: RetypedPackage,
        index: Index,
        generator: RecordingGenerator,
        options: CompletionOptions,
    ) -> Iterator[Mapping[str, object]]:
        asked = _ForkingSession(session, index, ForkingGenerator(generator), options, fork)
        return (asdict(place) for place in asked.places(args.places, args.seed))

    return rows


class _ForkingSession:
    """A session whose places are asked."""

    def __init__(
        self,
        session: Session,
        index: Index,
        generator: ForkingGenerator,
        options: CompletionOptions,
        fork: Callable[[Generation], int | None],
    ) -> None:
        self._session, self._generator, self._fork = session, generator, fork
        self._judge = RecordingJudge()
        self._completer = Completer(generator, index, options, judge=self._judge)

    def places(self, count: int, seed: int) -> Iterator[RunnerUpPlace]:
        """Yield what was written at a key of so many of its lines, blocks left out."""
        drawn = _drawn(self._session, count, seed)
        typist, number = Typist(self._session), -1
        while not typist.is_done:
            typist.next()
            number += 1
            if number in drawn and typist.coming:
                place = self._place(typist)
                if place is not None:
                    yield place

    def _place(self, typist: Typist) -> RunnerUpPlace | None:
        session, generator = self._session, self._generator
        request = CompletionRequest(
            typist.before + session.after,
            len(typist.before),
            path=session.path,
            language=session.language,
        )
        first, first_ms = self._suggested(request), 0.0
        done = generator.last
        if first is not None and first.is_block:
            return None
        fork = None
        if first is not None and done is not None:
            first_ms = done.prefill_ms + done.decode_ms
            fork = self._fork(done)
        known = (session.package, session.name, typist.coming[:400])
        one = _way(first, typist) if first is not None else None
        if fork is None or done is None or generator.question is None:
            return RunnerUpPlace(*known, one, None, None, first_ms)
        began = time.perf_counter()
        other = second_answer(generator, generator.question, done, fork)
        second_ms = (time.perf_counter() - began) * 1000
        generator.instead = other
        second = self._suggested(request) if other is not None else None
        generator.instead = None
        is_other = second is not None and first is not None and second.text != first.text
        return RunnerUpPlace(
            *(*known, one, _way(second, typist) if second is not None and is_other else None),
            margin=done.token_margins[fork],
            first_ms=first_ms,
            second_ms=second_ms,
            second_tokens=len(other.token_ids) - fork if other is not None else 0,
        )

    def _suggested(self, request: CompletionRequest) -> WrittenSuggestion | None:
        self._judge.last = None
        self._completer.complete(request)
        return self._judge.last


def _drawn(session: Session, count: int, seed: int) -> set[int]:
    """Draw lines, and a key of each: what is asked twice in a line is nearly the same."""
    rng = random.Random(f"{seed} {session.name}")
    keys: dict[int, list[int]] = {}
    for number, key in enumerate(session.keys):
        keys.setdefault(key.line, []).append(number)
    lines = rng.sample(sorted(keys), min(count, len(keys)))
    return {rng.choice(keys[line]) for line in lines}


def _way(suggestion: WrittenSuggestion, typist: Typist) -> Way:
    """Judge a line as its first key, nothing being known of what was typed before."""
    text, done = suggestion.text, suggestion.generation
    verdict = Chooser(shipped(), COSTS["balanced"])(suggestion)
    whole = Chooser(shipped(), COSTS["balanced"])(replace(suggestion, explicit=True))
    chars = len(verdict.text.strip())
    probability = verdict.probability or 0.0
    return Way(
        text=text,
        is_exact=text.strip() == typist.coming.partition("\n")[0].strip(),
        logprob=done.logprob,
        mean_logprob=done.logprob / max(len(done.token_logprobs), 1),
        probability=whole.probability or 0.0,
        saving=COSTS["balanced"].saving(chars, probability) if chars else 0.0,
        shown=verdict.text,
        is_shown_right=judged(verdict.text, typist.coming).verdict == "right",
    )


# Who is taken of two; `first` wins a tie.
Take = Callable[[Way, Way], Way]
TAKES: dict[str, Take] = {
    "greedy": lambda first, second: first,
    "log-probability": lambda first, second: max(first, second, key=lambda way: way.logprob),
    "mean log-probability": lambda first, second: max(
        first, second, key=lambda way: way.mean_logprob
    ),
    "calibrated probability": lambda first, second: max(
        first, second, key=lambda way: way.probability
    ),
    "expected saving": lambda first, second: max(first, second, key=lambda way: way.saving),
    "whichever is right": lambda first, second: max(first, second, key=lambda way: way.is_exact),
}


def report(places: Sequence[RunnerUpPlace]) -> str:
    """Return tables of all places: exact lines, what the balanced show of them, and the time."""
    clusters = [place.package for place in places]
    greedy = [taken(place, TAKES["greedy"]) for place in places]
    lines = [
        f"| {len(places)} lines of {len(set(clusters))} packages | exact "
        "| against greedy | won, lost | shown | right of the shown | characters saved a line |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]
    for name, take in TAKES.items():
        ways = [taken(place, take) for place in places]
        exact = [float(way.is_exact) for way in ways]
        before = [float(way.is_exact) for way in greedy]
        compared = paired(exact, before, clusters).difference
        won = sum(new > old for new, old in zip(exact, before, strict=True))
        lost = sum(new < old for new, old in zip(exact, before, strict=True))
        shown = [way for way in ways if way.shown]
        right = [way for way in shown if way.is_shown_right]
        saved = sum(len(way.shown.strip()) for way in right) / len(places)
        lines.append(
            f"| {name} | {cluster_mean(exact, clusters).mean:.3f} | {compared.mean:+.3f} "
            f"[{compared.low:+.3f}, {compared.high:+.3f}] | {won}, {lost} | {len(shown)} "
            f"| {len(right) / max(len(shown), 1):.3f} | {saved:.2f} |"
        )
    return "\n".join([*lines, "", *_cost(places)])


def taken(place: RunnerUpPlace, take: Take) -> Way:
    """Return the line that is taken at a place which has a first one."""
    assert place.first is not None
    return take(place.first, place.second) if place.second is not None else place.first


def _cost(places: Sequence[RunnerUpPlace]) -> Iterator[str]:
    close = [place for place in places if place.margin is not None]
    other = [place for place in close if place.second is not None]
    yield f"{len(close)} near things, {len(other)} of them with another line"
    if close:
        times = sorted(place.second_ms for place in close)
        usual = statistics.median(place.first_ms for place in places)
        tokens = statistics.mean(place.second_tokens for place in close)
        yield (
            f"added there: {statistics.median(times):.0f} ms at the median, "
            f"{times[int(0.9 * (len(times) - 1))]:.0f} at 90 %, {tokens:.1f} tokens; "
            f"the first line took {usual:.0f} at the median"
        )


def _place(row: dict[str, Any]) -> RunnerUpPlace:
    ways = {name: Way(**row[name]) if row[name] else None for name in ("first", "second")}
    return RunnerUpPlace(**(row | ways))


def _without_text(place: RunnerUpPlace) -> dict[str, Any]:
    """Return what a report keeps of a place: no code."""
    row = asdict(place)
    del row["upcoming"]
    for way in (row["first"], row["second"]):
        if way is not None:
            way["chars"], way["shown_chars"] = len(way.pop("text")), len(way.pop("shown"))
    return row


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    add_arguments(parser, sessions=5)
    parser.add_argument("--write", action="store_true", help="write bench/results/")
    parser.add_argument("--places", type=int, default=3, help="of a session, each in another line")
    parser.add_argument("--closer-than", type=float, default=CLOSE, help="nats")
    parser.add_argument("--anywhere", action="store_true", help="not in the first word alone")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
