"""What the queries capture in a syntax tree -> the same, sorted by what it is; pure.

What to look for stands in the query files; their captures mean:

- `@def.KIND` with `@name`: a definition (`@declarator` instead where C hides the name in one);
  `@owner` qualifies it further, `@body` is where its head ends if no field is called so.
  Of two patterns that match one name the earlier in the file decides.
- `@template.KIND`: a definition inside a C++ `template <…>`, which belongs to it.
- `@scope.type`, `@scope.namespace` with `@name`: no definition, but qualifies what is inside.
- `@doc`: a string that documents the body that it begins, or the body `@of` that it lies in;
  `@comment`; `@lead`: a decorator, or whatever else belongs to the definition below it.
- `@call`: the name in a call. `@import.*`: see `indexer/imports/statements.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from homespun.indexer.imports.statements import text_of

if TYPE_CHECKING:
    from tree_sitter import Node

Match = tuple[int, "dict[str, list[Node]]"]  # pattern number, captures

DATA_KINDS = frozenset({"variable", "constant"})
_LOCAL = DATA_KINDS | {"property"}  # inside a function they are local names
_MAX_NAME_CHARS = 200
_DOTTED_NAMES = frozenset({"alias", "user_type"})
_TEST_MACRO = re.compile(r"(?:[A-Z0-9]+_)*(?:TEST|TEST_CASE|BENCHMARK)(?:_[A-Z0-9]+)*")
_TEMPLATE_ARGUMENTS = re.compile(r"<[^<>]*>")


@dataclass(slots=True)
class SortedCaptures:
    """Captures of one file, sorted by what they are."""

    definitions: dict[int, DefinitionNode] = field(default_factory=dict)  # by the name's first byte
    scopes: list[DefinitionNode] = field(default_factory=list)
    docs: dict[int, Node] = field(default_factory=dict)  # by first byte
    comments: list[Node] = field(default_factory=list)
    leads: list[Node] = field(default_factory=list)
    calls: dict[int, tuple[int, str]] = field(default_factory=dict)  # by first byte
    imports: list[dict[str, list[Node]]] = field(default_factory=list)


@dataclass(slots=True)
class DefinitionNode:
    """A definition, or a scope that qualifies what is inside, and the node that it stands in."""

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
    parent: DefinitionNode | None = None
    last: Node | None = None  # where it ends, if that is another node


def sort_captures(matches: Iterable[Match], source: bytes) -> SortedCaptures:
    """Return the matches of the language's queries by what they are."""
    found = SortedCaptures()
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
            _add_definition(found, pattern, captures, source)
    found.comments.sort(key=lambda node: node.start_byte)
    return found


def _add_call(found: SortedCaptures, node: Node, source: bytes) -> None:
    name = _last_part(text_of(node, source))
    if name and len(name) <= _MAX_NAME_CHARS:
        found.calls[node.start_byte] = (node.start_point[0] + 1, name)


def _add_definition(
    found: SortedCaptures, pattern: int, captures: dict[str, list[Node]], source: bytes
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
    definition = DefinitionNode(
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
        found.scopes.append(definition)
        return
    known = found.definitions.get(name_node.start_byte)
    if known is None or definition.rank < known.rank:
        found.definitions[name_node.start_byte] = definition


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
