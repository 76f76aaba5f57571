"""Python: what is raised, how, and how it is caught."""

from __future__ import annotations

import builtins
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from homespun.training.conventions.base.parsed_file import (
    ParsedSource,
    RepositoryPaths,
    first_child,
    named_children,
    parent,
)
from homespun.training.conventions.base.rule import Rule, Site
from homespun.training.conventions.python.strings import wording

if TYPE_CHECKING:
    from tree_sitter import Node

RULES = (
    Rule(
        "python/raised-classes",
        "errors",
        "errors raised are",
        {"own": "the repository's own", "builtin": "Python's", "library": "a library's"},
    ),
    Rule(
        "python/raise-from",
        "errors",
        "raise in an except clause",
        {"from": "raise … from error", "none": "raise … from None", "without": "without from"},
    ),
    Rule(
        "python/raise-empty",
        "errors",
        "an error without message",
        {"class": "raise Error", "call": "raise Error()"},
    ),
    Rule(
        "python/message-place",
        "errors",
        "error messages are",
        {"inline": "in the call", "variable": "in a variable first (msg = …)"},
    ),
    Rule(
        "python/error-message-case",
        "errors",
        "error messages begin with",
        {"upper": "a capital", "lower": "a small letter"},
    ),
    Rule(
        "python/error-message-stop",
        "errors",
        "error messages end with",
        {"stop": "a full stop", "no-stop": "no full stop"},
    ),
    Rule(
        "python/caught-classes",
        "errors",
        "except clauses name",
        {"specific": "a specific error", "exception": "Exception", "bare": "nothing (except:)"},
    ),
    Rule(
        "python/ignored-errors",
        "errors",
        "an error that does not matter",
        {"suppress": "contextlib.suppress(…)", "pass": "try … except: pass"},
    ),
)

_BUILTIN = frozenset(
    name
    for name, value in vars(builtins).items()
    if isinstance(value, type) and issubclass(value, BaseException)
)
_MESSAGE_NAME = re.compile(r"msg|message|err_msg|error_msg|error_message|errmsg")
_CLASS_NAME = re.compile(r"_*[A-Z]\w*")


def sites(file: ParsedSource, repository: RepositoryPaths) -> Iterator[Site]:
    """Yield the sites of a file."""
    origins = _origins(file, repository)
    for node in file.nodes("raise"):
        yield from _raised(file, node, origins)
    for node in file.nodes("except"):
        yield from _caught(file, node)
    for node in file.nodes("try"):
        if _is_ignored(node):
            yield file.site("python/ignored-errors", "pass", node)
    for node in file.nodes("with"):
        if re.match(r"(?:contextlib\.)?suppress\(", file.read(node)):
            yield file.site("python/ignored-errors", "suppress", node)


def _origins(file: ParsedSource, repository: RepositoryPaths) -> dict[str, str]:
    """Return where the names of a file come from: "own" or "library"."""
    found = {}
    for node in file.nodes("import.from"):
        module = file.field(node, "module_name")
        origin = "own" if module.startswith(".") or repository.is_own(module) else "library"
        for name in node.children_by_field_name("name"):
            local = file.field(name, "alias") if name.type == "aliased_import" else file.read(name)
            found[local] = origin
    for node in file.nodes("import"):
        for name in node.children_by_field_name("name"):
            is_aliased = name.type == "aliased_import"
            module = file.field(name, "name") if is_aliased else file.read(name)
            origin = "own" if repository.is_own(module) else "library"
            found[file.field(name, "alias") if is_aliased else module] = origin
    for node in file.nodes("class"):
        found[file.field(node, "name")] = "own"
    return found


def _raised(file: ParsedSource, node: Node, origins: dict[str, str]) -> Iterator[Site]:
    value = first_child(node)
    if value is None:
        return
    error = value.child_by_field_name("function") if value.type == "call" else value
    name = file.read(error) if error is not None else ""
    if not _CLASS_NAME.fullmatch(name.rpartition(".")[2]):
        return  # a variable that was caught or built before
    owner = name.split(".")[0]
    origin = origins.get(name.rpartition(".")[0] or name) or origins.get(owner)
    if origin is None and name in _BUILTIN:
        origin = "builtin"
    if origin is not None and not file.is_test:
        yield file.site("python/raised-classes", origin, node)
    clause = parent(node, "except_clause", "function_definition", "class_definition", "lambda")
    if clause is not None and clause.type == "except_clause":
        cause = node.child_by_field_name("cause")
        form = "without" if cause is None else "none" if cause.type == "none" else "from"
        yield file.site("python/raise-from", form, node)
    yield from _message(file, node, value)


def _message(file: ParsedSource, node: Node, value: Node) -> Iterator[Site]:
    if value.type != "call":
        yield file.site("python/raise-empty", "class", node)
        return
    arguments = named_children(value.child_by_field_name("arguments"))
    if not arguments:
        yield file.site("python/raise-empty", "call", node)
        return
    first = arguments[0]
    if first.type == "identifier" and _MESSAGE_NAME.fullmatch(file.read(first)):
        yield file.site("python/message-place", "variable", node)
    literal = first.child_by_field_name("left") if first.type == "binary_operator" else first
    if literal is None or literal.type not in ("string", "concatenated_string"):
        return
    yield file.site("python/message-place", "inline", node)
    if file.is_test:
        return
    case, stop = wording(file.read(literal))
    if case:
        yield file.site("python/error-message-case", case, literal)
    if stop:
        yield file.site("python/error-message-stop", stop, literal)


def _caught(file: ParsedSource, node: Node) -> Iterator[Site]:
    value = node.child_by_field_name("value")
    if value is None:
        form = "bare"
    else:
        caught = first_child(value) if value.type == "as_pattern" else value
        name = file.read(caught) if caught is not None else ""
        form = "exception" if name in ("Exception", "BaseException") else "specific"
    yield file.site("python/caught-classes", form, node)


def _is_ignored(node: Node) -> bool:
    """Tell whether `contextlib.suppress` could stand here: one clause with nothing but pass."""
    rest = [child for child in node.named_children if child.type != "comment"][1:]
    if len(rest) != 1 or rest[0].type != "except_clause":
        return False
    body = rest[0].named_children[-1]
    return body.type == "block" and [child.type for child in body.named_children] == [
        "pass_statement"
    ]
