"""Syntax tree -> definitions, imports and call sites; pure.

What to look for stands in the query files; their captures mean:

- `@def.KIND` with `@name`: a definition (`@declarator` instead where C hides the name in one);
  `@owner` qualifies it further, `@body` is where its head ends if no field is called so.
  Of two patterns that match one name the earlier in the file decides.
- `@template.KIND`: a definition inside a C++ `template <…>`, which belongs to it.
- `@scope.type`, `@scope.namespace` with `@name`: no definition, but qualifies what is inside.
- `@doc`: a string that documents the body that it begins, or the body `@of` that it lies in;
  `@comment`; `@lead`: a decorator, or whatever else belongs to the definition below it.
- `@call`: the name in a call. `@import.*`: see imports.py.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from homespun.indexer.imports.statements import read_imports, text_of
from homespun.indexer.syntax import doc_lines
from homespun.indexer.syntax.budget import Budget
from homespun.indexer.types import Call, Import, Symbol

if TYPE_CHECKING:
    from tree_sitter import Node

Match = tuple[int, "dict[str, list[Node]]"]  # pattern number, captures

_MAX_NAME_CHARS = 200
_MAX_NAMES = 8  # that one signature declares
_MAX_HEAD_CHARS = 400  # signature of something with a body
_MAX_VALUE_CHARS = 160  # signature of a constant: the beginning of its value

_CLASS_LIKE = frozenset({"class", "interface", "struct", "enum", "trait", "object", "module"})
_DATA = frozenset({"variable", "constant"})
_LOCAL = _DATA | {"property"}  # inside a function they are local names
_WITH_LOCALS = frozenset({"function", "method", "test"})
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
_DOTTED_NAMES = frozenset({"alias", "user_type"})
# Children that end a head in the grammars that have no field "body", or begin earlier than it.
_HEAD_ENDS = frozenset(
    """field_initializer_list constructor_initializer arrow_expression_clause accessor_list
    function_body class_body enum_class_body do_block match""".split()
)
_TEST_MACRO = re.compile(r"(?:[A-Z0-9]+_)*(?:TEST|TEST_CASE|BENCHMARK)(?:_[A-Z0-9]+)*")
_CONSTANT_WORD = re.compile(r"\b(?:const|constexpr|val|readonly|final)\b")
_HEAD_TAIL = re.compile(r"\s*(?:\{|=>|:=|[=:;,]|\bwhere)\s*$")
_TEMPLATE_ARGUMENTS = re.compile(r"<[^<>]*>")


@dataclass(frozen=True, slots=True)
class Extracted:
    """What the queries found in one file."""

    symbols: tuple[Symbol, ...]  # in the order of the source
    scopes: tuple[Symbol, ...]  # `impl T`, `extension T`: no definitions, but chunks are called so
    imports: tuple[Import, ...]
    calls: tuple[Call, ...]
    definitions: frozenset[tuple[int, int]]  # (start, end) bytes of the nodes that define
    lead_rows: frozenset[int]  # 0-based lines of comments and decorators alone on their lines


@dataclass(slots=True)
class _Found:
    """Captures of one file, sorted by what they are."""

    candidates: dict[int, _Candidate] = field(default_factory=dict)  # by first byte of the name
    scopes: list[_Candidate] = field(default_factory=list)
    docs: dict[int, Node] = field(default_factory=dict)  # by first byte
    comments: list[Node] = field(default_factory=list)
    leads: list[Node] = field(default_factory=list)
    calls: dict[int, tuple[int, str]] = field(default_factory=dict)  # by first byte
    imports: list[dict[str, list[Node]]] = field(default_factory=list)


@dataclass(slots=True)
class _Candidate:
    rank: int  # lower wins
    kind: str
    node: Node
    name: str
    owner: str
    body: Node | None
    start_byte: int
    end_byte: int
    only_outside: bool  # a declaration: inside a function it is a local name
    qualified: str = ""
    parent: _Candidate | None = None
    last: Node | None = None  # where it ends, if that is another node


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
    found = _sort(budget.paced(matches), source)
    rows = _Rows(found, lines)
    imports = tuple(read_imports(language, budget.paced(found.imports), source))
    nested = _nested(found, functions_in_modules=language == "elixir")
    if language in _SEVERAL_EQUATIONS:
        nested = _joined(nested, source)

    def symbol(item: _Candidate) -> Symbol:
        return _symbol(item, found, rows, path=path, language=language, source=source)

    scopes = [item for item in found.scopes if item.kind == "scope.type"]
    return Extracted(
        symbols=tuple(_without_repeats(list(map(symbol, budget.paced(nested))), imports)),
        scopes=tuple(replace(symbol(item), kind="class") for item in scopes),
        imports=imports,
        calls=_calls(found, rows if language == "elixir" else None),
        definitions=frozenset(
            (item.start_byte, item.end_byte) for item in (*found.candidates.values(), *scopes)
        ),
        lead_rows=rows.lead_rows,
    )


def _calls(found: _Found, rows: _Rows | None) -> tuple[Call, ...]:
    """Return the call sites; a definition's own head, and with `rows` a `@spec`, is none."""
    calls = {call for start, call in found.calls.items() if start not in found.candidates}
    lead_rows = rows.lead_rows if rows is not None else frozenset()
    return tuple(Call(name, line) for line, name in sorted(calls) if line - 1 not in lead_rows)


# --- sorting the captures


def _sort(matches: Iterable[Match], source: bytes) -> _Found:
    found = _Found()
    for pattern, captures in matches:
        key = next(iter(captures), "")
        if "call" in captures:
            _add_call(found, captures["call"][0], source)
        elif "comment" in captures:
            found.comments.append(captures["comment"][0])
        elif "lead" in captures:
            found.leads.append(captures["lead"][0])
        elif "doc" in captures:
            found.docs.setdefault(
                captures.get("of", captures["doc"])[0].start_byte, captures["doc"][0]
            )
        elif any(name.startswith("import.") for name in captures):
            found.imports.append(captures)
        elif key:
            _add_candidate(found, pattern, captures, source)
    found.comments.sort(key=lambda node: node.start_byte)
    return found


def _add_call(found: _Found, node: Node, source: bytes) -> None:
    name = _last_part(text_of(node, source))
    if name and len(name) <= _MAX_NAME_CHARS:
        found.calls[node.start_byte] = (node.start_point[0] + 1, name)


def _add_candidate(
    found: _Found, pattern: int, captures: dict[str, list[Node]], source: bytes
) -> None:
    role = next(key for key in captures if key.startswith(("def.", "scope.", "template.")))
    prefix, _, kind = role.partition(".")
    node = captures[role][0]
    only_outside = kind in _LOCAL
    if "declarator" in captures:
        name_node, is_function = _declared(captures["declarator"][0])
        only_outside = kind in ("declaration", "member")
        kind = _declared_kind(kind, is_function=is_function)
    else:
        name_node = captures["name"][0]
    if not kind or name_node.is_missing:
        return
    text = text_of(name_node, source)
    if name_node.type in _DOTTED_NAMES:
        text = text.replace(".", "::")
    elif kind == "test":
        text = text.replace(".", " ")
    elif kind == "function" and _TEST_MACRO.fullmatch(text):
        kind, text = "test", _test_name(name_node, source) or text
    owner, name = _split_name(text)
    if not name or len(name) > _MAX_NAME_CHARS:
        return
    candidate = _Candidate(
        rank=-1 if prefix == "template" else pattern,
        kind=role if prefix == "scope" else kind,
        node=node,
        name=name,
        owner=text_of(captures["owner"][0], source) if "owner" in captures else owner,
        body=captures["body"][0] if "body" in captures else None,
        start_byte=node.start_byte,
        end_byte=node.end_byte,
        only_outside=only_outside,
    )
    if prefix == "scope":
        found.scopes.append(candidate)
        return
    known = found.candidates.get(name_node.start_byte)
    if known is None or candidate.rank < known.rank:
        found.candidates[name_node.start_byte] = candidate


def _declared(node: Node) -> tuple[Node, bool]:
    """Descend a C declarator to the name; tell whether the name is that of a function."""
    is_function = False
    while True:
        inner = node.child_by_field_name("declarator")
        if inner is None and node.type in ("reference_declarator", "parenthesized_declarator"):
            inner = node.named_children[-1] if node.named_child_count else None
        if inner is None:
            return node, is_function
        if node.type == "function_declarator":
            # `int (*callback)(int)` declares a variable.
            is_function = inner.type != "parenthesized_declarator"
        node = inner


def _test_name(macro: Node, source: bytes) -> str:
    """`TEST_F(PoolTest, Closes) {…}` -> `PoolTest::Closes`."""
    parameters = macro.parent.child_by_field_name("parameters") if macro.parent else None
    words = re.findall(r"\w+", text_of(parameters, source)) if parameters is not None else []
    return "::".join(words[:2])


def _declared_kind(kind: str, *, is_function: bool) -> str:
    if kind == "declaration":
        return "function" if is_function else "variable"
    if kind == "member":
        return "method" if is_function else ""
    return kind


def _split_name(text: str) -> tuple[str, str]:
    """`acme::Pool<T>::take` -> (`acme.Pool`, `take`)."""
    text = " ".join(text.strip("\"'").removeprefix(":").split())  # Ruby's `:name`
    if not any(map(str.isalnum, text)):
        return "", text  # an operator: `<+>` holds no template arguments
    scope, operator, symbol = text.partition("operator")
    if operator and (not scope or scope.endswith("::")):
        return _without_templates(scope).strip(":").replace("::", "."), operator + symbol
    owner, _, name = _without_templates(text).rpartition("::")
    return owner.strip(":").replace("::", "."), name


def _last_part(text: str) -> str:
    return _without_templates(text).rpartition("::")[2] if "::" in text or "<" in text else text


def _without_templates(text: str) -> str:
    shorter = _TEMPLATE_ARGUMENTS.sub("", text)
    while shorter != text:
        text, shorter = shorter, _TEMPLATE_ARGUMENTS.sub("", shorter)
    return text


# --- nesting


def _nested(found: _Found, *, functions_in_modules: bool) -> list[_Candidate]:
    """Return the definitions in order, with their qualified names; local variables are dropped.

    What lies in a module is a function with `functions_in_modules`, else a method.
    """
    items = sorted(
        [*found.candidates.values(), *found.scopes],
        key=lambda item: (item.start_byte, -item.end_byte),
    )
    stack: list[_Candidate] = []
    kept = []
    for item in items:
        while stack and not _encloses(stack[-1], item):
            stack.pop()
        parent = stack[-1] if stack else None
        if item.only_outside and any(outer.kind in _WITH_LOCALS for outer in stack):
            continue
        item.parent = parent
        _qualify(item, functions_in_modules=functions_in_modules)
        if item.kind != "type":  # typedef struct node {…} node_t: neither is inside the other
            stack.append(item)
        if not item.kind.startswith("scope."):
            kept.append(item)
    return kept


def _encloses(outer: _Candidate, inner: _Candidate) -> bool:
    same = (outer.start_byte, outer.end_byte) == (inner.start_byte, inner.end_byte)
    return outer.end_byte >= inner.end_byte and not same


def _qualify(item: _Candidate, *, functions_in_modules: bool) -> None:
    parent = item.parent
    parts = [parent.qualified if parent else "", item.owner, item.name]
    item.qualified = ".".join(part for part in parts if part)
    inside = parent is not None and (parent.kind in _CLASS_LIKE or parent.kind == "scope.type")
    if inside and functions_in_modules:
        inside = parent is not None and parent.kind != "module"
    # `void Pool::close()` outside of its class
    outside = bool(item.owner) and item.node.type in ("function_definition", "template_declaration")
    if item.kind == "function" and (inside or outside):
        item.kind = "method"


def _joined(items: list[_Candidate], source: bytes) -> list[_Candidate]:
    """Make one definition of a signature and the equations or clauses that follow it.

    A clause with a documentation or specification of its own (`@doc`, `@spec`) begins another.
    """
    joined: list[_Candidate] = []
    for item in items:
        above = _begun(joined, item)
        if above is not None and b"@" not in source[_end(above) : item.start_byte]:
            above.last = item.node
        else:
            joined.append(item)
    return joined


def _begun(joined: Sequence[_Candidate], item: _Candidate) -> _Candidate | None:
    """Return what `item` goes on with: the definition above, or a signature of several names."""
    for back, above in enumerate(reversed(joined[-_MAX_NAMES:])):
        same = above.qualified == item.qualified and above.parent is item.parent
        if same and item.kind == above.kind and (not back or above.node.type == "signature"):
            return above if item.kind not in _DATA else None
    return None


def _end(item: _Candidate) -> int:
    return (item.last or item.node).end_byte


def _without_repeats(symbols: list[Symbol], imports: Sequence[Import]) -> list[Symbol]:
    """Drop a variable that is called as something above it, or as an import (`x = require`)."""
    bound = {(imported.alias, imported.line) for imported in imports}
    seen: set[str] = set()
    kept = []
    for symbol in symbols:
        if symbol.kind in _DATA and (
            symbol.qualified in seen or (symbol.name, symbol.start_line) in bound
        ):
            continue
        seen.add(symbol.qualified)
        kept.append(symbol)
    return kept


# --- one symbol


class _Rows:
    """Comments and decorators by line (0-based)."""

    def __init__(self, found: _Found, lines: Sequence[str]) -> None:
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
    item: _Candidate, found: _Found, rows: _Rows, *, path: str, language: str, source: bytes
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


def _signature(item: _Candidate, body: Node | None, rows: _Rows, source: bytes) -> str:
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


def _without_comments(source: bytes, start: int, end: int, rows: _Rows) -> str:
    parts = []
    index = bisect_left(rows.comment_starts, start)
    while index < len(rows.comment_starts) and rows.comment_starts[index] < end:
        parts.append(source[start : rows.comment_starts[index]])
        start = rows.comment_ends[index]
        index += 1
    parts.append(source[start:end])
    return b" ".join(parts).decode("utf-8", "replace")


def _doc(body: Node | None, first_row: int, found: _Found, rows: _Rows, source: bytes) -> str:
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
