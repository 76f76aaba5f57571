"""JavaScript and TypeScript: turning declarations, functions, strings and imports."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from homespun.training.conventions.base.parsed_file import ParsedSource, first_child, named_children
from homespun.training.probes.rewrites.base import Edit, Rewrite, is_plain, replaced, swapped

if TYPE_CHECKING:
    from tree_sitter import Node


def _declared(file: ParsedSource, node: Node, form: str) -> list[Edit]:
    word = re.match(r"\w+", file.read(node))
    length = len(word[0]) if word else 0
    return [Edit(node.start_byte, node.start_byte + length, "var" if form == "var" else "const")]


def _callback(file: ParsedSource, node: Node, form: str) -> list[Edit] | None:
    body = node.child_by_field_name("body")
    if body is None:
        return None
    if form == "arrow":
        before = re.match(r"(async )?function\s*\w*\s*(\([^()]*\))", file.read(node))
        if before is None:
            return None
        text = f"{before[1] or ''}{before[2]} => "
        return [Edit(node.start_byte, body.start_byte, text)]
    taken = node.child_by_field_name("parameters") or node.child_by_field_name("parameter")
    if taken is None or "this" in file.read(body):
        return None
    names = file.read(taken)
    names = names if names.startswith("(") else f"({names})"
    mark = "async " if file.read(node).startswith("async") else ""
    head = Edit(node.start_byte, body.start_byte, f"{mark}function {names} ")
    if body.type == "statement_block":
        return [head]
    text = file.read(body)
    return [head, replaced(body, f"{{ return {text}; }}")] if "\n" not in text else None


def _function(file: ParsedSource, node: Node, form: str) -> list[Edit] | None:
    if form == "arrow":
        body = node.child_by_field_name("body")
        if body is None:
            return None
        before = file.source[node.start_byte : body.start_byte].decode("utf-8", "replace")
        head = re.fullmatch(r"(async )?function\s+(\w+)\s*(\(.*)\s*", before, re.DOTALL)
        if head is None:
            return None
        text = f"const {head[2]} = {head[1] or ''}{head[3].rstrip()} => "
        return [Edit(node.start_byte, body.start_byte, text)]
    declarator = first_child(node)
    value = declarator.child_by_field_name("value") if declarator is not None else None
    body = value.child_by_field_name("body") if value is not None else None
    if declarator is None or value is None or body is None or body.type != "statement_block":
        return None
    taken = value.child_by_field_name("parameters") or value.child_by_field_name("parameter")
    names = file.read(taken) if taken is not None else "()"
    names = names if names.startswith("(") else f"({names})"
    mark = "async " if file.read(value).startswith("async") else ""
    text = f"{mark}function {file.field(declarator, 'name')}{names} "
    return [Edit(node.start_byte, body.start_byte, text)]


def _formatted(file: ParsedSource, node: Node, form: str) -> list[Edit] | None:
    return _template(file, node) if form == "template" else _concatenation(file, node)


def _template(file: ParsedSource, node: Node) -> list[Edit] | None:
    body = ""
    for side in (node.child_by_field_name("left"), node.child_by_field_name("right")):
        text = file.read(side) if side is not None else "`"
        is_text = side is not None and side.type == "string"
        if set(text) & set("`$\\") or not (is_text or is_plain(text)) or " + " in text[1:-1]:
            return None
        body += text[1:-1] if is_text else f"${{{text}}}"
    around = node.parent
    if around is not None and around.type == "binary_expression":
        return None
    return [replaced(node, f"`{body}`")]


def _concatenation(file: ParsedSource, node: Node) -> list[Edit] | None:
    parts = []
    for child in named_children(node):
        text = file.read(child)
        if child.type == "string_fragment":
            if set(text) & set("'\"\\\n"):
                return None
            parts.append(f"'{text}'")
        elif is_plain(text[2:-1]):
            parts.append(text[2:-1])
        else:
            return None
    return [replaced(node, " + ".join(parts))]


def _equal(file: ParsedSource, node: Node, form: str) -> list[Edit] | None:
    sign = node.child_by_field_name("operator")
    if sign is None:
        return None
    text = file.read(sign)
    return [replaced(sign, text[:2] if form == "loose" else f"{text}=")]


def _imported(file: ParsedSource, node: Node, form: str) -> list[Edit] | None:
    text = file.read(node)
    found = re.fullmatch(r"import (\w+|\{[^{}]*\}|\* as \w+) from ([\"'][^\"']+[\"'])(;?)", text)
    if found is None or form != "require" or " as " in found[1].removeprefix("* as "):
        return None
    name = found[1].removeprefix("* as ")
    return [replaced(node, f"const {name} = require({found[2]}){found[3]}")]


def _required(file: ParsedSource, node: Node, form: str) -> list[Edit] | None:
    if form == "require":
        return _imported(file, node, form)
    declaration = node.parent.parent if node.parent is not None else None
    if declaration is None or declaration.type not in (
        "lexical_declaration",
        "variable_declaration",
    ):
        return None
    text = file.read(declaration)
    shape = r"(?:const|let|var) (\w+|\{[^{}:]*\}) = require\(([\"'][^\"']+[\"'])\)(;?)"
    found = re.fullmatch(shape, text)
    return (
        [replaced(declaration, f"import {found[1]} from {found[2]}{found[3]}")] if found else None
    )


def _node_module(file: ParsedSource, node: Node, form: str) -> list[Edit]:
    text = file.read(node)
    name = text[1:-1].removeprefix("node:")
    return [replaced(node, f"{text[0]}{'node:' if form == 'prefix' else ''}{name}{text[-1]}")]


def _ending(file: ParsedSource, node: Node, form: str) -> list[Edit] | None:
    text = file.read(node)
    if form == "ending":
        return [replaced(node, f"{text[:-1]}.js{text[-1]}")]
    bare = re.sub(r"\.[cm]?[jt]sx?(?=[\"']$)", "", text)
    return [replaced(node, bare)] if bare != text else None


def _property(file: ParsedSource, node: Node, form: str) -> list[Edit]:
    text = file.read(node)
    return [replaced(node, f"{text}: {text}" if form == "long" else text.split(":")[0])]


def _array(file: ParsedSource, node: Node, form: str) -> list[Edit] | None:
    text = file.read(node)
    if form == "generic":
        return [replaced(node, f"Array<{text.removesuffix('[]').strip('()')}>")]
    found = re.fullmatch(r"Array<([\w.]+)>", text)
    return [replaced(node, f"{found[1]}[]")] if found else None


def _object_type(file: ParsedSource, node: Node, form: str) -> list[Edit] | None:
    if form == "alias":
        head = re.match(r"interface (\w+) (?=\{)", file.read(node))
        text = f"type {head[1]} = " if head else ""
    else:
        head = re.match(r"type (\w+) = (?=\{)", file.read(node))
        text = f"interface {head[1]} " if head else ""
    return [Edit(node.start_byte, node.start_byte + len(head[0]), text)] if head else None


def _swapped_word(file: ParsedSource, node: Node, form: str) -> list[Edit] | None:
    """`any` and `unknown`: the form is the word."""
    return [replaced(node, form)]


def _test_call(file: ParsedSource, node: Node, form: str) -> list[Edit] | None:
    function = node.child_by_field_name("function")
    return [replaced(function, form)] if function is not None else None


REWRITES: Mapping[str, Rewrite] = {
    "javascript/declarations": Rewrite(swapped("const-let", "var"), _declared),
    "javascript/callbacks": Rewrite(swapped("arrow", "function"), _callback),
    "javascript/functions": Rewrite(swapped("declaration", "arrow"), _function),
    "javascript/string-formatting": Rewrite(swapped("template", "concatenation"), _formatted),
    "javascript/equality": Rewrite(swapped("strict", "loose"), _equal),
    "javascript/modules": Rewrite(swapped("import", "require"), _required),
    "javascript/node-modules": Rewrite(swapped("prefix", "bare"), _node_module),
    "javascript/import-endings": Rewrite(swapped("ending", "bare"), _ending),
    "javascript/object-properties": Rewrite(swapped("short", "long"), _property),
    "javascript/array-types": Rewrite(swapped("brackets", "generic"), _array),
    "javascript/object-types": Rewrite(swapped("interface", "alias"), _object_type),
    "javascript/unknown-types": Rewrite(swapped("unknown", "any"), _swapped_word),
    "javascript/test-calls": Rewrite(swapped("it", "test"), _test_call),
}
