"""Python: quotes, how values come into strings, how one logs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from homespun.training.conventions.base.parsed_file import CallSite, Page, Repository, first_child
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
        fixable=True,
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


def sites(page: Page, repository: Repository) -> Iterator[Site]:
    """Yield the sites of a file."""
    yield from _quotes(page)
    logged: set[int] = set()  # where the first arguments of log calls begin
    yield from _calls(page, logged)
    yield from _formatting(page, logged)
    for node in page.nodes("integer"):
        text = page.read(node)
        if len(text.replace("_", "")) >= 5 and text.replace("_", "").isdecimal():
            yield page.site("python/large-numbers", "underscores" if "_" in text else "plain", node)


def _quotes(page: Page) -> Iterator[Site]:
    source = page.source
    for node in page.nodes("string"):
        start, end = node.start_byte, node.end_byte
        quote = source[end - 1 : end]
        inner = source[start : end - 1]
        if inner.endswith(quote * 2) and end - start >= 6:
            continue  # three quotes: documentation, mostly
        other = b"'" if quote == b'"' else b'"'
        # A quotation mark inside decides by itself, and f-strings hold strings.
        if other in inner or b"\\" in inner or inner[:1] in b"fF":
            continue
        yield page.site("python/quotes", "double" if quote == b'"' else "single", node)


def _formatting(page: Page, logged: set[int]) -> Iterator[Site]:
    rule = "python/string-formatting"
    for node in page.nodes("string"):
        if page.source[node.start_byte : node.start_byte + 2].lower().startswith((b"f", b"rf")):
            if node.start_byte not in logged and is_filled(node):
                yield page.site(rule, "fstring", node)
    for node in page.nodes("percent"):
        if node.start_byte not in logged and _HOLE.search(page.field(node, "left")):
            yield page.site(rule, "percent", node)
    seen: set[int] = set()
    for node in page.nodes("plus"):
        both = (node.child_by_field_name("left"), node.child_by_field_name("right"))
        kinds = {child.type for child in both if child is not None}
        if kinds & {"string", "concatenated_string"} and kinds & {
            "identifier",
            "attribute",
            "call",
            "subscript",
        }:
            if node.start_byte not in logged | seen and _WORD.search(page.read(node)):
                seen.add(node.start_byte)
                yield page.site(rule, "concatenation", node)


def is_filled(node: Node) -> bool:
    """Tell whether an f-string has a hole."""
    return any(child.type == "interpolation" for child in node.named_children)


def _calls(page: Page, logged: set[int]) -> Iterator[Site]:
    for call in page.calls:
        if call.name in _LEVELS and call.owner:
            yield from _told(page, call, logged)
        elif call.name == "print" and not call.owner and not page.is_test:
            yield page.site("python/output", "print", call.node)
        elif call.name == "format" and call.owner:
            function = call.node.child_by_field_name("function")
            text = function.child_by_field_name("object") if function is not None else None
            is_text = text is not None and text.type in ("string", "concatenated_string")
            if is_text and call.node.start_byte not in logged:
                yield page.site("python/string-formatting", "format", call.node)
        elif call.name == "getLogger":
            yield from _logger(page, call)


def _told(page: Page, call: CallSite, logged: set[int]) -> Iterator[Site]:
    if _LOGGER.fullmatch(call.owner):
        if not page.is_test:
            yield page.site("python/output", "log", call.node)
        yield from _log_call(page, call.node, logged)
    elif (call.owner, call.name) == ("warnings", "warn") and not page.is_test:
        yield page.site("python/output", "warn", call.node)


def _logger(page: Page, call: CallSite) -> Iterator[Site]:
    arguments = call.arguments
    first = first_child(arguments) if arguments is not None else None
    if first is not None:
        text = page.read(first)
        if text == "__name__" or first.type == "string":
            form = "__name__" if text == "__name__" else "text"
            yield page.site("python/logger-argument", form, call.node)


def _log_call(page: Page, node: Node, logged: set[int]) -> Iterator[Site]:
    arguments = node.child_by_field_name("arguments")
    given = (
        [] if arguments is None else [c for c in arguments.named_children if c.type != "comment"]
    )
    message = next((argument for argument in given[:2] if _is_text(argument)), None)
    if message is None:
        return
    logged.add(message.start_byte)
    text = page.read(message)
    form = None
    if message.type == "binary_operator":
        form = "percent" if page.field(message, "operator") == "%" else "concatenation"
    elif message.type == "call":
        form = "format"
    elif text[:1] in "fF":
        form = "fstring"
    elif _HOLE.search(text) and len(given) > 1:
        form = "lazy"
    if form is not None:
        yield page.site("python/logging-arguments", form, node)
    yield from _wording(page, message)


def _is_text(node: Node) -> bool:
    if node.type == "call":
        function = node.child_by_field_name("function")
        node_ = function.child_by_field_name("object") if function is not None else None
        return node_ is not None and node_.type in ("string", "concatenated_string")
    if node.type == "binary_operator":
        left = node.child_by_field_name("left")
        return left is not None and left.type in ("string", "concatenated_string")
    return node.type in ("string", "concatenated_string")


def _wording(page: Page, message: Node) -> Iterator[Site]:
    if message.type not in ("string", "concatenated_string"):
        return
    case, stop = wording(page.read(message))
    if case:
        yield page.site("python/log-message-case", case, message)
    if stop:
        yield page.site("python/log-message-stop", stop, message)


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
