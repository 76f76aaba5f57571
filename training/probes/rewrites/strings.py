"""Python: turning formatted strings, log calls, numbers and raised errors into their other form."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from homespun.training.conventions.base.parsed_file import (
    ParsedSource,
    first_child,
    named_children,
    parent,
)
from homespun.training.conventions.python.names import caught_name
from homespun.training.probes.rewrites.base import (
    Edit,
    Rewrite,
    indentation,
    is_plain,
    replaced,
    swapped,
)

if TYPE_CHECKING:
    from tree_sitter import Node

_PERCENT = re.compile(r"%([srd])")
_BRACES = re.compile(r"\{(![rs])?\}")


# --- strings


def _formatted(file: ParsedSource, node: Node, form: str) -> list[Edit] | None:
    if node.parent is not None and node.parent.type == "concatenated_string":
        return None
    parts = _filled(file, node)
    if parts is None:
        return None
    quote, texts, values = parts
    if form == "fstring":
        return [replaced(node, _fstring(quote, texts, values))]
    body = texts[0]
    for (_, mark), text in zip(values, texts[1:], strict=True):
        body += f"{{{mark}}}{text}"
    given = ", ".join(value for value, _ in values)
    return [replaced(node, f"{quote}{body}{quote}.format({given})")]


_Filled = tuple[str, list[str], list[tuple[str, str]]]  # quote, texts, values with "!r" or ""


def _filled(file: ParsedSource, node: Node) -> _Filled | None:
    """Take a formatted string apart, whichever way it is formatted."""
    if node.type == "string":
        return _of_fstring(file, node)
    if node.type == "binary_operator":
        left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
        if left is None or right is None:
            return None
        values = named_children(right) if right.type == "tuple" else [right]
        return _of_percent(file, left, [file.read(value) for value in values])
    function = node.child_by_field_name("function")
    text = function.child_by_field_name("object") if function is not None else None
    if text is None:
        return None
    given = named_children(node.child_by_field_name("arguments"))
    if any(child.type in ("keyword_argument", "list_splat", "dictionary_splat") for child in given):
        return None
    return _of_format(file, text, [file.read(child) for child in given])


def _of_fstring(file: ParsedSource, node: Node) -> _Filled | None:
    begin = file.read(node)[:5]
    quote = begin.lstrip("fF")[:1]
    if begin[:1] not in "fF" or quote not in ("'", '"') or begin.startswith(quote * 3, 1):
        return None
    texts, values = [""], []
    for child in node.named_children:
        if child.type == "string_content":
            texts[-1] += file.read(child)
        elif child.type == "interpolation":
            expression = child.child_by_field_name("expression")
            rest = [part for part in child.named_children if part != expression]
            if expression is None or any(part.type != "type_conversion" for part in rest):
                return None
            values.append((file.read(expression), file.read(rest[0]) if rest else ""))
            texts.append("")
    if not values or any("{" in text or "%" in text for text in texts):
        return None
    return quote, texts, values


def _of_percent(file: ParsedSource, literal: Node, values: list[str]) -> _Filled | None:
    text = file.read(literal)
    quote = text[:1]
    if literal.type != "string" or quote not in ("'", '"') or text.startswith(quote * 3):
        return None
    body = text[1:-1]
    pieces = _PERCENT.split(body)
    texts, marks = pieces[::2], pieces[1::2]
    if any(set(piece) & set("%{}") for piece in texts) or len(marks) != len(values) or not marks:
        return None
    if not all(is_plain(value) for value in values):
        return None
    return quote, texts, [(v, "!r" if m == "r" else "") for v, m in zip(values, marks, strict=True)]


def _of_format(file: ParsedSource, literal: Node, values: list[str]) -> _Filled | None:
    text = file.read(literal)
    quote = text[:1]
    if literal.type != "string" or quote not in ("'", '"') or text.startswith(quote * 3):
        return None
    pieces = _BRACES.split(text[1:-1])
    texts, marks = pieces[::2], [mark or "" for mark in pieces[1::2]]
    if any(set(piece) & set("%{}") for piece in texts) or len(marks) != len(values) or not marks:
        return None
    if not all(is_plain(value) for value in values):
        return None
    return quote, texts, list(zip(values, marks, strict=True))


def _fstring(quote: str, texts: list[str], values: list[tuple[str, str]]) -> str:
    body = texts[0]
    for (value, mark), text in zip(values, texts[1:], strict=True):
        body += f"{{{value}{mark}}}{text}"
    return f"f{quote}{body}{quote}"


def _logged(file: ParsedSource, node: Node, form: str) -> list[Edit] | None:
    given = named_children(node.child_by_field_name("arguments"))
    plain = [child for child in given if child.type != "keyword_argument"]
    if not plain or plain[0].type != "string":
        return None
    if form == "fstring":
        parts = _of_percent(file, plain[0], [file.read(value) for value in plain[1:]])
        if parts is None:
            return None
        return [Edit(plain[0].start_byte, plain[-1].end_byte, _fstring(*parts))]
    parts = _of_fstring(file, plain[0])
    if parts is None or len(plain) > 1:
        return None
    quote, texts, values = parts
    body = texts[0]
    for (_, mark), text in zip(values, texts[1:], strict=True):
        body += ("%r" if mark == "!r" else "%s") + text
    listed = ", ".join([f"{quote}{body}{quote}", *(value for value, _ in values)])
    return [replaced(plain[0], listed)]


def _number(file: ParsedSource, node: Node, form: str) -> list[Edit]:
    digits = int(file.read(node).replace("_", ""))
    return [replaced(node, f"{digits:_}" if form == "underscores" else str(digits))]


# --- errors


def _renamed(file: ParsedSource, node: Node, form: str) -> list[Edit]:
    name = file.read(node)
    return [replaced(node, "exc" if name == "e" else "e")]


def _caused(file: ParsedSource, node: Node, form: str) -> list[Edit] | None:
    value, cause = first_child(node), node.child_by_field_name("cause")
    if value is None:
        return None
    if form == "without":
        return [Edit(value.end_byte, node.end_byte, "")] if cause is not None else None
    clause = parent(node, "except_clause")
    name = caught_name(clause) if clause is not None else None
    return [Edit(node.end_byte, node.end_byte, f" from {file.read(name)}")] if name else None


def _placed(file: ParsedSource, node: Node, form: str) -> list[Edit] | None:
    call = first_child(node)
    given = named_children(call.child_by_field_name("arguments")) if call is not None else []
    if len(given) != 1 or given[0].type != "string" or node.start_point[0] != node.end_point[0]:
        return None
    blanks = indentation(file, node)
    text = file.read(given[0])
    return [Edit(node.start_byte, node.start_byte, f"msg = {text}\n{blanks}")] + [
        replaced(given[0], "msg")
    ]


def _raised_empty(file: ParsedSource, node: Node, form: str) -> list[Edit] | None:
    value = first_child(node)
    if value is None:
        return None
    text = file.read(value)
    return [replaced(value, f"{text}()" if form == "call" else text.removesuffix("()"))]


REWRITES: Mapping[str, Rewrite] = {
    "python/string-formatting": Rewrite(
        {"fstring": "format", "format": "fstring", "percent": "fstring"}, _formatted
    ),
    "python/logging-arguments": Rewrite(swapped("lazy", "fstring"), _logged),
    "python/large-numbers": Rewrite(swapped("underscores", "plain"), _number),
    "python/exception-variable": Rewrite({"*": "another name"}, _renamed, gives_away=True),
    "python/raise-from": Rewrite(
        {"from": "without", "none": "without", "without": "from"}, _caused
    ),
    "python/raise-empty": Rewrite(swapped("class", "call"), _raised_empty),
    "python/message-place": Rewrite({"inline": "variable"}, _placed),
}
