"""The places that are asked: names of other files and of the own one, statements, blocks.

Half of a typist's pauses are not before a name that retrieval is about, so beside the cursors of
`bench/context/cursors/` there are other places of lines ("none"), beginnings of statements
("statement") and of bodies ("block"), and for each of them a place further on its line ("later"),
to which a typist comes with the prompt of the line. The document stands as it did while its author
wrote the line.
"""

from __future__ import annotations

import ast
import io
import random
import tokenize
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from bench.context.cursors import NameCursor, cut, load, outer_functions
from bench.context.packages import CursorCorpus

SHARES = {
    "first": 0.25,
    "again": 0.25,
    "in-file": 0.1,
    "none": 0.15,
    "statement": 0.15,
    "block": 0.1,
}
_LENGTHS = range(3, 101)  # of what is to be completed, in characters
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def places_of(corpus: CursorCorpus, *, count: int, seed: int) -> list[NameCursor]:
    """Return about `count` lines' places of a package by file, and where they go on ("later").

    Those of a smaller count are among them.
    """
    root = corpus.folder()
    named = [
        cursor
        for cursor in load(corpus.name, corpus.cursors, root)
        if cursor.state == "written" and len(cursor.rest.strip()) in _LENGTHS
    ]
    found = named + list(_beginnings(corpus.name, root, {cursor.path for cursor in named}))
    chosen: list[NameCursor] = []
    for group, share in SHARES.items():
        ours = [cursor for cursor in found if cursor.group == group]
        random.Random(f"{seed} {group}").shuffle(ours)
        chosen += ours[: round(count * share)]
    chosen += [later for cursor in chosen for later in _further(cursor, seed)]
    return sorted(chosen, key=lambda cursor: (cursor.path, cursor.line, cursor.column))


def _further(place: NameCursor, seed: int) -> Iterator[NameCursor]:
    """Yield a place before a later token of the line, where enough of it is left."""
    rest = place.rest.rstrip()
    columns = [c for c in _token_columns(rest) if len(rest) - c >= _LENGTHS.start]
    if columns:
        column = random.Random(f"{seed} {place.path} {place.line}").choice(columns)
        yield replace(
            place,
            column=place.column + column,
            group="later",
            before=place.before + rest[:column],
            rest=rest[column:],
        )


def _token_columns(text: str) -> list[int]:
    """Return where tokens begin behind the first one, as far as the text is one of Python."""
    found: list[int] = []
    with suppress(tokenize.TokenError, SyntaxError):
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.start[0] == 1 and token.string.strip() and token.start[1]:
                found.append(token.start[1])
    return found


def _beginnings(package: str, root: Path, paths: set[str]) -> Iterator[NameCursor]:
    """Yield where statements of functions begin, on lines whose text stands nowhere else."""
    texts = {path: (root / path).read_text(encoding="utf-8") for path in sorted(paths)}
    often = Counter(line.strip() for text in texts.values() for line in text.split("\n"))
    for path, text in texts.items():
        lines, ends = text.split("\n"), outer_functions(text)
        seen: set[int] = set()
        for statement, group in _statements(ast.parse(text)):
            number, column = statement.lineno, statement.col_offset
            line = lines[number - 1]
            is_fit = often[line.strip()] == 1 and len(line.strip()) in _LENGTHS
            if number in seen or not is_fit or line[:column].strip():
                continue
            seen.add(number)
            before, rest, after = cut(text, number, column, "written", ends)
            yield NameCursor(
                *(package, path, number, column, "", "none", "", 0, "written", group),
                *(before, after, rest),
            )


def _statements(tree: ast.Module) -> Iterator[tuple[ast.stmt, str]]:
    """Yield the statements of functions; the first behind a docstring begins a block."""
    for function in ast.walk(tree):
        if isinstance(function, _FUNCTIONS):
            body = function.body
            is_doc = isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant)
            for place, statement in enumerate(body[is_doc:]):
                if not isinstance(statement, (*_FUNCTIONS, ast.ClassDef)):
                    yield statement, "statement" if place else "block"
