"""Does it help the model: the rest of a line, exactly, with and without the repository's code.

Arms take turns at every cursor: no retrieval, BM25 alone, the product, and the oracle, which is
handed the needed definition and nothing else. The cursor's file is out of the index meanwhile.
"""

from __future__ import annotations

import difflib
import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from bench.context.cursors import GROUPS, STATES, NameCursor
from bench.context.recall import Bench, bm25_only, rank
from homespun.indexer.index import Index
from homespun.models.types import Generator
from homespun.server.completion.completer import Completer
from homespun.server.context.retriever import Gathered, Retriever, Retrieves
from homespun.server.options import CompletionOptions
from homespun.server.prompt.render import DEFAULT_LAYOUT, Layout, Snippet
from homespun.server.types import CompletionRequest

ARMS = ("none", "BM25 only", "homespun", "oracle")
CONTEXT_TOKENS = 1024
_LAYOUTS: dict[str, Layout] = {"homespun, near": "near", "homespun, comments": "comments"}
_SHORT_LINES = 12
_SHARES = {"first": 0.36, "again": 0.36, "in-file": 0.14, "none": 0.14}  # of the cursors asked


@dataclass(frozen=True, slots=True)
class AnsweredCursor:
    """One arm at one cursor."""

    package: str
    path: str
    line: int
    column: int
    state: str
    group: str
    how: str
    arm: str
    rest: str
    text: str
    exact: bool
    is_named: bool  # the answer begins with the name that is meant
    similarity: float
    rank: int  # of the needed definition among the sources, 0 = none
    prompt_tokens: int
    sources: int


class _Fixed:
    """Retrieves what a function says."""

    def __init__(self, gather: Callable[[], Gathered]) -> None:
        self._gather = gather

    def gather(self, cursor: object, **how: object) -> Gathered:
        return self._gather()


def sampled(cursors: Sequence[NameCursor], count: int, seed: int) -> list[NameCursor]:
    """Return about `count` cursors of each state, each group with its share, in file order."""
    rng = random.Random(seed)
    chosen: list[NameCursor] = []
    for state in STATES:
        for group in GROUPS:
            found = [c for c in cursors if c.state == state and c.group == group]
            chosen += rng.sample(found, min(round(count * _SHARES[group]), len(found)))
    return sorted(chosen, key=lambda c: (c.path, c.line, c.column, c.state))


def answers(
    bench: Bench, cursors: Sequence[NameCursor], generator: Generator, arms: Sequence[str]
) -> Iterator[AnsweredCursor]:
    """Ask every arm at every cursor, the arms in turns."""
    options = CompletionOptions(
        context_tokens=CONTEXT_TOKENS, retrieve_deadline_ms=10_000, multiline="never"
    )
    retriever = Retriever(bench.index)
    for number, cursor in enumerate(bench.without_file(cursors)):
        turn = number % len(arms)
        for arm in [*arms[turn:], *arms[:turn]]:
            layout = _LAYOUTS.get(arm, DEFAULT_LAYOUT)
            source = _retriever(arm, retriever, bench.index, cursor)
            completer = Completer(
                generator, None, options, retriever=source, layout=layout, repo=bench.name
            )
            yield _asked(completer, cursor, arm)


def _retriever(arm: str, retriever: Retriever, index: Index, cursor: NameCursor) -> Retrieves:
    if arm == "homespun" or arm in _LAYOUTS:
        return retriever
    gathers = {
        "none": Gathered,
        "BM25 only": partial(bm25_only, index, cursor),
        "oracle": partial(oracle, index, cursor),
    }
    return _Fixed(gathers[arm])


def oracle(index: Index, cursor: NameCursor) -> Gathered:
    """Return the needed definition: head and doc line, its body where that is short."""
    if not cursor.is_cross:
        return Gathered()
    lines = (index.root / cursor.needs_path).read_text(encoding="utf-8").split("\n")
    around = [
        symbol
        for symbol in index.symbols_in(cursor.needs_path)
        if symbol.start_line <= cursor.needs_line <= symbol.end_line
    ]
    owners = [s for s in around if s.kind == "class" and s.name != cursor.name]
    text = [f"{owner.signature}:" for owner in owners[-1:]]
    meant = [symbol for symbol in around if symbol.name == cursor.name][-1:]
    for symbol in meant:
        if symbol.end_line - symbol.start_line < _SHORT_LINES:
            text += lines[symbol.start_line - 1 : symbol.end_line]
        else:
            depth = " " * 4 * bool(owners)
            text += [f"{depth}{symbol.signature}:", f'{depth}    """{symbol.doc}"""']
    if not meant:
        text.append(lines[cursor.needs_line - 1])
    snippet = Snippet(
        cursor.needs_path,
        cursor.needs_line,
        cursor.needs_line,
        "\n".join(text) + "\n",
        9.0,
        "definition",
    )
    return Gathered((snippet,))


def _asked(completer: Completer, cursor: NameCursor, arm: str) -> AnsweredCursor:
    answer = completer.complete(
        CompletionRequest(
            cursor.before + cursor.after, len(cursor.before), path=cursor.path, explicit=True
        )
    )
    wanted, given = cursor.rest.strip(), answer.text.strip()
    first = re.match(r"\w*", given)
    return AnsweredCursor(
        package=cursor.package,
        path=cursor.path,
        line=cursor.line,
        column=cursor.column,
        state=cursor.state,
        group=cursor.group,
        how=cursor.how,
        arm=arm,
        rest=wanted,
        text=given,
        exact=given == wanted,
        is_named=bool(cursor.name) and first is not None and first[0] == cursor.name,
        similarity=difflib.SequenceMatcher(None, wanted, given, autojunk=False).ratio(),
        rank=_rank(cursor, answer.sources),
        prompt_tokens=answer.tokens["prompt"],
        sources=len(answer.sources),
    )


def _rank(cursor: NameCursor, sources: Sequence[object]) -> int:
    shown = [
        Snippet(s.path, s.start_line, s.end_line, cursor.name, s.score, "")  # type: ignore[attr-defined]
        for s in sources
    ]
    return rank(cursor, sorted(shown, key=lambda snippet: -snippet.score))
