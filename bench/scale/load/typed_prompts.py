"""What each key of a typing session asks a server: prompts by the product's code, in a file.

No model is at work: the completer is asked at every key as the editor asks it, and what it would
send is written down, so that a run of hundreds of developers costs no retrieval.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from bench.typing.corpus import RetypedPackage, copy_with, source_files
from bench.typing.sessions import Session, Typist, make_sessions
from homespun.indexer.index import Index
from homespun.models.serve import decoder_form, ensure_served
from homespun.models.types import (
    MODEL_AS_SHIPPED,
    FimTokens,
    Generation,
    Tokenizer,
    Warmth,
)
from homespun.models.weights.tokenizer import BpeTokenizer
from homespun.server.completion.completer import Completer
from homespun.server.completion.open import context_length
from homespun.server.options import CompletionOptions
from homespun.server.types import CompletionRequest

_DEADLINE_MS = 1000  # of retrieval: a busy machine must not cut it


@dataclass(frozen=True, slots=True)
class PromptedKey:
    """One key: when the next one comes, and what is asked at this one."""

    gap_ms: float
    left: str  # the line up to the cursor
    ids: list[int]  # of the prompt; empty where nothing is asked
    heal: str
    max_tokens: int


class QuietGenerator:
    """A generator that writes down what it is asked and answers nothing, at once."""

    def __init__(
        self, tokenizer: Tokenizer, fim: FimTokens, name: str, context_tokens: int
    ) -> None:
        """Take prompts of a model without having it."""
        self.tokenizer, self.fim, self.name = tokenizer, fim, name
        self.adapter, self.context_tokens, self.sends = MODEL_AS_SHIPPED, context_tokens, True
        self.last: tuple[list[int], str, int] = ([], "", 0)

    def generate(self, prompt: Sequence[int], **asked: Any) -> Generation:  # noqa: ANN401
        """Note the question."""
        self.last = (list(prompt), asked["heal"], asked["max_tokens"])
        return Generation(
            text="",
            token_ids=(),
            finish="eos",
            stop_reason="",
            logprob=0.0,
            prompt_tokens=len(prompt),
            reused_tokens=0,
            drafted_tokens=0,
            accepted_tokens=0,
            prefill_ms=0.0,
            decode_ms=0.0,
        )

    def score(self, prompt: Sequence[int], answer: Sequence[int]) -> float:
        """Find every text as likely."""
        del prompt, answer
        return 0.0

    def warm(self, prompt: Sequence[int], *, cancelled: Any) -> Warmth:  # noqa: ANN401
        """Be ready."""
        del cancelled
        return Warmth(len(prompt), 0, finished=True)


def quiet_generator(model: str, options: CompletionOptions) -> QuietGenerator:
    """Return one with a model's tokenizer; the layout is that for a server."""
    form = decoder_form(ensure_served(model))
    tokenizer = BpeTokenizer(form.tokenizer_json(), form.control)
    fim = replace(form.fim, repo_name="", file_sep="")
    return QuietGenerator(tokenizer, fim, model, context_length(options))


def write_sessions(
    packages: Collection[RetypedPackage],
    target: Path,
    *,
    count: int,
    keys: int,
    model: str,
    context_tokens: int,
) -> int:
    """Write `count` sessions, a JSON line each; return how many keys they have."""
    options = replace(
        CompletionOptions(), context_tokens=context_tokens, retrieve_deadline_ms=_DEADLINE_MS
    )
    generator = quiet_generator(model, options)
    each = -(-count // len(packages))
    written = total = 0
    with target.open("w", encoding="utf-8") as out:
        for package in packages:
            for asked in _of_package(package, generator, options, each, keys):
                if written < count:
                    out.write(json.dumps([asdict(key) for key in asked]) + "\n")
                    written, total = written + 1, total + len(asked)
    return total


def _of_package(
    package: RetypedPackage,
    generator: QuietGenerator,
    options: CompletionOptions,
    count: int,
    keys: int,
) -> Iterator[list[PromptedKey]]:
    files = source_files(package.folder(), package.language)
    with tempfile.TemporaryDirectory(prefix="team-") as scratch:
        root = Path(scratch).resolve() / package.name
        copy_with(package.folder(), root, {})
        index = Index.open(root, create=True)
        index.update()
        seed = 0
        while count > 0:
            drawn = make_sessions(
                *(package.name, files),
                language=package.language,
                count=count,
                keys=keys,
                seed=(seed := seed + 1),
            )
            count -= len(drawn)
            for session in drawn:
                yield list(_typed(session, Completer(generator, index, options), generator))


def _typed(
    session: Session, completer: Completer, generator: QuietGenerator
) -> Iterator[PromptedKey]:
    typist = Typist(session)
    while not typist.is_done:
        key = typist.next()
        before = typist.before
        generator.last = ([], "", 0)
        completer.complete(
            CompletionRequest(
                before + session.after, len(before), path=session.path, language=session.language
            )
        )
        ids, heal, most = generator.last
        yield PromptedKey(round(key.gap_ms, 1), before.rpartition("\n")[2], ids, heal, most)
