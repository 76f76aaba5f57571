"""Is the needed definition in the prompt: at which rank, for how many tokens? No model runs.

What counts are the snippets that enter the prompt, as they are cut there, best score first. The
definition is there when a snippet of its file spans its line and shows its name. While a cursor is
asked, its file is out of the index altogether, so nothing can bring the completed line back.
"""

from __future__ import annotations

import itertools
import re
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from bench.context.cursors import NameCursor
from homespun.indexer.config import IndexConfig
from homespun.indexer.index import Index
from homespun.indexer.languages import language_of
from homespun.models.serve import decoder_form, ensure_served
from homespun.models.weights.tokenizer import BpeTokenizer
from homespun.server.context.retriever import Gathered, Retriever
from homespun.server.prompt.cursor import Cursor
from homespun.server.prompt.render import DEFAULT_LAYOUT, Context, Snippet, render, split

BUDGET = 1024 - 64  # of the prompt: context_tokens less what may be typed behind it
TOP = 5
DEADLINE_MS = 60_000.0  # quality is measured here; a busy machine must not cut it
Gather = Callable[[NameCursor], Gathered]


@dataclass(frozen=True, slots=True)
class RecallResult:
    """What one arm showed at one cursor."""

    arm: str
    rank: int  # of the snippet with the needed definition, from 1; 0 = none
    offered: int  # the same before the prompt's room was shared out
    snippets: int
    tokens: int  # of all snippets in the prompt
    ms: float  # to gather them
    is_indexed: bool = True  # the needed file is in the index: generated files, say, are not


class Bench:
    """A copy of a package with an index; one file at a time is taken out of both."""

    def __init__(self, name: str, folder: Path, below: Path) -> None:
        self.root = below / name
        shutil.copytree(
            folder, self.root, ignore=shutil.ignore_patterns(".homespun", "__pycache__")
        )
        self.index = Index.open(self.root, IndexConfig(encoder="none"), create=True)
        self.index.update()
        self.name = name
        self.paths = frozenset(self.index.paths())

    def without_file(self, cursors: Sequence[NameCursor]) -> Iterator[NameCursor]:
        """Yield the cursors by file, the index lacking that file meanwhile."""
        for path, found in itertools.groupby(cursors, key=lambda cursor: cursor.path):
            file = self.root / path
            text = file.read_bytes()
            file.unlink()
            self.index.update(paths=[path])
            yield from found
            file.write_bytes(text)
            self.index.update(paths=[path])


def bm25_only(index: Index, cursor: NameCursor) -> Gathered:
    """Return the chunks most like the lines around the cursor: what most tools retrieve."""
    around = [*cursor.before.split("\n")[-21:], *cursor.after.split("\n")[1:4]]
    hits = index.similar("\n".join(around), limit=TOP, language=language_of(cursor.path))
    return Gathered(
        tuple(
            Snippet(hit.path, hit.start_line, hit.end_line, hit.text, hit.score, "similar")
            for hit in hits
        )
    )


def product(retriever: Retriever, cursor: NameCursor) -> Gathered:
    """Return what the product retrieves."""
    return retriever.gather(
        Cursor(cursor.before, cursor.after),
        path=cursor.path,
        language=language_of(cursor.path),
        budget_tokens=BUDGET,
        deadline_ms=DEADLINE_MS,
    )


class Prompts:
    """Renders prompts as the server does, with the model's tokenizer."""

    def __init__(self, model: str) -> None:
        form = decoder_form(ensure_served(model))
        self.fim = form.fim
        tokenizer = BpeTokenizer(form.tokenizer_json(), form.control)
        self.count = lru_cache(200_000)(lambda text: len(tokenizer.encode(text)))

    def shown(
        self, repo: str, cursor: NameCursor, snippets: Sequence[Snippet]
    ) -> tuple[Snippet, ...]:
        """Return the snippets that enter the prompt, best first."""
        prefix, typed, behind = split(cursor.before, cursor.after)
        prompt = render(
            Context(repo, cursor.path, prefix, behind, tuple(snippets), typed),
            fim=self.fim,
            budget=BUDGET,
            count_tokens=self.count,
            layout=DEFAULT_LAYOUT,
        )
        return tuple(sorted(prompt.snippets, key=lambda snippet: -snippet.score))


def asked(
    prompts: Prompts, bench: Bench, cursor: NameCursor, arm: str, gather: Gather
) -> RecallResult:
    """Return what an arm shows at a cursor."""
    began = time.perf_counter()
    gathered = gather(cursor)
    ms = (time.perf_counter() - began) * 1000
    shown = prompts.shown(bench.name, cursor, gathered.snippets)
    return RecallResult(
        arm=arm,
        rank=rank(cursor, shown),
        offered=rank(cursor, sorted(gathered.snippets, key=lambda snippet: -snippet.score)),
        snippets=len(shown),
        tokens=sum(prompts.count(snippet.text) for snippet in shown),
        ms=round(ms, 2),
        is_indexed=not cursor.is_cross or cursor.needs_path in bench.paths,
    )


def rank(cursor: NameCursor, shown: Sequence[Snippet]) -> int:
    """Return the place of the needed definition among the snippets, from 1; 0 = it is in none."""
    for place, snippet in enumerate(shown, start=1):
        if (
            snippet.path == cursor.needs_path
            and snippet.start_line <= cursor.needs_line <= snippet.end_line
            and re.search(rf"\b{re.escape(cursor.name)}\b", snippet.text)
        ):
            return place
    return 0
