"""Every item, completed by every arm, through the product's own `Completer`.

An arm is a model and a context, "MODEL/CONTEXT". Models: "base" (the original weights), "general"
(the model as shipped), "repository" (with the repository's adapter). Contexts: "none", "retrieval"
(the production retriever on the parent's tree) and "oracle" (that, and what the hole still needs).
Prompt, stop rules, clean-up and decoding are those of the server, on the served int8 weights.

Answers of the model are kept in a file, by the weights' hash and the prompt: a run that was ended
goes on where it was, and an arm whose prompt is that of another arm costs nothing.
"""

from __future__ import annotations

import hashlib
import json
import math
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from homespun.indexer.index import Index
from homespun.models.errors import PromptTooLong
from homespun.models.types import (
    FimTokens,
    Generation,
    Generator,
    StopRule,
    Tokenizer,
    Warmth,
)
from homespun.parsing import parse_json
from homespun.progress import NoProgress, Progress
from homespun.server.completion.completer import Completer
from homespun.server.context.retriever import Gathered, Retriever, Retrieves
from homespun.server.options import CompletionOptions
from homespun.server.prompt.encode import Encoded
from homespun.server.types import Completion, CompletionRequest
from homespun.storage import make_private_folder, open_private, read_bounded
from homespun.training.errors import NothingToEvaluate
from homespun.training.evaluation.items import Item
from homespun.training.evaluation.oracle import OracleRetriever, missing_names
from homespun.training.evaluation.report import PRIMARY
from homespun.training.evaluation.served_model import Opened
from homespun.training.history.indexed_trees import Trees
from homespun.trust import has_seal, with_seal

MODELS = ("base", "general", "repository")
CONTEXTS = ("none", "retrieval", "oracle")
_DEADLINE_MS = 60_000
_MAX_BYTES = 1_000_000_000  # an answer has some 200
_PURPOSE = "kept answer"
# Fields of a generation that JSON keeps as lists.
_OF_EACH_TOKEN = ("token_ids", "token_logprobs", "token_margins", "token_entropies", "token_ends")


@dataclass(frozen=True, slots=True)
class ArmAnswer:
    """One arm's completion of one item."""

    item: Item
    arm: str
    completion: Completion
    missing: tuple[str, ...]  # names that the hole needs and the prompt did not show
    loss: float | None  # nats a token of the wanted middle behind this prompt
    is_known: bool  # came from the file, or from an arm with the same prompt


def check_arms(arms: Sequence[str]) -> list[str]:
    """Return arms in their canonical order, each once. Raises `NothingToEvaluate` for others."""
    known = [f"{model}/{context}" for model in MODELS for context in CONTEXTS]
    for arm in arms:
        if arm not in known:
            raise NothingToEvaluate(
                f"there is no arm {arm!r}; give MODEL/CONTEXT with a model of "
                f"{', '.join(MODELS)} and a context of {', '.join(CONTEXTS)}"
            )
    return [arm for arm in known if arm in arms]


def answers(
    items: Sequence[Item],
    arms: Sequence[str],
    models: Mapping[str, Opened],
    trees: Trees,
    options: CompletionOptions,
    kept: KeptAnswers,
    *,
    with_loss: bool = True,
    others: int | None = None,
    progress: Progress | None = None,
) -> Iterator[ArmAnswer]:
    """Yield the answers of all arms, item by item; `items` in the order of the history.

    The models take turns at being first, so that the machine's load falls on each alike. With
    `others` the arms that the gate does not compare are asked for so many of the items alone.
    """
    progress = progress or NoProgress()
    asked = {
        name: AskedModel.of(opened, kept, options, with_loss=with_loss)
        for name, opened in models.items()
    }
    wanted = _arms_of_items(len(items), arms, others)
    progress.start("completions", sum(map(len, wanted)), "completions")
    for number, item in enumerate(items):
        index = trees.at(item.parent)
        contexts = _contexts(index, item)
        for arm in _in_turns(wanted[number], number):
            model, _, context = arm.partition("/")
            yield asked[model].answer(item, arm, contexts[context], index)
            progress.advance(1)
    progress.finish()


class KeptAnswers:
    """A file of what models said, a row of JSON a question; rows are only ever appended.

    Each row is sealed: one that came with the folder, of a clone or an archive, is not believed.
    """

    def __init__(self, path: Path | None) -> None:
        """Read what is there; a last row that was cut off by a kill is left out. None: memory."""
        self._path = path
        self._lock = threading.Lock()
        self._known: dict[str, dict[str, Any]] = {}
        if path is None:
            return
        make_private_folder(path.parent)
        text = _text_of(path)
        for line in text.splitlines():
            try:
                row = parse_json(line)
                if has_seal(row, purpose=_PURPOSE, folder=path.parent):
                    self._known[row["key"]] = row["value"]
            except (ValueError, KeyError, TypeError, AttributeError):
                continue
        if text and not text.endswith("\n"):
            with open_private(path, append=True) as stream:
                stream.write(b"\n")

    def __len__(self) -> int:
        """Return how many answers are known."""
        return len(self._known)

    def ask(self, key: str, compute: Callable[[], dict[str, Any]]) -> tuple[dict[str, Any], bool]:
        """Return the answer, and whether it was known."""
        if key in self._known:
            return self._known[key], True
        value = compute()
        with self._lock:
            self._known[key] = value
            if self._path is not None:
                body = {"key": key, "value": value}
                row = with_seal(body, purpose=_PURPOSE, folder=self._path.parent)
                with open_private(self._path, append=True) as stream:
                    stream.write((json.dumps(row) + "\n").encode("utf-8"))
        return value, False


def _text_of(path: Path) -> str:
    try:
        return read_bounded(path, max_bytes=_MAX_BYTES).decode("utf-8", "replace")
    except FileNotFoundError:
        return ""


class RememberingGenerator:
    """A generator that looks in the kept answers first."""

    def __init__(self, opened: Opened, kept: KeptAnswers, item: str) -> None:
        """Wrap a model; `item` names what stop rules depend on beside the prompt."""
        self.name: str = opened.generator.name
        self.adapter: str = opened.adapter
        self.fim: FimTokens = opened.generator.fim
        self.context_tokens: int = opened.generator.context_tokens
        self.sends: bool = opened.generator.sends
        self.asked: Encoded | None = None  # the last question
        self.is_known = False  # its answer was kept
        self._item = item
        self._opened = opened
        self._kept = kept

    @property
    def tokenizer(self) -> Tokenizer:
        """The tokenizer of the model."""
        return self._opened.generator.tokenizer

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
        """Return the kept generation, or a new one, which is kept."""
        self.asked = Encoded(list(prompt), heal)

        def compute() -> dict[str, Any]:
            # Without hints, as the first request of a session: the order of items changes no time.
            done = self._opened.generator.generate(
                prompt,
                max_tokens=max_tokens,
                stop=stop,
                cancelled=cancelled,
                heal=heal,
                not_first=not_first,
            )
            return asdict(done)

        more = [sorted(not_first)] if not_first else []
        key = _key("text", self._opened.weights, self._item, prompt, heal, max_tokens, *more)
        row, self.is_known = self._kept.ask(key, compute)
        lists = {name: tuple(row.get(name, ())) for name in _OF_EACH_TOKEN}
        return Generation(**row | lists)

    def warm(self, prompt: Sequence[int], *, cancelled: Callable[[], bool]) -> Warmth:
        """Pass on."""
        return self._opened.generator.warm(prompt, cancelled=cancelled)

    def score(self, prompt: Sequence[int], answer: Sequence[int]) -> float:
        """Return the kept log-probability, or a new one, which is kept."""

        def compute() -> dict[str, Any]:
            return {"logprob": self._opened.generator.score(prompt, answer)}

        row, _ = self._kept.ask(_key("loss", self._opened.weights, prompt, answer), compute)
        return float(row["logprob"])


@dataclass(frozen=True, slots=True)
class AskedModel:
    """One model, and how it is asked."""

    opened: Opened
    kept: KeptAnswers
    options: CompletionOptions
    with_loss: bool

    @classmethod
    def of(
        cls, opened: Opened, kept: KeptAnswers, options: CompletionOptions, *, with_loss: bool
    ) -> AskedModel:
        """Ask a model as the settings say, but everywhere and without haste."""
        return cls(opened, kept, _options(options, opened), with_loss)

    def answer(self, item: Item, arm: str, context: Retrieves, index: Index) -> ArmAnswer:
        """Complete an item with what `context` finds; `arm` is the answer's name."""
        example = item.example
        generator = RememberingGenerator(self.opened, self.kept, item.id)
        completer = Completer(generator, None, self.options, retriever=context, repo=example.repo)
        completion = completer.complete(
            CompletionRequest(
                text=example.prefix + example.suffix,
                offset=len(example.prefix),
                path=example.path,
                language=example.language,
                explicit=True,
            )
        )
        asked = generator.asked
        shown = generator.tokenizer.decode(asked.ids) + asked.heal if asked else ""
        return ArmAnswer(
            item=item,
            arm=arm,
            completion=completion,
            missing=tuple(missing_names(example.middle, shown, index)),
            loss=_loss(generator, asked, example.middle) if asked and self.with_loss else None,
            is_known=generator.is_known,
        )


def _loss(generator: Generator, asked: Encoded, text: str) -> float | None:
    """Return the mean loss of a text behind a question; None where it cannot be had."""
    ids = generator.tokenizer.encode(asked.heal + text)
    try:
        logprob = generator.score(asked.ids, ids)
    except PromptTooLong:
        return None
    return round(-logprob / len(ids), 6) if ids and not math.isnan(logprob) else None


class _GatheredOnce:
    """Asks a retriever once and gives every model the same."""

    def __init__(self, retriever: Retrieves) -> None:
        self._retriever = retriever
        self._found: Gathered | None = None

    def gather(self, cursor: Any, **how: Any) -> Gathered:  # noqa: ANN401  (passed on as it is)
        if self._found is None:
            self._found = self._retriever.gather(cursor, **how)
        return self._found


class _Nothing:
    def gather(self, cursor: Any, **how: Any) -> Gathered:  # noqa: ANN401
        return Gathered()


def _contexts(index: Index, item: Item) -> dict[str, Retrieves]:
    retriever = Retriever(index)
    oracle = OracleRetriever(retriever, index, item.example.middle)
    return {
        "none": _Nothing(),
        "retrieval": _GatheredOnce(retriever),
        "oracle": _GatheredOnce(oracle),
    }


def _arms_of_items(count: int, arms: Sequence[str], others: int | None) -> list[Sequence[str]]:
    """Return the arms of each item; those that the gate does not compare at some, evenly spread."""
    compared = [arm for arm in arms if arm in PRIMARY]
    if others is None or others >= count or len(compared) < len(PRIMARY):
        return [arms] * count
    chosen = {number * count // others for number in range(others)}
    return [arms if number in chosen else compared for number in range(count)]


def _in_turns(arms: Sequence[str], number: int) -> list[str]:
    turn = number % len(arms)
    return [*arms[turn:], *arms[:turn]]


def _options(options: CompletionOptions, opened: Opened) -> CompletionOptions:
    return replace(
        options,
        adapter=opened.adapter,
        enabled=True,
        retrieval=True,
        retrieve_deadline_ms=_DEADLINE_MS,
        disabled_languages=(),
        disabled_globs=(),
    )


def _key(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]
