"""Python: type hints."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from homespun.training.conventions.base.parsed_file import CallSite, ParsedSource, RepositoryPaths
from homespun.training.conventions.base.rule import Rule, Site

if TYPE_CHECKING:
    from tree_sitter import Node

RULES = (
    Rule(
        "python/optional",
        "types",
        "a value or None",
        {"bar": "X | None", "optional": "Optional[X]", "union": "Union[X, None]"},
    ),
    Rule("python/union", "types", "one of two types", {"bar": "X | Y", "union": "Union[X, Y]"}),
    Rule(
        "python/generic-collections",
        "types",
        "built-in collections",
        {"builtin": "list[int]", "typing": "List[int]"},
    ),
    Rule(
        "python/parameter-types",
        "types",
        "parameters of functions",
        {"all": "annotated", "some": "annotated in part", "none": "not annotated"},
    ),
    Rule(
        "python/return-types",
        "types",
        "what functions return",
        {"annotated": "annotated", "missing": "not annotated"},
    ),
    Rule(
        "python/test-return-types",
        "tests",
        "what tests return",
        {"annotated": "-> None", "missing": "not annotated"},
    ),
    Rule(
        "python/isinstance-of-several",
        "types",
        "isinstance with several types",
        {"tuple": "isinstance(x, (A, B))", "bar": "isinstance(x, A | B)"},
    ),
)

_HINT = re.compile(
    r"(?P<bar>\|\s*None\b|\bNone\s*\|)|\b(?P<optional>Optional)\[|\b(?P<union>Union)\["
    r"|(?<![.\w\"'])(?P<builtin>list|dict|tuple|set|frozenset|type)\["
    r"|\b(?P<typing>List|Dict|Tuple|Set|FrozenSet|Type|DefaultDict|Deque)\["
)
_BAR = re.compile(r"\|(?!\s*None\b)")
_NONE_BAR = re.compile(r"\bNone\s*\|")


def sites(file: ParsedSource, repository: RepositoryPaths) -> Iterator[Site]:
    """Yield the sites of a file."""
    ends = 0
    for node in sorted(file.nodes("type"), key=lambda hint: (hint.start_byte, -hint.end_byte)):
        if node.start_byte >= ends:  # hints hold hints: the outermost one is read
            ends = node.end_byte
            yield from _hint(file, node)
    for node in file.nodes("function"):
        yield from _signature(file, node)
    for call in file.calls:
        if call.name == "isinstance" and not call.owner:
            yield from _isinstance(file, call)


def _hint(file: ParsedSource, node: Node) -> Iterator[Site]:
    text = file.read(node)
    if "[" not in text and "|" not in text:
        return
    names_none = False
    for found in _HINT.finditer(text):
        kind = found.lastgroup or ""
        start = node.start_byte + len(text[: found.start()].encode())
        end = node.start_byte + len(text[: found.end()].encode())
        line = node.start_point[0] + 1 + text[: found.start()].count("\n")
        if kind in ("builtin", "typing"):
            yield Site("python/generic-collections", kind, line, start, end)
        elif kind != "union":
            names_none = True
            yield Site("python/optional", kind, line, start, end)
        else:
            inside = text[found.end() : _closing(text, found.end())]
            parts = [part for part in _parts(inside) if part != "None"]
            rule = "python/optional" if "None" in _parts(inside) else "python/union"
            if len(parts) > 1 or rule == "python/optional":
                yield Site(rule, "union", line, start, end)
    rest = _NONE_BAR.sub("", text)
    if _BAR.search(rest) and not (names_none and "|" not in rest):
        yield file.site("python/union", "bar", node)


def _closing(text: str, start: int) -> int:
    depth = 1
    for place in range(start, len(text)):
        depth += (text[place] == "[") - (text[place] == "]")
        if not depth:
            return place
    return len(text)


def _parts(text: str) -> list[str]:
    """Split at commas outside of brackets."""
    parts, depth, begin = [], 0, 0
    for place, letter in enumerate(text):
        depth += (letter in "[(") - (letter in "])")
        if letter == "," and not depth:
            parts.append(text[begin:place].strip())
            begin = place + 1
    return [part for part in [*parts, text[begin:].strip()] if part]


def _signature(file: ParsedSource, node: Node) -> Iterator[Site]:
    name = file.field(node, "name")
    returned = node.child_by_field_name("return_type")
    form = "missing" if returned is None else "annotated"
    if file.is_test:
        if name.startswith("test"):
            yield file.site("python/test-return-types", form, node)
        return
    yield file.site("python/return-types", form, node)
    parameters = node.child_by_field_name("parameters")
    taken = [] if parameters is None else parameters.named_children
    annotated = sum(1 for child in taken if child.type.startswith("typed_"))
    bare = 0
    for child in taken:
        is_bare = child.type in ("identifier", "default_parameter", "list_splat_pattern")
        if is_bare or child.type == "dictionary_splat_pattern":
            bare += file.source[child.start_byte : child.end_byte] not in (b"self", b"cls")
    if annotated or bare:
        form = "none" if not annotated else "some" if bare else "all"
        yield file.site("python/parameter-types", form, node)


def _isinstance(file: ParsedSource, call: CallSite) -> Iterator[Site]:
    arguments = call.arguments
    last = arguments.named_children[-1:] if arguments is not None else []
    form = {"tuple": "tuple", "binary_operator": "bar"}.get(last[0].type) if last else None
    if form is not None:
        yield file.site("python/isinstance-of-several", form, call.node)
