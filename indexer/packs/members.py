"""What a Python class has beside methods, and what its decorators change; from masked lines.

The index knows no fields: a pack has to, because whoever completes `token.` elsewhere has not the
file. Read by indentation, as the text stands.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from homespun.indexer.packs.definition import ATTRIBUTE, FIELD, LEADS, PackRow
from homespun.indexer.types import Symbol

_MAX_CHARS = 160  # of a member's line
_FIELD = re.compile(r"(?P<name>[A-Za-z]\w*)\s*(?P<type>:(?!=)[^=]*)?(?:=(?!=)|$)")
_ATTRIBUTE = re.compile(r"self\.(?P<name>[A-Za-z]\w*)\s*(?P<type>:(?!=)[^=]*)?=(?!=)")
_NO_FIELD = frozenset("return raise if elif else for while with try except finally pass".split())
_MAX_DECORATORS = 8
_CLOSING = {"(": ")", "[": "]", "{": "}"}


def leads_of(symbol: Symbol, lines: Sequence[str]) -> str:
    """Return those of a definition's decorators that change what it is, parted by spaces."""
    found = []
    for line in lines[symbol.start_line - 1 : symbol.start_line - 1 + _MAX_DECORATORS]:
        text = line.strip()
        if not text.startswith("@"):
            break
        name = text[1:].partition("(")[0].strip().rpartition(".")[2]
        found += [name] if name in LEADS else []
    return " ".join(found)


def members_of(symbol: Symbol, lines: Sequence[str]) -> Iterator[PackRow]:
    """Yield the public fields of a class and what its methods bind to `self`, each name once."""
    seen: set[str] = set()
    inner = -1
    for number in range(symbol.start_line, min(symbol.end_line, len(lines))):
        text = lines[number].strip()
        if not text or text[0] in "#@)]}":
            continue
        columns = len(lines[number]) - len(lines[number].lstrip())
        if inner < 0:
            is_head = not lines[number - 1].rstrip().endswith(":")
            if is_head:  # the class's head reaches over several lines
                continue
            inner = columns
        match = _FIELD.match(text) if columns == inner else _ATTRIBUTE.match(text)
        if match is None or match["name"] in seen or match["name"] in _NO_FIELD:
            continue
        if columns == inner and not (match["type"] or "=" in text):
            continue
        seen.add(match["name"])
        yield PackRow(
            path=symbol.path,
            kind=FIELD if columns == inner else ATTRIBUTE,
            name=match["name"],
            qualified=f"{symbol.qualified}.{match['name']}",
            start_line=number + 1,
            end_line=number + 1,
            signature=_on_one_line(text, match.end()),
            doc="",
        )


def _on_one_line(text: str, value_at: int) -> str:
    """Return a member's line; a value that goes on below, or is long, is left out."""
    if len(text) <= _MAX_CHARS and closed(text) == text:
        return text
    left = text[:value_at].rstrip("= ")[:_MAX_CHARS]
    return f"{closed(left)} = ..."


def closed(text: str) -> str:
    """Return a text with the brackets closed that are open at its end."""
    open_: list[str] = []
    for character in text:
        if character in _CLOSING:
            open_.append(_CLOSING[character])
        elif open_ and character == open_[-1]:
            open_.pop()
    return text + "".join(reversed(open_))
