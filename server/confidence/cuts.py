"""Where a suggestion may end: behind an argument, a call, a statement, a line; never inside a word.

A scan over characters that knows brackets, strings and comments of most languages is enough here: a
syntax tree of a text that is not finished knows no more, and takes longer than all the rest.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

CutKind = Literal["member", "operand", "opened", "argument", "call", "statement", "line", "whole"]
KINDS: tuple[CutKind, ...] = (
    *("member", "operand", "opened", "argument", "call"),
    *("statement", "line", "whole"),
)

_MIN_CHARS = 3  # of what is cut off a longer text; less is faster typed than read
_MAX_CUTS = 24  # of a suggestion, so that a long block costs no more than a short one
_OPENERS, _CLOSERS = "([{", ")]}"
_LINE_COMMENTS = {
    "#": "python ruby bash elixir r perl yaml toml make php",
    "//": "c cpp csharp go java javascript jsx kotlin php rust scala swift tsx typescript zig dart",
    "--": "haskell lua sql",
}
_TICK_IS_NO_STRING = frozenset("rust haskell scala ocaml".split())  # lifetimes, primes, symbols
_OPERATOR = re.compile(r" (?:[-+*/%<>=!&|^?:]{1,3}|and|or|is|in|not|if|else|as|instanceof) ")
_COMMENT_OF = {
    language: mark for mark, languages in _LINE_COMMENTS.items() for language in languages.split()
}


@dataclass(frozen=True, slots=True)
class Cut:
    """An end of a suggestion: so many characters of it, which end with no blank."""

    end: int
    kind: CutKind


def cuts(text: str, left: str, language: str) -> list[Cut]:
    """Return the places where `text` may end behind `left` (the cursor's line), in order.

    The last is its own end. What begins inside a string or a comment has only ends of lines.
    """
    whole = len(text.rstrip())
    found: dict[int, CutKind] = {}
    scan = _Scan(language)
    for place, character in enumerate(left):
        scan.take(left, place, character)
    for place, character in enumerate(text):
        kind = scan.kind_before(text, place, character)
        if kind:
            _put(found, text, place, kind)
        behind = scan.take(text, place, character)
        if behind:
            _put(found, text, place + 1, behind)
    found = {end: kind for end, kind in found.items() if end < whole}
    if len(found) > _MAX_CUTS:
        found = dict(list(found.items())[:_MAX_CUTS])
    return [*(Cut(end, kind) for end, kind in sorted(found.items())), Cut(whole, "whole")]


def _put(found: dict[int, CutKind], text: str, end: int, kind: CutKind) -> None:
    """Note a cut; of two at one place the one that says more."""
    end = len(text[:end].rstrip())
    if len(text[:end].strip()) < _MIN_CHARS:
        return
    if end not in found or KINDS.index(kind) > KINDS.index(found[end]):
        found[end] = kind


class _Scan:
    """Knows at each character whether it stands in a string or a comment, and how deep."""

    def __init__(self, language: str) -> None:
        self._comment = _COMMENT_OF.get(language, "//")
        self._quotes = '"`' if language in _TICK_IS_NO_STRING else "\"'`"
        self._quote = ""
        self._skip = 0  # characters of a quote that are still to come
        self._is_comment = False
        self._depth = 0

    def kind_before(self, text: str, place: int, character: str) -> CutKind | None:
        """Return what ends before this character, None where nothing does."""
        if self._quote:
            return None
        if character == "\n":
            return "line"
        if self._is_comment:
            return None
        if character == "," or character in _CLOSERS:
            return "argument"
        if character == "." and _is_name(text[:place]):
            return "member"
        if character == " " and _OPERATOR.match(text, place):
            return "operand"
        return None

    def take(self, text: str, place: int, character: str) -> CutKind | None:
        """Go over this character; return what ends behind it."""
        if self._skip:
            self._skip -= 1
            return None
        if character == "\n":
            self._is_comment = False
            if len(self._quote) == 1 and self._quote != "`":
                self._quote = ""  # a string that was not closed, or no string at all
            return None
        if self._is_comment:
            return None
        if self._quote:
            self._leave(text, place, character)
            return None
        if text.startswith(self._comment, place):
            self._is_comment = True
            return None
        if character in self._quotes:
            self._quote = character * 3 if text.startswith(character * 3, place) else character
            self._skip = len(self._quote) - 1
            return None
        return self._bracket(character)

    def _leave(self, text: str, place: int, character: str) -> None:
        if character == "\\":
            self._skip = 1
        elif text.startswith(self._quote, place):
            self._skip = len(self._quote) - 1
            self._quote = ""

    def _bracket(self, character: str) -> CutKind | None:
        if character in _OPENERS:
            self._depth += 1
            return "opened"
        if character in _CLOSERS:
            self._depth -= 1
            return "call"
        if character == ";" or (character == ":" and self._depth <= 0):
            return "statement"
        return None


def _is_name(text: str) -> bool:
    word = re.search(r"\w+\Z", text[-40:])
    return word is not None and not word[0].isdigit()
