"""SPDX expressions: which text is one, when two mean the same licence, which are denied."""

from __future__ import annotations

import re
from collections.abc import Collection

UNKNOWN = "unknown"
OTHER = "other"  # in a list of what is denied: whatever is not the repository's own
_MAX_CHARS = 200
_TOKEN = re.compile(r"[()]|[A-Za-z0-9][A-Za-z0-9.+:-]*")
_WORDS = frozenset({"and", "or", "with"})
# What stands where a licence should and is none.
_NO_LICENCE = frozenset({"none", "noassertion", "unlicensed", "proprietary", "other", "see"})
_EXTENT = re.compile(r"(?:-only|-or-later|\+)$")


def expression_of(text: str) -> str:
    """Return a text as an SPDX expression with single spaces, "" where it is none."""
    text = text[: _MAX_CHARS + 1].strip()
    tokens = _TOKEN.findall(text)
    if len(text) > _MAX_CHARS or "".join(tokens) != "".join(text.split()):
        return ""
    is_due, depth, parts = True, 0, []  # an identifier is due at first, and behind each operator
    for token in tokens:
        is_operator = token.casefold() in _WORDS
        if token == "(":
            depth += 1
        elif token == ")":
            depth -= 1
        if depth < 0 or (token in "()" and (token == "(") != is_due):
            return ""
        if token not in "()":
            if is_operator is is_due or token.casefold() in _NO_LICENCE:
                return ""
            is_due = is_operator
        parts.append(token.upper() if is_operator else token)
    if is_due or depth:
        return ""
    return " ".join(parts).replace("( ", "(").replace(" )", ")")


def is_same(licence: str, own: str) -> bool:
    """Tell whether what is under `licence` may be had under `own`.

    Versions "only" and "or later" of a licence count as one: its text does not say which is meant.
    Of "A OR B" one is enough.
    """
    wanted = _family(own)
    return wanted in {_family(licence), *map(_family, _alternatives(licence))}


def denied_by(licence: str, denied: Collection[str]) -> str:
    """Return the entry of `denied` that a licence other than the repository's own meets, or "".

    "A OR B" is denied where both are, "A AND B" where one is; in brackets one is enough.
    """
    met = ""
    for alternative in _alternatives(licence):
        names = {_family(name) for name in _TOKEN.findall(alternative)}
        names |= {_family(alternative)}
        found = next((entry for entry in denied if entry.strip().casefold() == OTHER), "")
        found = found or next((entry for entry in denied if _family(entry) in names), "")
        if not found:
            return ""
        met = met or found
    return met


def _alternatives(expression: str) -> list[str]:
    if "(" in expression:
        return [expression]
    return re.split(r"\s+OR\s+", expression)


def _family(identifier: str) -> str:
    return _EXTENT.sub("", identifier.strip().casefold())
