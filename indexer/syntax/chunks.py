"""Lines of a file -> chunks: split along the syntax tree, then merge neighbours (cAST).

Every line that is not blank lies in exactly one chunk; chunks are whole lines and never overlap.
Sizes count characters that are no white space. All of it is iterative and linear in the file.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import TYPE_CHECKING

from homespun.indexer.syntax.budget import Budget
from homespun.indexer.types import Chunk, Symbol

if TYPE_CHECKING:
    from tree_sitter import Node

# In units of the target size: whole definitions may be larger, scraps join a neighbour.
_MAX_SHARE = 4 / 3
_SCRAP_SHARE = 1 / 6
_MAX_CHILDREN = 100_000  # listing them takes 20 ms, in which nobody else runs
_OTHER_SPACE = re.compile(r"[^\S \t]")
_HEADING = re.compile(r"#{1,6}\s")


@dataclass(frozen=True, slots=True)
class _Piece:
    """Rows `first` to `last` (0-based, inclusive); only pieces of one group are merged freely."""

    first: int
    last: int
    group: int


class Sizes:
    """How much text lies on which rows: one prefix table for the whole file."""

    def __init__(self, lines: Sequence[str]) -> None:
        if _OTHER_SPACE.search("".join(lines)):
            counts = (len("".join(line.split())) for line in lines)
        else:  # nearly always, and several times as fast
            counts = (len(line) - line.count(" ") - line.count("\t") for line in lines)
        self._before = list(accumulate(counts, initial=0))

    def of(self, first: int, last: int) -> int:
        """Return the non-blank characters on rows `first` to `last`, both included."""
        return self._before[last + 1] - self._before[first]


def chunk_file(
    *,
    path: str,
    language: str,
    lines: Sequence[str],
    target: int,
    root: Node | None = None,
    definitions: frozenset[tuple[int, int]] = frozenset(),
    lead_rows: frozenset[int] = frozenset(),
    symbols: Sequence[Symbol] = (),
    ends_with_newline: bool = True,
    budget: Budget | None = None,
) -> tuple[Chunk, ...]:
    """Cut a file (`lines` without line ends) into chunks of about `target` characters.

    Raises `TooSlow` when the tree takes more than the budget; without a tree nothing does.
    """
    sizes = Sizes(lines)
    if root is None:
        pieces: Iterable[_Piece] = _paragraphs(lines, headings=language == "markdown")
    else:
        most = round(target * _MAX_SHARE)
        pieces = _split(root, len(lines), sizes, most, definitions, lead_rows, budget)
    merged = _join_scraps(_merge(_trim(pieces, lines), sizes, target), sizes, target, lines)
    naming = _Naming(symbols, sizes)
    kind = "text" if root is None else "module"
    chunks = [_chunk(piece, path, language, lines, naming, kind) for piece in merged]
    if chunks and chunks[-1].end_line == len(lines) and not ends_with_newline:
        chunks[-1] = replace(chunks[-1], text=chunks[-1].text.removesuffix("\n"))
    return tuple(chunks)


# --- split


@dataclass(frozen=True, slots=True)
class _PendingRows:
    first: int
    last: int
    nodes: tuple[Node, ...]
    group: int


def _split(
    root: Node,
    line_count: int,
    sizes: Sizes,
    most: int,
    definitions: frozenset[tuple[int, int]],
    lead_rows: frozenset[int],
    budget: Budget | None,
) -> Iterator[_Piece]:
    """Yield pieces in order; a piece above `most` is a single line."""
    groups = 0
    stack = [_PendingRows(0, line_count - 1, (root,), 0)]
    while stack:
        work = stack.pop()
        if sizes.of(work.first, work.last) <= most or work.first == work.last:
            yield _Piece(work.first, work.last, work.group)
            continue
        if not work.nodes:
            yield from (_Piece(row, row, work.group) for row in range(work.first, work.last + 1))
            continue
        group = work.group
        if any((node.start_byte, node.end_byte) in definitions for node in work.nodes):
            groups += 1
            group = groups
        if budget is not None:
            budget.check()
        children = _children(work.nodes)
        parts = _by_rows(children, work.first, work.last, lead_rows)
        stack.extend(_PendingRows(*part, group) for part in reversed(parts))


def _children(nodes: Sequence[Node]) -> list[Node]:
    """Return all children; none of a table of numbers, which is cut by its rows."""
    if sum(node.child_count for node in nodes) > _MAX_CHILDREN:
        return []
    return [child for node in nodes for child in node.children]


def _by_rows(
    nodes: Sequence[Node], first: int, last: int, lead_rows: frozenset[int]
) -> list[tuple[int, int, tuple[Node, ...]]]:
    """Deal the rows out to the nodes; nodes that share a row stay together.

    A new part begins where a node begins below all before it, and takes the comments and
    decorators above along.
    """
    starts: list[int] = [first]
    members: list[list[Node]] = [[]]
    busy = first - 1  # the last row that a node which is no lead has taken
    for node in nodes:
        row, column = node.end_point
        end = row - 1 if column == 0 and row > node.start_point[0] else row
        begin = node.start_point[0]
        if node.type == "imports":  # Haskell's end with the comment of the first definition
            while end > begin and end in lead_rows:
                end -= 1
        if begin in lead_rows and end in lead_rows:
            continue
        if begin > busy >= first:
            starts.append(_with_leads(begin, busy, lead_rows))
            members.append([])
        members[-1].append(node)
        busy = max(busy, end)
    ends = [start - 1 for start in starts[1:]] + [last]
    return [
        (start, end, tuple(group)) for start, end, group in zip(starts, ends, members, strict=True)
    ]


def _with_leads(begin: int, busy: int, lead_rows: frozenset[int]) -> int:
    """Return the row where the comments above `begin` start; blank rows between do not part."""
    row = begin
    while row - 1 > busy and row - 1 in lead_rows:
        row -= 1
    return row


def _paragraphs(lines: Sequence[str], *, headings: bool) -> Iterator[_Piece]:
    """Yield runs of lines between blank lines; a heading begins one and keeps what follows it."""
    first = 0
    below_heading = False
    for row in range(1, len(lines)):
        above, line = lines[row - 1], lines[row]
        if above.strip():
            below_heading = headings and _HEADING.match(above) is not None
        is_heading = headings and _HEADING.match(line) is not None
        if is_heading or (line.strip() and not above.strip() and not below_heading):
            yield _Piece(first, row - 1, 0)
            first = row
    yield _Piece(first, len(lines) - 1, 0)


# --- merge


def _trim(pieces: Iterable[_Piece], lines: Sequence[str]) -> Iterator[_Piece]:
    """Drop blank rows at both ends, and pieces of nothing else."""
    for piece in pieces:
        first, last = piece.first, piece.last
        while first <= last and not lines[first].strip():
            first += 1
        while last >= first and not lines[last].strip():
            last -= 1
        if first <= last:
            yield _Piece(first, last, piece.group)


def _merge(pieces: Iterable[_Piece], sizes: Sizes, target: int) -> list[_Piece]:
    """Join neighbours of one group while they stay within the target."""
    merged: list[_Piece] = []
    for piece in _cut_long(pieces, sizes, target):
        if merged and merged[-1].group == piece.group:
            joined = _Piece(merged[-1].first, piece.last, piece.group)
            if sizes.of(joined.first, joined.last) <= target:
                merged[-1] = joined
                continue
        merged.append(piece)
    return merged


def _cut_long(pieces: Iterable[_Piece], sizes: Sizes, target: int) -> Iterator[_Piece]:
    """Cut what no syntax parts (a long paragraph) into single lines, to be merged again."""
    for piece in pieces:
        if sizes.of(piece.first, piece.last) <= target * _MAX_SHARE:
            yield piece
        else:
            rows = range(piece.first, piece.last + 1)
            yield from (_Piece(row, row, piece.group) for row in rows)


def _join_scraps(
    pieces: Sequence[_Piece], sizes: Sizes, target: int, lines: Sequence[str]
) -> list[_Piece]:
    """Give a closing brace to the piece above, the head of a class to the piece below."""
    most, scrap = target * _MAX_SHARE, target * _SCRAP_SHARE
    joined: list[_Piece] = []
    for piece in pieces:
        if joined:
            above = joined[-1]
            whole = _Piece(above.first, piece.last, piece.group)
            closes = not _has_word(piece, lines)
            small_above = sizes.of(above.first, above.last) < scrap
            small = sizes.of(piece.first, piece.last) < scrap and piece is pieces[-1]
            if (closes or small_above or small) and sizes.of(whole.first, whole.last) <= most:
                joined[-1] = whole
                continue
        joined.append(piece)
    return joined


def _has_word(piece: _Piece, lines: Sequence[str]) -> bool:
    rows = range(piece.first, min(piece.last, piece.first + 20) + 1)
    return any(character.isalnum() for row in rows for character in lines[row])


# --- naming


class _Naming:
    """Which definition a range of rows is, or lies in."""

    def __init__(self, symbols: Sequence[Symbol], sizes: Sizes) -> None:
        named = [symbol for symbol in symbols if symbol.kind not in ("variable", "constant")]
        self._symbols = sorted(named, key=lambda symbol: (symbol.start_line, -symbol.end_line))
        self._sizes = sizes
        self._next = 0
        self._open: list[Symbol] = []  # definitions that began above and are not over yet

    def of(self, piece: _Piece) -> Symbol | None:
        """Return the definition that fills the piece; pieces must come in order."""
        first, last = piece.first + 1, piece.last + 1
        self._open = [symbol for symbol in self._open if symbol.end_line >= first]
        inside = []
        while self._next < len(self._symbols) and self._symbols[self._next].start_line <= last:
            inside.append(self._symbols[self._next])
            self._next += 1
        best = max(
            (symbol for symbol in self._open if symbol.end_line >= last),
            key=lambda symbol: symbol.start_line,
            default=None,
        )
        for symbol in inside:
            if self._fills(symbol, piece):
                best = symbol
        self._open += [symbol for symbol in inside if symbol.end_line > last]
        return best

    def _fills(self, symbol: Symbol, piece: _Piece) -> bool:
        """More than half of the piece's text belongs to the definition."""
        first = max(symbol.start_line - 1, piece.first)
        last = min(symbol.end_line - 1, piece.last)
        shared = self._sizes.of(first, last) if first <= last else 0
        return 2 * shared > self._sizes.of(piece.first, piece.last)


def _chunk(
    piece: _Piece, path: str, language: str, lines: Sequence[str], naming: _Naming, kind: str
) -> Chunk:
    symbol = naming.of(piece)
    qualified = symbol.qualified if symbol else ""
    return Chunk(
        path=path,
        language=language,
        start_line=piece.first + 1,
        end_line=piece.last + 1,
        symbol=qualified,
        kind=symbol.kind if symbol else kind,
        header=" > ".join([path, *(part for part in qualified.split(".") if part)]),
        text="\n".join(lines[piece.first : piece.last + 1]) + "\n",
    )
