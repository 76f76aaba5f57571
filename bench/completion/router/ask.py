"""Asks the small model and the large one at the same places; every answer is a line of a file.

It holds all that fitting needs, so nothing is asked a second time: a line of code that was begun is
left out the next time, also where a run was broken off in it, for its prompt is no longer at hand.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from bench.common.rows import read_rows
from bench.completion.router.places import places_of
from bench.context.cursors import NameCursor
from bench.context.packages import CursorCorpus
from bench.context.recall import Bench
from homespun.models.types import (
    FimTokens,
    Generation,
    Generator,
    StopRule,
    Tokenizer,
    Warmth,
)
from homespun.server.completion.completer import Completer
from homespun.server.context.retriever import Retriever
from homespun.server.options import CompletionOptions
from homespun.server.types import CompletionRequest

_MAX_BLOCK_TOKENS = 32  # of a block only the first line is judged


@dataclass(frozen=True, slots=True)
class PlaceAnswer:
    """What one model wrote at one place, and how sure it was."""

    role: str  # "small" or "large"
    model: str
    package: str
    path: str
    line: int
    column: int
    group: str
    typed: str  # what stands before the cursor on its line
    rest: str  # what the author wrote there
    text: str
    is_exact: bool
    is_block: bool
    finish: str
    token_ids: list[int] = field(default_factory=list)
    token_logprobs: list[float] = field(default_factory=list)
    prompt_tokens: int = 0
    tokens: int = 0
    sources: int = 0
    ms: float = 0.0

    @property
    def place(self) -> tuple[str, str, int, int]:
        """Where it was asked."""
        return (self.package, self.path, self.line, self.column)


class RecordingGenerator:
    """A generator that remembers its last answer, which tells more than a completion does."""

    def __init__(self, generator: Generator) -> None:
        self._generator = generator
        self.name, self.adapter = generator.name, generator.adapter
        self.fim: FimTokens = generator.fim
        self.context_tokens, self.sends = generator.context_tokens, generator.sends
        self.last: Generation | None = None

    @property
    def tokenizer(self) -> Tokenizer:
        """The tokenizer of the generator."""
        return self._generator.tokenizer

    def generate(
        self,
        prompt: Sequence[int],
        *,
        max_tokens: int,
        stop: StopRule,
        cancelled: Callable[[], bool],
        heal: str = "",
        hints: Sequence[Sequence[int]] = (),
        not_first: Collection[int] = (),
    ) -> Generation:
        """Ask the generator."""
        self.last = self._generator.generate(
            prompt,
            max_tokens=max_tokens,
            stop=stop,
            cancelled=cancelled,
            heal=heal,
            hints=hints,
            not_first=not_first,
        )
        return self.last

    def score(self, prompt: Sequence[int], answer: Sequence[int]) -> float:
        """Ask the generator."""
        return self._generator.score(prompt, answer)

    def warm(self, prompt: Sequence[int], *, cancelled: Callable[[], bool]) -> Warmth:
        """Ask the generator."""
        return self._generator.warm(prompt, cancelled=cancelled)


def ask(
    corpora: Sequence[CursorCorpus],
    generators: dict[str, Generator],
    *,
    file: Path,
    count: int,
    seed: int,
) -> None:
    """Ask what the file lacks, `count` places a package, and add it to the file."""
    recording = {role: RecordingGenerator(each) for role, each in generators.items()}
    known = {(answer.role, *answer.place[:3]) for answer in read(file)}
    for corpus in corpora:
        places = places_of(corpus, count=count, seed=seed)
        missing = [p for p in places if any((r, *_line(p)) not in known for r in recording)]
        print(f"{corpus.name}: {len(missing)} of {len(places)} places", file=sys.stderr)
        if missing:
            with tempfile.TemporaryDirectory() as scratch:
                bench = Bench(corpus.name, corpus.folder(), Path(scratch))
                _ask_package(bench, missing, recording, known=known, file=file)


def _ask_package(
    bench: Bench,
    places: Sequence[NameCursor],
    generators: dict[str, RecordingGenerator],
    *,
    known: Collection[object],
    file: Path,
) -> None:
    """Ask both models at the places of a package, with retrieval as a user has it."""
    options = CompletionOptions(retrieve_deadline_ms=10_000, max_block_tokens=_MAX_BLOCK_TOKENS)
    retriever = Retriever(bench.index)
    completers = {
        role: Completer(each, None, options, retriever=retriever, repo=bench.name)
        for role, each in generators.items()
    }
    for number, place in enumerate(bench.without_file(places), start=1):
        for role, completer in completers.items():
            if (role, *_line(place)) not in known:
                answer = _asked(completer, generators[role], place, role)
                with file.open("a", encoding="utf-8") as out:
                    out.write(json.dumps(asdict(answer)) + "\n")
        if number % 10 == 0:
            print(f"{bench.name}: {number}/{len(places)}", file=sys.stderr)


def read(file: Path) -> Iterator[PlaceAnswer]:
    """Yield the answers of a file."""
    return (PlaceAnswer(**row) for row in read_rows(file))


def _asked(
    completer: Completer, generator: RecordingGenerator, place: NameCursor, role: str
) -> PlaceAnswer:
    generator.last = None
    completion = completer.complete(
        CompletionRequest(
            place.before + place.after,
            len(place.before),
            path=place.path,
            explicit=place.group != "later",  # which goes on with the prompt of its line
        )
    )
    last = generator.last
    given = next(iter(completion.text.strip().split("\n")), "").strip()
    return PlaceAnswer(
        role=role,
        model=completion.model,
        package=place.package,
        path=place.path,
        line=place.line,
        column=place.column,
        group=place.group,
        typed=place.before.rpartition("\n")[2],
        rest=place.rest.strip(),
        text=completion.text,
        is_exact=given == place.rest.strip(),
        is_block=place.group == "block",
        finish=completion.finish,
        token_ids=list(last.token_ids) if last else [],
        token_logprobs=[round(each, 5) for each in last.token_logprobs] if last else [],
        prompt_tokens=completion.tokens["prompt"],
        tokens=completion.tokens["generated"],
        sources=len(completion.sources),
        ms=round(completion.timings_ms["total"], 1),
    )


def _line(place: NameCursor) -> tuple[str, str, int]:
    return (place.package, place.path, place.line)
