"""Turning names, documentation and messages: what is words, in any language."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from homespun.training.conventions.base.name_cases import in_case
from homespun.training.conventions.base.parsed_file import ParsedSource
from homespun.training.conventions.python.docs import imperative, indicative
from homespun.training.probes.rewrites.base import Edit, Rewrite, indentation, replaced, swapped

if TYPE_CHECKING:
    from tree_sitter import Node

_QUOTES = re.compile(r"[rRuUbBfF]{0,2}(\"\"\"|'''|\"|'|`)")


def _named(file: ParsedSource, node: Node, form: str) -> list[Edit] | None:
    name = file.read(node)
    other = in_case(name, form)
    # Where the name stands elsewhere in the file, its place gives the form away.
    if other == name or len(re.findall(rf"\b{re.escape(name)}\b", file.text)) != 1:
        return None
    return [replaced(node, other)]


def _mood(file: ParsedSource, node: Node, form: str) -> list[Edit] | None:
    text = file.read(node)
    word = re.search(r"[A-Za-z]+", text[len(_opening(text)) :])
    if word is None:
        return None
    lower = word[0].lower()
    other = indicative(lower) if form == "indicative" else imperative(lower)
    if word[0][0].isupper():
        other = other.capitalize()
    start = node.start_byte + len(text[: len(_opening(text)) + word.start()].encode())
    return [Edit(start, start + len(word[0]), other)]


def _opening(text: str) -> str:
    found = _QUOTES.match(text)
    return found[0] if found is not None else ""


def _stop(file: ParsedSource, node: Node, form: str) -> list[Edit] | None:
    """Put or take the full stop of a literal's or comment's last line."""
    text = file.read(node)
    found = _QUOTES.match(text)
    closing = found[1] if found is not None else ""
    body = text.removesuffix(closing).rstrip() if closing else text.rstrip()
    if "\n" in text and closing:
        return None
    end = node.start_byte + len(body.encode())
    if form == "stop":
        return [Edit(end, end, ".")]
    return [Edit(end - 1, end, "")] if body.endswith(".") else None


def _message_stop(file: ParsedSource, node: Node, form: str) -> list[Edit] | None:
    last = node.named_children[-1] if node.type == "concatenated_string" else node
    return _stop(file, last, form)


def _case(file: ParsedSource, node: Node, form: str) -> list[Edit] | None:
    text = file.read(node)
    letter = re.search(r"[A-Za-z]", text[len(_opening(text)) :])
    if letter is None:
        return None
    start = node.start_byte + len(text[: len(_opening(text)) + letter.start()].encode())
    other = letter[0].upper() if form == "upper" else letter[0].lower()
    return [Edit(start, start + 1, other)]


def _thrown(file: ParsedSource, node: Node, form: str) -> list[Edit] | None:
    text = file.read(node)
    letter = re.search(r"[\"'`]([A-Za-z])", text)
    if letter is None:
        return None
    start = node.start_byte + len(text[: letter.start(1)].encode())
    other = letter[1].upper() if form == "upper" else letter[1].lower()
    return [Edit(start, start + 1, other)]


def _begun(file: ParsedSource, node: Node, form: str) -> list[Edit] | None:
    """Begin a docstring on the line of its quotes, or on the next one."""
    text = file.read(node)
    opening = _opening(text)
    rest = text[len(opening) :]
    blanks = indentation(file, node)
    skipped = len(rest) - len(rest.lstrip())
    start = node.start_byte + len(opening.encode())
    return [Edit(start, start + skipped, f"\n{blanks}" if form == "next" else "")]


_STOPS = swapped("stop", "no-stop")
_CASES = swapped("upper", "lower")
_NAMES = {"snake": "camel", "camel": "snake"}

REWRITES: Mapping[str, Rewrite] = {
    "python/function-names": Rewrite(_NAMES, _named),
    "python/method-names": Rewrite(_NAMES, _named),
    "python/test-function-names": Rewrite(_NAMES, _named),
    "python/docstring-mood": Rewrite(swapped("imperative", "indicative"), _mood),
    "python/docstring-stop": Rewrite(_STOPS, _stop),
    "python/docstring-start": Rewrite(swapped("same", "next"), _begun),
    "python/comment-case": Rewrite(_CASES, _case),
    "python/comment-stop": Rewrite(_STOPS, _stop),
    "python/error-message-case": Rewrite(_CASES, _case),
    "python/error-message-stop": Rewrite(_STOPS, _message_stop),
    "python/log-message-case": Rewrite(_CASES, _case),
    "python/log-message-stop": Rewrite(_STOPS, _message_stop),
    "javascript/function-names": Rewrite(_NAMES, _named),
    "javascript/method-names": Rewrite(_NAMES, _named),
    "javascript/error-message-case": Rewrite(_CASES, _thrown),
}
