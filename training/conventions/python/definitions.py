"""Python: how classes and functions are made."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from homespun.training.conventions.base.parsed_file import ParsedSource, RepositoryPaths
from homespun.training.conventions.base.rule import Rule, Site

if TYPE_CHECKING:
    from tree_sitter import Node

RULES = (
    Rule(
        "python/records",
        "classes",
        "classes that hold values",
        {
            "dataclass": "@dataclass",
            "namedtuple": "NamedTuple",
            "collections": "collections.namedtuple(…)",
            "attrs": "attrs",
            "model": "pydantic BaseModel",
            "typeddict": "TypedDict",
        },
    ),
    Rule(
        "python/dataclass-options",
        "classes",
        "dataclasses are",
        {
            "frozen-slots": "frozen, with slots",
            "frozen": "frozen",
            "slots": "with slots",
            "plain": "as they come",
        },
    ),
    Rule(
        "python/class-bases",
        "classes",
        "classes without a base",
        {"bare": "class A:", "object": "class A(object):", "brackets": "class A():"},
    ),
    Rule(
        "python/super-call",
        "classes",
        "calls of the base class",
        {"bare": "super()", "arguments": "super(A, self)"},
    ),
    Rule(
        "python/interfaces",
        "classes",
        "interfaces",
        {"protocol": "Protocol", "abc": "ABC"},
    ),
    Rule(
        "python/getters",
        "classes",
        "a computed attribute",
        {"property": "@property", "getter": "get_x()"},
    ),
    Rule(
        "python/boolean-parameters",
        "functions",
        "parameters that are True or False",
        {"keyword": "by keyword only", "position": "by position, too"},
    ),
    Rule(
        "python/keyword-only",
        "functions",
        "functions of three parameters and more",
        {"keyword": "some by keyword only", "position": "all by position, too"},
    ),
    Rule(
        "python/early-return",
        "functions",
        "behind an if that returns or raises",
        {"flat": "the code goes on unindented", "nested": "else"},
    ),
)

_BASES = {
    "NamedTuple": "namedtuple",
    "BaseModel": "model",
    "TypedDict": "typeddict",
}
_LEAVES = ("return_statement", "raise_statement", "continue_statement", "break_statement")
_KEYWORD_MARK = re.compile(r"[(,]\s*\*")


def sites(file: ParsedSource, repository: RepositoryPaths) -> Iterator[Site]:
    """Yield the sites of a file."""
    for node in file.nodes("class"):
        yield from _class(file, node)
    for node in file.nodes("decorated"):
        yield from _decorated(file, node)
    methods = {node.start_byte: node for node in file.nodes("method")}
    for node in file.nodes("function"):
        yield from _function(file, node, is_method=node.start_byte in methods)
    for call in file.calls:
        if call.name == "super" and not call.owner:
            form = "bare" if file.field(call.node, "arguments") == "()" else "arguments"
            yield file.site("python/super-call", form, call.node)
        elif call.name == "namedtuple":
            yield file.site("python/records", "collections", call.node)
    for node in file.nodes("if"):
        yield from _branch(file, node)


def _class(file: ParsedSource, node: Node) -> Iterator[Site]:
    listed = node.child_by_field_name("superclasses")
    bases = [] if listed is None else [file.read(base) for base in listed.named_children]
    if listed is None or not bases:
        form = "bare" if listed is None else "brackets"
        yield file.site("python/class-bases", form, node)
        return
    if bases == ["object"]:
        yield file.site("python/class-bases", "object", node)
    for base in bases:
        name = base.rpartition(".")[2].split("[")[0]
        if name in _BASES:
            yield file.site("python/records", _BASES[name], node)
        elif name in ("Protocol", "ABC"):
            yield file.site("python/interfaces", name.lower(), node)
    if any("ABCMeta" in base for base in bases):
        yield file.site("python/interfaces", "abc", node)


def _decorated(file: ParsedSource, node: Node) -> Iterator[Site]:
    for child in node.named_children:
        if child.type != "decorator":
            continue
        text = file.read(child).lstrip("@")
        name = text.split("(")[0].rpartition(".")[2]
        if name == "dataclass":
            yield file.site("python/records", "dataclass", child)
            frozen, slots = "frozen=True" in text, "slots=True" in text
            form = "frozen-slots" if frozen and slots else "frozen" if frozen else "plain"
            yield file.site(
                "python/dataclass-options", "slots" if slots and not frozen else form, child
            )
        elif text.startswith(("attr.s", "attrs.", "attr.attrs", "attr.define", "define")):
            yield file.site("python/records", "attrs", child)
        elif name in ("property", "cached_property"):
            yield file.site("python/getters", "property", child)


def _function(file: ParsedSource, node: Node, *, is_method: bool) -> Iterator[Site]:
    name = node.child_by_field_name("name")
    parameters = node.child_by_field_name("parameters")
    if name is None or parameters is None or file.is_test:
        return
    taken = parameters.named_children
    if is_method and file.read(name).startswith("get_") and len(taken) == 1:
        yield file.site("python/getters", "getter", name)
    text = file.read(parameters)
    has_mark = _KEYWORD_MARK.search(text) is not None
    ordinary = [child for child in taken if child.type not in ("comment", "positional_separator")]
    count = len(ordinary) - (is_method and text.startswith(("(self", "(cls")))
    if count >= 3 + has_mark:
        form = "keyword" if has_mark else "position"
        yield file.site("python/keyword-only", form, parameters)
    marked = False
    for child in taken:
        marked = marked or child.type in ("keyword_separator", "list_splat_pattern")
        marked = marked or (child.type == "typed_parameter" and file.read(child).startswith("*"))
        value = child.child_by_field_name("value")
        if value is not None and value.type in ("true", "false"):
            yield file.site("python/boolean-parameters", "keyword" if marked else "position", child)


def _branch(file: ParsedSource, node: Node) -> Iterator[Site]:
    """Look behind an `if` whose body leaves: is there an `else`, or does the code just go on."""
    body = node.child_by_field_name("consequence")
    if body is None or not body.named_children or body.named_children[-1].type not in _LEAVES:
        return
    others = node.children_by_field_name("alternative")
    if not others:
        # Something must follow for which an else would have been possible.
        following = node.next_named_sibling
        if following is not None and following.type != "comment":
            yield file.site("python/early-return", "flat", node)
    elif len(others) == 1 and others[0].type == "else_clause":
        yield file.site("python/early-return", "nested", node)
