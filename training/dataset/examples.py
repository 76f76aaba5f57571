"""A training or evaluation example: a document with a hole, and what fills it.

Rows are JSON, one a line, so that people can read what a model learns from. Token ids are made from
a row by the prompt of the server (`server/prompt/render.py`): what is trained is what is served,
byte for byte, and `tests/training/dataset/test_examples.py` holds both to it.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from homespun.models.types import FimTokens, Tokenizer
from homespun.server.prompt.render import (
    DEFAULT_LAYOUT,
    Context,
    Layout,
    Snippet,
    encode_parts,
    render,
    shown_behind,
    split,
)
from homespun.storage import open_private

_COUNTED_TEXTS = 50_000
_MOST_ANSWER_TOKENS = 200


@dataclass(frozen=True, slots=True)
class Example:
    """One hole in one document; texts have LF line ends."""

    id: str
    repo: str  # name of the repository, as the prompt shows it
    path: str  # relative to the repository
    language: str
    prefix: str  # the document before the cursor
    middle: str  # what belongs in the hole
    suffix: str  # the document behind the hole
    kind: str  # of `spans.holes`
    snippets: tuple[Snippet, ...] = ()  # retrieved context, in the order of the prompt
    commit: str = ""  # the commit that added the middle, "" where it comes from a tree
    source: str = "tree"  # "tree", "commit", "replay" or a package
    weight: float = 1.0

    def to_json(self) -> dict[str, Any]:
        """Return the row of a JSONL file."""
        return asdict(self)

    @classmethod
    def from_json(cls, row: dict[str, Any]) -> Example:
        """Read a row; raises TypeError for one with other keys."""
        snippets = tuple(Snippet(**snippet) for snippet in row.get("snippets", ()))
        return cls(**{**row, "snippets": snippets})


@dataclass(frozen=True, slots=True)
class EncodedExample:
    """Token ids; the model learns and is scored on `ids[start:]`, which end in the end token."""

    ids: list[int]
    start: int
    id: str = ""


class ExampleEncoder:
    """Makes token ids of examples, with the prompt that the server would show."""

    def __init__(
        self, tokenizer: Tokenizer, fim: FimTokens, *, layout: Layout = DEFAULT_LAYOUT
    ) -> None:
        """Take a model's tokenizer and names of control tokens; the first end token ends a hole."""
        self._tokenizer = tokenizer
        self._fim = fim
        self._layout = layout
        self._end = tokenizer.control(fim.end[0])
        self._count: Callable[[str], int] = lru_cache(_COUNTED_TEXTS)(
            lambda text: len(tokenizer.encode(text))
        )

    def encode(self, example: Example, *, budget: int) -> EncodedExample:
        """Return the ids of an example whose prompt takes at most `budget` tokens.

        The server asks from the start of the cursor's line on and lets the model begin with what
        is typed there, so the whole line counts as the model's. Closing brackets behind the
        cursor, which the prompt leaves out, are the model's to write, too.
        """
        prefix, typed, behind = split(example.prefix, example.suffix)
        unseen = example.suffix[: len(example.suffix) - len(shown_behind(example.suffix))]
        prompt = render(
            Context(example.repo, example.path, prefix, behind, example.snippets, typed),
            fim=self._fim,
            budget=budget,
            count_tokens=self._count,
            layout=self._layout,
        )
        ids = encode_parts(prompt.parts, self._tokenizer)
        answer = self._tokenizer.encode(prompt.typed + example.middle + unseen.rstrip())
        return EncodedExample([*ids, *answer, self._end], len(ids), example.id)


def encode_example(
    example: Example,
    tokenizer: Tokenizer,
    fim: FimTokens,
    *,
    budget: int,
    layout: Layout = DEFAULT_LAYOUT,
) -> EncodedExample:
    """Encode one example; `ExampleEncoder` is faster for many."""
    return ExampleEncoder(tokenizer, fim, layout=layout).encode(example, budget=budget)


def encode_all(
    examples: Iterable[Example],
    encoder: ExampleEncoder,
    *,
    plain: Sequence[int],
    context: Sequence[int],
    seed: int,
) -> list[EncodedExample]:
    """Encode examples, each with a prompt budget drawn by its ID; endless answers are left out.

    Several lengths, because the server's prompts have all of them, and short ones cost less to
    learn from. `plain` and `context` are the budgets without and with retrieved context, in tokens.
    """
    found = []
    for example in examples:
        rng = random.Random(f"{seed}-{example.id}")
        one = encoder.encode(example, budget=rng.choice(context if example.snippets else plain))
        if len(one.ids) - one.start <= _MOST_ANSWER_TOKENS:
            found.append(one)
    return found


def write_examples(examples: Iterable[Example], path: Path) -> int:
    """Write examples as JSONL; return how many."""
    count = 0
    with open_private(path) as stream:
        for example in examples:
            line = json.dumps(example.to_json(), ensure_ascii=False) + "\n"
            stream.write(line.encode("utf-8"))
            count += 1
    return count


def read_examples(path: Path) -> Iterator[Example]:
    """Yield the examples of a JSONL file; raises ValueError naming a line that is none."""
    with path.open(encoding="utf-8") as stream:
        for number, line in enumerate(stream, start=1):
            try:
                yield Example.from_json(json.loads(line))
            except (TypeError, ValueError) as error:
                raise ValueError(f"{path.name}, line {number}: no example ({error})") from error
