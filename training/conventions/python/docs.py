"""Python: documentation strings and comments."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

from homespun.training.conventions.base.parsed_file import (
    ParsedSource,
    RepositoryPaths,
    first_child,
)
from homespun.training.conventions.base.rule import Rule, Site

if TYPE_CHECKING:
    from tree_sitter import Node

_WRITTEN = {"documented": "have a docstring", "undocumented": "have no docstring"}

RULES = (
    Rule("python/module-docstrings", "documentation", "modules", _WRITTEN),
    Rule("python/class-docstrings", "documentation", "public classes", _WRITTEN),
    Rule("python/function-docstrings", "documentation", "public functions", _WRITTEN),
    Rule(
        "python/docstring-style",
        "documentation",
        "parameters in docstrings",
        {
            "google": "Google (Args:)",
            "numpy": "NumPy (Parameters, ----)",
            "rest": "reST (:param x:)",
            "prose": "in prose or not at all",
        },
    ),
    Rule(
        "python/docstring-start",
        "documentation",
        "docstrings of several lines begin",
        {"same": "on the line of the quotes", "next": "on the next line"},
    ),
    Rule(
        "python/docstring-end",
        "documentation",
        "closing quotes of several lines",
        {"own": "on a line of their own", "same": "behind the text"},
    ),
    Rule(
        "python/docstring-stop",
        "documentation",
        "the first line ends",
        {"stop": "with a full stop", "no-stop": "without a full stop"},
    ),
    Rule(
        "python/docstring-mood",
        "documentation",
        "the first word says",
        {"imperative": "Return …", "indicative": "Returns …"},
    ),
    Rule(
        "python/docstring-quotes",
        "documentation",
        "quotes of docstrings",
        {"double": '"""', "single": "'''", "plain": "one quote"},
        settled_by="black and ruff format turn them",
    ),
    Rule(
        "python/comment-case",
        "documentation",
        "comments begin with",
        {"upper": "a capital", "lower": "a small letter"},
    ),
    Rule(
        "python/comment-stop",
        "documentation",
        "comments of one sentence end",
        {"stop": "with a full stop", "no-stop": "without a full stop"},
    ),
    Rule(
        "python/suppressions",
        "documentation",
        "noqa and type: ignore",
        {"coded": "name what they suppress", "blanket": "suppress everything"},
    ),
)

_LITERAL = re.compile(r"[rRuU]?(\"\"\"|'''|\"|')(.*)\1", re.DOTALL)
_GOOGLE = re.compile(r"^\s*(?:Args|Arguments|Params|Parameters):\s*$", re.MULTILINE)
_NUMPY = re.compile(r"^\s*Parameters\s*\n\s*-{3,}", re.MULTILINE)
_REST = re.compile(r"^\s*:(?:param|parameter|arg|argument|keyword|type)\b", re.MULTILINE)
_WORD = re.compile(r"([A-Za-z]+)(?:\s|$)")
_DIRECTIVE = re.compile(
    r"#\s*+(?:!|type:|noqa|pragma|pylint|mypy|pyright|ruff|fmt|isort|flake8|nosec|region|endregion"
    r"|-\*-|TODO|FIXME|XXX|NOTE|HACK|https?:|\W)"
)
_COMMENT = re.compile(r"#:? ([A-Za-z])([a-z']*)(?= )")
_SUPPRESSION = re.compile(r"#\s*(?:noqa|type:\s*ignore)(:\s*[A-Z]+\d|\[)?")


def sites(file: ParsedSource, repository: RepositoryPaths) -> Iterator[Site]:
    """Yield the sites of a file."""
    documented = docstring(file.root)
    yield Site("python/module-docstrings", "documented" if documented else "undocumented", 1)
    if documented is not None:
        yield from _style(file, documented)
    for capture in ("class", "function"):
        for node in file.nodes(capture):
            yield from _definition(file, node, capture)
    yield from _comments(file)


def docstring(node: Node) -> Node | None:
    """Return the documentation string of a module, or of a class's or function's body."""
    body = node if node.type == "module" else node.child_by_field_name("body")
    first = first_child(body) if body is not None else None
    if first is not None and first.type == "comment" and body is not None:
        first = next((child for child in body.named_children if child.type != "comment"), None)
    if first is None or first.type != "expression_statement":
        return None
    text = first_child(first)
    return text if text is not None and text.type == "string" else None


def _definition(file: ParsedSource, node: Node, kind: str) -> Iterator[Site]:
    text = docstring(node)
    name = file.field(node, "name")
    if not name.startswith("_") and not file.is_test:
        form = "documented" if text is not None else "undocumented"
        yield file.site(f"python/{kind}-docstrings", form, node)
    if text is None:
        return
    yield from _style(file, text)
    if kind == "function":
        yield from _parameters(file, node, text)
        yield from _mood(file, text)


def _style(file: ParsedSource, node: Node) -> Iterator[Site]:
    literal = _LITERAL.fullmatch(file.read(node))
    if literal is None or not literal[2].strip():
        return
    quotes, body = literal[1], literal[2]
    form = "plain" if len(quotes) == 1 else "double" if quotes == '"""' else "single"
    yield file.site("python/docstring-quotes", form, node)
    if "\n" in body.rstrip():
        yield file.site(
            "python/docstring-start", "next" if body.lstrip(" ").startswith("\n") else "same", node
        )
        own = not body.rstrip(" \t") or body.rstrip(" \t").endswith("\n")
        yield file.site("python/docstring-end", "own" if own else "same", node)
    paragraph = body.strip().split("\n\n")[0].rstrip()
    if " " in paragraph and paragraph[-1] not in ":!?":
        stop = "stop" if paragraph[-1] == "." else "no-stop"
        yield file.site("python/docstring-stop", stop, node)


def _parameters(file: ParsedSource, node: Node, text: Node) -> Iterator[Site]:
    taken = node.child_by_field_name("parameters")
    count = 0 if taken is None else len(taken.named_children)
    body = file.read(text)
    if count < 2 or "\n" not in body.strip("\"' \n"):
        return
    form = "prose"
    for style, pattern in (("numpy", _NUMPY), ("google", _GOOGLE), ("rest", _REST)):
        if pattern.search(body):
            form = style
            break
    yield file.site("python/docstring-style", form, text)


def _mood(file: ParsedSource, node: Node) -> Iterator[Site]:
    literal = _LITERAL.fullmatch(file.read(node))
    word = _WORD.match(literal[2].lstrip()) if literal is not None else None
    form = mood(word[1]) if word is not None else ""
    if form:
        yield file.site("python/docstring-mood", form, node)


def mood(word: str) -> str:
    """Return "imperative" for "Return", "indicative" for "Returns", "" for no known verb."""
    lower = word.lower()
    if lower in verbs():
        return "imperative"
    return "indicative" if imperative(lower) in verbs() else ""


def imperative(word: str) -> str:
    """Return the verb of its third person: "returns" -> "return", "tries" -> "try"."""
    if word.endswith("ies"):
        return word[:-3] + "y"
    if word.endswith(("sses", "shes", "ches", "xes", "zes")):
        return word[:-2]
    return word[:-1] if word.endswith("s") and not word.endswith("ss") else ""


def indicative(word: str) -> str:
    """Return the third person of a verb: "return" -> "returns", "try" -> "tries"."""
    if word.endswith("y") and word[-2:-1] not in "aeiou":
        return word[:-1] + "ies"
    return word + ("es" if word.endswith(("ss", "sh", "ch", "x", "z")) else "s")


@cache
def verbs() -> frozenset[str]:
    """Return the verbs that documentation begins with and that are hardly ever nouns there."""
    text = (
        resources.files("homespun.training")
        .joinpath("conventions", "python", "verbs.json")
        .read_text(encoding="utf-8")
    )
    import json

    return frozenset(json.loads(text))


def _comments(file: ParsedSource) -> Iterator[Site]:
    alone = {}  # row -> a comment that has the line for itself
    for node in file.nodes("comment"):
        text = file.read(node)
        suppression = _SUPPRESSION.match(text)
        if suppression is not None:
            form = "coded" if suppression[1] else "blanket"
            yield file.site("python/suppressions", form, node)
        row, column = node.start_point
        if not file.source[node.start_byte - column : node.start_byte].strip():
            alone[row] = node
    for row, node in alone.items():
        text = file.read(node)
        word = None if row - 1 in alone or _DIRECTIVE.match(text) else _COMMENT.match(text)
        if word is None:
            continue
        yield file.site("python/comment-case", "upper" if word[1].isupper() else "lower", node)
        if row + 1 not in alone and text.count(" ") > 3 and text[-1] not in ":!?":
            stop = "stop" if text.endswith(".") else "no-stop"
            yield file.site("python/comment-stop", stop, node)
