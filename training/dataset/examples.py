"""A training or evaluation example: a document with a hole, and what fills it.

Rows are JSON, one a line, so that people can read what a model learns from. Token ids are made from
a row by the encoder of the server (`server/prompt/encode.py`): what is trained is what is served,
byte for byte, and `tests/server/prompt/test_golden.py` holds both to it.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from homespun.models.types import FimTokens, Tokenizer
from homespun.server.prompt.encode import PromptEncoder, Rendered
from homespun.server.prompt.render import DEFAULT_LAYOUT, Layout, Snippet, shown_behind
from homespun.storage import open_private

_COUNTED_TEXTS = 50_000
_MAX_ANSWER_TOKENS = 200


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
class Strand:
    """A run of ids that follows all of another one: several holes share the text before them."""

    start: int  # place of its first id
    end: int
    parent: int  # number of the strand that it follows, -1: none


@dataclass(frozen=True, slots=True)
class EncodedExample:
    """Token ids; the model learns and is scored on `ids[start:]`, which end in the end token.

    With `weights` it learns what they say, with `strands` the ids are several sequences.
    """

    ids: list[int]
    start: int
    id: str = ""
    weights: tuple[float, ...] = ()  # what each id counts in the loss; (): `ids[start:]` alike
    rare: tuple[int, ...] = ()  # number of the word, seen once, that an id is part of; -1: none
    strands: tuple[Strand, ...] = ()  # in the order of the ids, parents first; (): one sequence


class ExampleEncoder:
    """Makes token ids of examples, with the prompt that the server would show."""

    def __init__(
        self, tokenizer: Tokenizer, fim: FimTokens, *, layout: Layout = DEFAULT_LAYOUT
    ) -> None:
        """Take a model's tokenizer and names of control tokens; the first end token ends a hole."""
        self.tokenizer = tokenizer
        self.fim = fim
        self._prompts = PromptEncoder(tokenizer, fim, layout=layout, counted_texts=_COUNTED_TEXTS)
        self._end = tokenizer.control(fim.end[0])

    def encode(self, example: Example, *, budget: int) -> EncodedExample:
        """Return the ids of an example whose prompt takes at most `budget` tokens.

        The server asks from the start of the cursor's line on and lets the model begin with what
        is typed there, so the whole line counts as the model's. Closing brackets behind the
        cursor, which the prompt leaves out, are the model's to write, too.
        """
        return self.encode_rendered(example, self.render(example, budget=budget))

    def encode_rendered(self, example: Example, rendered: Rendered) -> EncodedExample:
        """Return the ids of an example behind its prompt."""
        answer = self.tokenizer.encode(answer_of(example, rendered))
        start = len(rendered.ids)
        return EncodedExample([*rendered.ids, *answer, self._end], start, example.id)

    def encode_as_asked(self, example: Example, *, budget: int) -> EncodedExample:
        """Return an example as the server asks: only the word at the cursor counts as the model's.

        What the prompt leaves out behind the cursor and the end token are not part of the answer.
        """
        rendered = self.render(example, budget=budget)
        asked = self._prompts.encode(rendered.ids, rendered.prompt.typed)
        answer = self.tokenizer.encode(asked.heal + example.middle)
        return EncodedExample([*asked.ids, *answer], len(asked.ids), example.id)

    def render(self, example: Example, *, budget: int) -> Rendered:
        """Return the prompt of at most `budget` tokens that the server would show."""
        return self._prompts.render(
            example.prefix,
            example.suffix,
            repo=example.repo,
            path=example.path,
            snippets=example.snippets,
            budget=budget,
        )


def answer_of(example: Example, rendered: Rendered) -> str:
    """Return what the model has to write behind a prompt: a part of the document."""
    unseen = example.suffix[: len(example.suffix) - len(shown_behind(example.suffix))]
    return rendered.prompt.typed + example.middle + unseen.rstrip()


def budget_of(example: Example, *, plain: Sequence[int], context: Sequence[int], seed: int) -> int:
    """Return the tokens of an example's prompt, drawn by its ID.

    Several lengths, because the server's prompts have all of them, and short ones cost less to
    learn from. `plain` and `context` are the budgets without and with retrieved context.
    """
    rng = random.Random(f"{seed}-{example.id}")
    return rng.choice(context if example.snippets else plain)


def is_endless(encoded: EncodedExample) -> bool:
    """Tell whether an answer is longer than what is ever served."""
    return len(encoded.ids) - encoded.start > _MAX_ANSWER_TOKENS


def encode_all(
    examples: Iterable[Example],
    encoder: ExampleEncoder,
    *,
    plain: Sequence[int],
    context: Sequence[int],
    seed: int,
) -> list[EncodedExample]:
    """Encode examples, all of their answers alike; endless ones are left out."""
    found = []
    for example in examples:
        budget = budget_of(example, plain=plain, context=context, seed=seed)
        one = encoder.encode(example, budget=budget)
        if not is_endless(one):
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
