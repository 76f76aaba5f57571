"""Python: how classes and functions are made."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from homespun.training.conventions.base.parsed_file import Page, Repository
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


def sites(page: Page, repository: Repository) -> Iterator[Site]:
    """Yield the sites of a file."""
    for node in page.nodes("class"):
        yield from _class(page, node)
    for node in page.nodes("decorated"):
        yield from _decorated(page, node)
    methods = {node.start_byte: node for node in page.nodes("method")}
    for node in page.nodes("function"):
        yield from _function(page, node, is_method=node.start_byte in methods)
    for call in page.calls:
        if call.name == "super" and not call.owner:
            form = "bare" if page.field(call.node, "arguments") == "()" else "arguments"
            yield page.site("python/super-call", form, call.node)
        elif call.name == "namedtuple":
            yield page.site("python/records", "collections", call.node)
    for node in page.nodes("if"):
        yield from _branch(page, node)


def _class(page: Page, node: Node) -> Iterator[Site]:
    listed = node.child_by_field_name("superclasses")
    bases = [] if listed is None else [page.read(base) for base in listed.named_children]
    if listed is None or not bases:
        form = "bare" if listed is None else "brackets"
        yield page.site("python/class-bases", form, node)
        return
    if bases == ["object"]:
        yield page.site("python/class-bases", "object", node)
    for base in bases:
        name = base.rpartition(".")[2].split("[")[0]
        if name in _BASES:
            yield page.site("python/records", _BASES[name], node)
        elif name in ("Protocol", "ABC"):
            yield page.site("python/interfaces", name.lower(), node)
    if any("ABCMeta" in base for base in bases):
        yield page.site("python/interfaces", "abc", node)


def _decorated(page: Page, node: Node) -> Iterator[Site]:
    for child in node.named_children:
        if child.type != "decorator":
            continue
        text = page.read(child).lstrip("@")
        name = text.split("(")[0].rpartition(".")[2]
        if name == "dataclass":
            yield page.site("python/records", "dataclass", child)
            frozen, slots = "frozen=True" in text, "slots=True" in text
            form = "frozen-slots" if frozen and slots else "frozen" if frozen else "plain"
            yield page.site(
                "python/dataclass-options", "slots" if slots and not frozen else form, child
            )
        elif text.startswith(("attr.s", "attrs.", "attr.attrs", "attr.define", "define")):
            yield page.site("python/records", "attrs", child)
        elif name in ("property", "cached_property"):
            yield page.site("python/getters", "property", child)


def _function(page: Page, node: Node, *, is_method: bool) -> Iterator[Site]:
    name = node.child_by_field_name("name")
    parameters = node.child_by_field_name("parameters")
    if name is None or parameters is None or page.is_test:
        return
    taken = parameters.named_children
    if is_method and page.read(name).startswith("get_") and len(taken) == 1:
        yield page.site("python/getters", "getter", name)
    text = page.read(parameters)
    has_mark = _KEYWORD_MARK.search(text) is not None
    ordinary = [child for child in taken if child.type not in ("comment", "positional_separator")]
    count = len(ordinary) - (is_method and text.startswith(("(self", "(cls")))
    if count >= 3 + has_mark:
        form = "keyword" if has_mark else "position"
        yield page.site("python/keyword-only", form, parameters)
    marked = False
    for child in taken:
        marked = marked or child.type in ("keyword_separator", "list_splat_pattern")
        marked = marked or (child.type == "typed_parameter" and page.read(child).startswith("*"))
        value = child.child_by_field_name("value")
        if value is not None and value.type in ("true", "false"):
            yield page.site("python/boolean-parameters", "keyword" if marked else "position", child)


def _branch(page: Page, node: Node) -> Iterator[Site]:
    """Look behind an `if` whose body leaves: is there an `else`, or does the code just go on."""
    body = node.child_by_field_name("consequence")
    if body is None or not body.named_children or body.named_children[-1].type not in _LEAVES:
        return
    others = node.children_by_field_name("alternative")
    if not others:
        # Something must follow for which an else would have been possible.
        following = node.next_named_sibling
        if following is not None and following.type != "comment":
            yield page.site("python/early-return", "flat", node)
    elif len(others) == 1 and others[0].type == "else_clause":
        yield page.site("python/early-return", "nested", node)
