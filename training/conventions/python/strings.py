"""Python: quotes, how values come into strings, how one logs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from homespun.training.conventions.base.parsed_file import (
    CallSite,
    ParsedSource,
    RepositoryPaths,
    first_child,
)
from homespun.training.conventions.base.rule import Rule, Site

if TYPE_CHECKING:
    from tree_sitter import Node

FORMATTING = {
    "fstring": "f-string",
    "percent": '"…" % x',
    "format": '"…".format(x)',
    "concatenation": '"…" + x',
}

RULES = (
    Rule(
        "python/quotes",
        "strings",
        "quotes",
        {"double": 'double "…"', "single": "single '…'"},
        settled_by="black and ruff format turn them",
    ),
    Rule("python/string-formatting", "strings", "values in strings", FORMATTING),
    Rule(
        "python/large-numbers",
        "layout",
        "numbers of five digits and more",
        {"underscores": "10_000", "plain": "10000"},
    ),
    Rule(
        "python/logging-arguments",
        "logging",
        "values in log messages",
        {"lazy": 'log.info("… %s", x)'} | FORMATTING,
    ),
    Rule(
        "python/logger-argument",
        "logging",
        "getLogger is given",
        {"__name__": "__name__", "text": "a fixed name"},
    ),
    Rule(
        "python/output",
        "logging",
        "telling what happens",
        {"log": "logger", "print": "print()", "warn": "warnings.warn()"},
    ),
    Rule(
        "python/log-message-case",
        "logging",
        "log messages begin with",
        {"upper": "a capital", "lower": "a small letter"},
    ),
    Rule(
        "python/log-message-stop",
        "logging",
        "log messages end with",
        {"stop": "a full stop", "no-stop": "no full stop"},
    ),
)

_WORD = re.compile(r"[\"'][^\"']*[A-Za-z]{2}")  # a line end or a comma is no text to put values in
_LEVELS = frozenset("debug info warning warn error exception critical log".split())
_LOGGER = re.compile(r"(?:.*[._])?(?:log|logger|logging|LOG|LOGGER)(?:\(\))?")
_HOLE = re.compile(r"%[-#0 +]*\d*(?:\.\d+)?[sdrfiuxX]|%\(\w+\)[sdrf]")


def sites(file: ParsedSource, repository: RepositoryPaths) -> Iterator[Site]:
    """Yield the sites of a file."""
    yield from _quotes(file)
    logged: set[int] = set()  # where the first arguments of log calls begin
    yield from _calls(file, logged)
    yield from _formatting(file, logged)
    for node in file.nodes("integer"):
        text = file.read(node)
        if len(text.replace("_", "")) >= 5 and text.replace("_", "").isdecimal():
            yield file.site("python/large-numbers", "underscores" if "_" in text else "plain", node)


def _quotes(file: ParsedSource) -> Iterator[Site]:
    source = file.source
    for node in file.nodes("string"):
        start, end = node.start_byte, node.end_byte
        quote = source[end - 1 : end]
        inner = source[start : end - 1]
        if inner.endswith(quote * 2) and end - start >= 6:
            continue  # three quotes: documentation, mostly
        other = b"'" if quote == b'"' else b'"'
        # A quotation mark inside decides by itself, and f-strings hold strings.
        if other in inner or b"\\" in inner or inner[:1] in b"fF":
            continue
        yield file.site("python/quotes", "double" if quote == b'"' else "single", node)


def _formatting(file: ParsedSource, logged: set[int]) -> Iterator[Site]:
    rule = "python/string-formatting"
    for node in file.nodes("string"):
        if file.source[node.start_byte : node.start_byte + 2].lower().startswith((b"f", b"rf")):
            if node.start_byte not in logged and is_filled(node):
                yield file.site(rule, "fstring", node)
    for node in file.nodes("percent"):
        if node.start_byte not in logged and _HOLE.search(file.field(node, "left")):
            yield file.site(rule, "percent", node)
    seen: set[int] = set()
    for node in file.nodes("plus"):
        both = (node.child_by_field_name("left"), node.child_by_field_name("right"))
        kinds = {child.type for child in both if child is not None}
        if kinds & {"string", "concatenated_string"} and kinds & {
            "identifier",
            "attribute",
            "call",
            "subscript",
        }:
            if node.start_byte not in logged | seen and _WORD.search(file.read(node)):
                seen.add(node.start_byte)
                yield file.site(rule, "concatenation", node)


def is_filled(node: Node) -> bool:
    """Tell whether an f-string has a hole."""
    return any(child.type == "interpolation" for child in node.named_children)


def _calls(file: ParsedSource, logged: set[int]) -> Iterator[Site]:
    for call in file.calls:
        if call.name in _LEVELS and call.owner:
            yield from _told(file, call, logged)
        elif call.name == "print" and not call.owner and not file.is_test:
            yield file.site("python/output", "print", call.node)
        elif call.name == "format" and call.owner:
            function = call.node.child_by_field_name("function")
            text = function.child_by_field_name("object") if function is not None else None
            is_text = text is not None and text.type in ("string", "concatenated_string")
            if is_text and call.node.start_byte not in logged:
                yield file.site("python/string-formatting", "format", call.node)
        elif call.name == "getLogger":
            yield from _logger(file, call)


def _told(file: ParsedSource, call: CallSite, logged: set[int]) -> Iterator[Site]:
    if _LOGGER.fullmatch(call.owner):
        if not file.is_test:
            yield file.site("python/output", "log", call.node)
        yield from _log_call(file, call.node, logged)
    elif (call.owner, call.name) == ("warnings", "warn") and not file.is_test:
        yield file.site("python/output", "warn", call.node)


def _logger(file: ParsedSource, call: CallSite) -> Iterator[Site]:
    arguments = call.arguments
    first = first_child(arguments) if arguments is not None else None
    if first is not None:
        text = file.read(first)
        if text == "__name__" or first.type == "string":
            form = "__name__" if text == "__name__" else "text"
            yield file.site("python/logger-argument", form, call.node)


def _log_call(file: ParsedSource, node: Node, logged: set[int]) -> Iterator[Site]:
    arguments = node.child_by_field_name("arguments")
    given = (
        [] if arguments is None else [c for c in arguments.named_children if c.type != "comment"]
    )
    message = next((argument for argument in given[:2] if _is_text(argument)), None)
    if message is None:
        return
    logged.add(message.start_byte)
    text = file.read(message)
    form = None
    if message.type == "binary_operator":
        form = "percent" if file.field(message, "operator") == "%" else "concatenation"
    elif message.type == "call":
        form = "format"
    elif text[:1] in "fF":
        form = "fstring"
    elif _HOLE.search(text) and len(given) > 1:
        form = "lazy"
    if form is not None:
        yield file.site("python/logging-arguments", form, node)
    yield from _wording(file, message)


def _is_text(node: Node) -> bool:
    if node.type == "call":
        function = node.child_by_field_name("function")
        node_ = function.child_by_field_name("object") if function is not None else None
        return node_ is not None and node_.type in ("string", "concatenated_string")
    if node.type == "binary_operator":
        left = node.child_by_field_name("left")
        return left is not None and left.type in ("string", "concatenated_string")
    return node.type in ("string", "concatenated_string")


def _wording(file: ParsedSource, message: Node) -> Iterator[Site]:
    if message.type not in ("string", "concatenated_string"):
        return
    case, stop = wording(file.read(message))
    if case:
        yield file.site("python/log-message-case", case, message)
    if stop:
        yield file.site("python/log-message-stop", stop, message)


_BEGIN = re.compile(r"[rRbBuUfF]{0,2}(?:\"\"\"|'''|[\"'])([A-Za-z])([A-Za-z'-]*)(?=[ ,.:!])")
_END = re.compile(r"([\w)}\]'`!?:.%])(?:\"\"\"|'''|[\"'])\)?$")


def wording(source: str) -> tuple[str, str]:
    """Return how a message literal begins ("upper", "lower", "") and ends ("stop", "no-stop", "").

    Names and abbreviations at the beginning (`HTTP`, `{name}`) tell nothing, nor do messages of
    one word.
    """
    begin = _BEGIN.match(source)
    case = ""
    if begin is not None and (begin[2].islower() or not begin[2]):
        case = "upper" if begin[1].isupper() else "lower"
    end = _END.search(source)
    stop = ""
    if end is not None and " " in source and end[1] not in "?!:":
        stop = "stop" if end[1] == "." else "no-stop"
    return case, stop
