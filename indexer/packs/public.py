"""What of an index others may know: the public definitions of Python files, as rows of a pack.

Public is what no part of whose name begins with `_` (but `__init__` and its like), outside of
functions, in a file that others can import and that git tracks. Secrets are masked before a row
exists: the index has masked its own, and lines are read through the same mask.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Literal, Protocol

from homespun.indexer.config import IndexConfig
from homespun.indexer.packs.definition import (
    FILE,
    IMPORT,
    KINDS,
    MAX_BODY_LINES,
    MAX_CHARS,
    PackRow,
)
from homespun.indexer.packs.members import leads_of, members_of
from homespun.indexer.packs.modules import module_of
from homespun.indexer.scan import skip, walk
from homespun.indexer.scan.decode import decode
from homespun.indexer.secrets.mask import mask
from homespun.indexer.types import Import, Skipped, Symbol

What = Literal["definitions", "chunks"]  # "chunks": short bodies, too
_READING = IndexConfig()
_SPECIAL = re.compile(r"__\w+__")
_FUNCTIONS = ("function", "method")
_SPACE = re.compile(r"\s+")


class Indexed(Protocol):
    """What is asked of an index."""

    @property
    def root(self) -> Path:
        """Its folder."""

    def paths(self) -> list[str]:
        """Return the indexed files."""

    def symbols_in(self, path: str) -> list[Symbol]:
        """Return the definitions in a file, in order."""

    def imports(self, path: str) -> list[Import]:
        """Return the imports of a file, in order."""


def rows_of(index: Indexed, *, tracked: Collection[str], what: What) -> Iterator[PackRow]:
    """Yield the rows of a repository, by path and line; `tracked` are the files that git has."""
    paths = set(index.paths()) & set(tracked)
    for path in sorted(paths):
        module = module_of(path, paths)
        if module:
            lines = _lines(index.root, path)
            rows = [
                PackRow(path, FILE, module, module, 1, 1, "", ""),
                *_imports(path, index.imports(path)),
                *_definitions(index.symbols_in(path), lines, what),
            ]
            yield from sorted(rows, key=lambda row: row.start_line)


def _imports(path: str, imports: Sequence[Import]) -> Iterator[PackRow]:
    for each in imports:
        first = each.module.partition(".")[0]
        if first not in sys.stdlib_module_names and len(each.module) <= MAX_CHARS["signature"]:
            line = each.line
            yield PackRow(path, IMPORT, each.alias, each.name, line, line, each.module, "")


def _definitions(symbols: Sequence[Symbol], lines: Sequence[str], what: What) -> Iterator[PackRow]:
    functions: set[str] = set()
    for symbol in symbols:
        owner = symbol.qualified.rpartition(".")[0]
        inside = owner in functions
        if symbol.kind in _FUNCTIONS or inside:
            functions.add(symbol.qualified)
        if inside or not _is_public(symbol.qualified) or symbol.kind not in KINDS:
            continue
        yield _row(symbol, lines, what)
        if symbol.kind == "class":
            yield from filter(_is_short, members_of(symbol, lines))


def _row(symbol: Symbol, lines: Sequence[str], what: What) -> PackRow:
    return PackRow(
        path=symbol.path,
        kind=symbol.kind,
        name=symbol.name,
        qualified=symbol.qualified,
        start_line=symbol.start_line,
        end_line=symbol.end_line,
        signature=_line(symbol.signature, MAX_CHARS["signature"]),
        doc=_line(symbol.doc, MAX_CHARS["doc"]),
        lead=leads_of(symbol, lines),
        body=_body(symbol, lines) if what == "chunks" else "",
    )


def _body(symbol: Symbol, lines: Sequence[str]) -> str:
    text = "\n".join(lines[symbol.start_line - 1 : symbol.end_line])
    is_short = symbol.end_line - symbol.start_line < MAX_BODY_LINES
    return text if is_short and len(text) <= MAX_CHARS["body"] else ""


def _is_public(qualified: str) -> bool:
    parts = qualified.split(".")
    return all(not part.startswith("_") or _SPECIAL.fullmatch(part) for part in parts)


def _is_short(row: PackRow) -> bool:
    return all(len(getattr(row, name)) <= most for name, most in MAX_CHARS.items())


def _line(text: str, most: int) -> str:
    """Return a text on one line, without what no line has."""
    plain = "".join(c for c in _SPACE.sub(" ", text) if unicodedata.category(c)[0] != "C")
    return plain if len(plain) <= most else plain[: most - 1] + "…"


def _lines(root: Path, path: str) -> list[str]:
    """Return a file's lines without its secrets; none where it cannot be read."""
    if not walk.is_inside(root, path) or skip.reason_by_name(path) == "secret":
        return []
    source = walk.read(root, path, _READING)
    text = source if isinstance(source, Skipped) else decode(source)
    return [] if isinstance(text, Skipped) else mask(text, "python").split("\n")
