"""Syntax tree -> definitions, imports and call sites; pure.

The queries' captures (captures.py) become definitions with qualified names (nesting.py), and these
symbols: lines, signature, line of documentation.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from homespun.indexer.imports.statements import read_imports, text_of
from homespun.indexer.syntax import doc_lines
from homespun.indexer.syntax.budget import Budget
from homespun.indexer.syntax.captures import (
    DATA_KINDS,
    DefinitionNode,
    Match,
    SortedCaptures,
    sort_captures,
)
from homespun.indexer.syntax.nesting import joined, nested
from homespun.indexer.types import Call, Import, Symbol

if TYPE_CHECKING:
    from tree_sitter import Node

_MAX_HEAD_CHARS = 400  # signature of something with a body
_MAX_VALUE_CHARS = 160  # signature of a constant: the beginning of its value

_SEVERAL_EQUATIONS = frozenset({"elixir", "haskell"})
_ANNOTATIONS = frozenset(
    {
        "decorator",
        "annotation",
        "marker_annotation",
        "attribute",
        "attribute_list",
        "attribute_item",
    }
)
# Children that end a head in the grammars that have no field "body", or begin earlier than it.
_HEAD_ENDS = frozenset(
    """field_initializer_list constructor_initializer arrow_expression_clause accessor_list
    function_body class_body enum_class_body do_block match""".split()
)
_CONSTANT_WORD = re.compile(r"\b(?:const|constexpr|val|readonly|final)\b")
_HEAD_TAIL = re.compile(r"\s*(?:\{|=>|:=|[=:;,]|\bwhere)\s*$")


@dataclass(frozen=True, slots=True)
class Extracted:
    """What the queries found in one file."""

    symbols: tuple[Symbol, ...]  # in the order of the source
    scopes: tuple[Symbol, ...]  # `impl T`, `extension T`: no definitions, but chunks are called so
    imports: tuple[Import, ...]
    calls: tuple[Call, ...]
    definitions: frozenset[tuple[int, int]]  # (start, end) bytes of the nodes that define
    lead_rows: frozenset[int]  # 0-based lines of comments and decorators alone on their lines


def extract(
    matches: Iterable[Match],
    *,
    path: str,
    language: str,
    source: bytes,
    lines: Sequence[str],
    budget: Budget,
) -> Extracted:
    """Return the definitions, imports and calls among the matches of the language's queries.

    Raises `TooSlow` when that takes more than the budget.
    """
    found = sort_captures(budget.paced(matches), source)
    rows = _CommentLines(found, lines)
    imports = tuple(read_imports(language, budget.paced(found.imports), source))
    definitions = nested(found, functions_in_modules=language == "elixir")
    if language in _SEVERAL_EQUATIONS:
        definitions = joined(definitions, source)

    def symbol(item: DefinitionNode) -> Symbol:
        return _symbol(item, found, rows, path=path, language=language, source=source)

    scopes = [item for item in found.scopes if item.kind == "scope.type"]
    return Extracted(
        symbols=tuple(_without_repeats(list(map(symbol, budget.paced(definitions))), imports)),
        scopes=tuple(replace(symbol(item), kind="class") for item in scopes),
        imports=imports,
        calls=_calls(found, rows if language == "elixir" else None),
        definitions=frozenset(
            (item.start_byte, item.end_byte) for item in (*found.definitions.values(), *scopes)
        ),
        lead_rows=rows.lead_rows,
    )


def _calls(found: SortedCaptures, rows: _CommentLines | None) -> tuple[Call, ...]:
    """Return the call sites; a definition's own head, and with `rows` a `@spec`, is none."""
    calls = {call for start, call in found.calls.items() if start not in found.definitions}
    lead_rows = rows.lead_rows if rows is not None else frozenset()
    return tuple(Call(name, line) for line, name in sorted(calls) if line - 1 not in lead_rows)


def _without_repeats(symbols: list[Symbol], imports: Sequence[Import]) -> list[Symbol]:
    """Drop a variable that is called as something above it, or as an import (`x = require`)."""
    bound = {(imported.alias, imported.line) for imported in imports}
    seen: set[str] = set()
    kept = []
    for symbol in symbols:
        if symbol.kind in DATA_KINDS and (
            symbol.qualified in seen or (symbol.name, symbol.start_line) in bound
        ):
            continue
        seen.add(symbol.qualified)
        kept.append(symbol)
    return kept


class _CommentLines:
    """Comments and decorators by line (0-based)."""

    def __init__(self, found: SortedCaptures, lines: Sequence[str]) -> None:
        self.comment_starts = [node.start_byte for node in found.comments]
        self.comment_ends = [node.end_byte for node in found.comments]
        own_line = [node for node in found.comments if _begins_line(node, lines)]
        self.comment_by_last_row = {_last_row(node): node for node in own_line}
        self.lead_by_last_row = {
            _last_row(node): node.start_point[0]
            for node in found.leads
            if _begins_line(node, lines)
        }
        rows = [range(node.start_point[0], _last_row(node) + 1) for node in own_line]
        rows += [range(first, last + 1) for last, first in self.lead_by_last_row.items()]
        self.lead_rows = frozenset(row for span in rows for row in span)

    def first_row(self, row: int) -> int:
        """Return the row of the topmost decorator above a definition's first row."""
        while row - 1 in self.lead_by_last_row:
            row = self.lead_by_last_row[row - 1]
        return row

    def comments_above(self, row: int) -> list[Node]:
        """Return the comments that touch the row from above, in the order of the source."""
        above: list[Node] = []
        while row - 1 in self.comment_by_last_row:
            above.append(self.comment_by_last_row[row - 1])
            row = above[-1].start_point[0]
        return above[::-1]


def _symbol(
    item: DefinitionNode,
    found: SortedCaptures,
    rows: _CommentLines,
    *,
    path: str,
    language: str,
    source: bytes,
) -> Symbol:
    body = item.body or _body(item.node)
    signature = _signature(item, body, rows, source)
    kind = item.kind
    if kind == "variable" and (
        item.name.isupper() or _CONSTANT_WORD.search(signature.split(item.name)[0])
    ):
        kind = "constant"
    first_row = rows.first_row(item.node.start_point[0])
    return Symbol(
        name=item.name,
        qualified=item.qualified,
        kind=kind,
        path=path,
        language=language,
        start_line=first_row + 1,
        end_line=_last_row(item.last or item.node) + 1,
        signature=signature,
        doc=_doc(body, first_row, found, rows, source),
    )


def _signature(item: DefinitionNode, body: Node | None, rows: _CommentLines, source: bytes) -> str:
    """Return the head on one line: without annotations, comments and body."""
    is_head = body is not None or item.kind in ("function", "method")
    limit = _MAX_HEAD_CHARS if is_head else _MAX_VALUE_CHARS
    start = _head_start(item.node)
    end = body.start_byte if body is not None and body.start_byte > start else item.end_byte
    # A head is never this long: no need to decode a table of ten thousand lines.
    end = min(end, start + 8 * _MAX_HEAD_CHARS)
    text = " ".join(_without_comments(source, start, end, rows).split())
    if text.count(")") > text.count("("):  # the type was a macro's argument
        text = text.replace(")", "", 1)
    text = _HEAD_TAIL.sub("", text) if body is not None else text.rstrip(" ;,{")
    text = re.sub(r"([(\[]) | (?=[)\]])|,(?= [)\]])", r"\1", text)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _body(node: Node) -> Node | None:
    body = node.child_by_field_name("body")
    ends = [child for child in node.children if child.type in _HEAD_ENDS]
    if body is not None and body.type == "ordered_field_declaration_list":
        return None  # struct Point(f64, f64): the body is the head
    first = min([*ends, *([body] if body else [])], key=lambda n: n.start_byte, default=None)
    return first


def _head_start(node: Node) -> int:
    for child in node.children:
        if child.type == "modifiers":
            plain = [inner for inner in child.children if inner.type not in _ANNOTATIONS]
            if plain:
                return plain[0].start_byte
        elif child.type not in _ANNOTATIONS and child.type != "attributes":
            if child.type != "comment":
                return child.start_byte
    return node.start_byte


def _without_comments(source: bytes, start: int, end: int, rows: _CommentLines) -> str:
    parts = []
    index = bisect_left(rows.comment_starts, start)
    while index < len(rows.comment_starts) and rows.comment_starts[index] < end:
        parts.append(source[start : rows.comment_starts[index]])
        start = rows.comment_ends[index]
        index += 1
    parts.append(source[start:end])
    return b" ".join(parts).decode("utf-8", "replace")


def _doc(
    body: Node | None, first_row: int, found: SortedCaptures, rows: _CommentLines, source: bytes
) -> str:
    docstring = found.docs.get(body.start_byte) if body is not None and found.docs else None
    if docstring is not None:
        return doc_lines.of_docstring(text_of(docstring, source))
    above = rows.comments_above(first_row)
    return doc_lines.of_comments([text_of(node, source) for node in above]) if above else ""


def _begins_line(node: Node, lines: Sequence[str]) -> bool:
    row, column = node.start_point
    return row < len(lines) and not lines[row][:column].strip()


def _last_row(node: Node) -> int:
    """Return the last row with a character of the node; some nodes end with their line's end."""
    row, column = node.end_point
    return row - 1 if column == 0 and row > node.start_point[0] else row
