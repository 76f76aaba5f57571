"""The case of a name: snake_case, camelCase, PascalCase, UPPER_CASE, kebab-case."""

from __future__ import annotations

import re

_SNAKE = re.compile(r"[a-z0-9]+(?:_[a-z0-9]+)+")
_UPPER = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*")
_CAMEL = re.compile(r"[a-z][a-z0-9]*(?:[A-Z]+[a-z0-9]*)+")
_PASCAL = re.compile(r"[A-Z]+[a-z0-9]+(?:[A-Z0-9]+[a-z0-9]*)*|[A-Z][a-z0-9]+")
_KEBAB = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)+")
_MIXED = re.compile(r"[A-Za-z0-9]+(?:_[A-Za-z0-9]+)+")
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+|\d+")

CASES = {
    "snake": "snake_case",
    "camel": "camelCase",
    "pascal": "PascalCase",
    "upper": "UPPER_CASE",
    "kebab": "kebab-case",
    "mixed": "Mixed_Case",
    "lower": "lowercase",
}


def case_of(name: str) -> str | None:
    """Return the case that a name can only have; None for one word in small letters.

    Underscores around the name say who may use it and are not looked at.
    """
    core = name.strip("_$")
    for case, pattern in (
        ("snake", _SNAKE),
        ("camel", _CAMEL),
        ("upper", _UPPER),
        ("pascal", _PASCAL),
        ("kebab", _KEBAB),
        ("mixed", _MIXED),
    ):
        if pattern.fullmatch(core):
            return case
    return None


def words_of(name: str) -> list[str]:
    """Return a name's words in small letters: "HTTPServer_run" -> ["http", "server", "run"]."""
    return [word.lower() for word in _WORDS.findall(name)]


def in_case(name: str, case: str) -> str:
    """Write a name in another case; underscores around it stay."""
    core = name.strip("_")
    before = name[: len(name) - len(name.lstrip("_"))]
    behind = name[len(name.rstrip("_")) :]
    words = words_of(core)
    if case == "snake":
        core = "_".join(words)
    elif case == "upper":
        core = "_".join(words).upper()
    elif case == "kebab":
        core = "-".join(words)
    else:
        core = "".join(word.capitalize() for word in words)
        if case == "camel":
            core = core[:1].lower() + core[1:]
    return before + core + behind
