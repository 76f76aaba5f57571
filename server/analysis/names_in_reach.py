"""Names in reach of a cursor and what they are, read from the text alone, in any language."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from homespun.server.prompt.cursor import Cursor, indentation

_LINES_ABOVE = 20
_LINES_BELOW = 3
_LONGEST_LINE_CHARS = 500
_TYPE_CHARS = 20_000  # how far back a variable's type is looked for
_CHAIN = re.compile(r"[A-Za-z_]\w*(?:\s*(?:\.|::|->)\s*[A-Za-z_]\w*)*")
_JOINT = re.compile(r"\s*(?:\.|::|->)\s*")
_OPEN_RECEIVER = re.compile(r"([A-Za-z_]\w*(?:(?:\.|::|->)[A-Za-z_]\w*)*)(?:\.|::|->)\w*$")
_COMMENT_OR_STRING = re.compile(r"\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'|(?:#|//).*")
_CLASS = re.compile(
    r"^\s*(?:[a-z]+\s+)*(?:class|struct|impl|interface|trait|object)\s+"
    r"(?P<name>[A-Za-z_]\w*)(?P<rest>[^\n{]*)"
)
_TYPE_NAME = re.compile(r"[A-Za-z_]\w*")
_SELF = frozenset({"self", "this", "cls", "super", "Self"})

# How much a name counts, by where it stands.
_RECEIVER = 4.0  # right before the cursor: `session.|`
_CURRENT_LINE = 3.0
_NEAREST_LINE = 2.0  # falls towards half of it with the distance
_BELOW = 1.0
_BASES = 1.5  # of the enclosing class, when the line speaks of self


@dataclass(frozen=True, slots=True)
class Name:
    """A name near the cursor."""

    text: str
    owner: str  # what stands before the dot, "" for a plain name
    weight: float
    is_type: bool = False  # it is the type of something: its members matter
    on_current_line: bool = False


def in_reach(cursor: Cursor) -> list[Name]:
    """Return the names near the cursor, the weightiest first, each once."""
    found: dict[tuple[str, str, bool], Name] = {}
    for name in _written(cursor):
        _keep(found, name)
    for name in _meant(cursor, list(found.values())):
        _keep(found, name)
    return sorted(found.values(), key=lambda name: (-name.weight, name.text, name.owner))


def _keep(found: dict[tuple[str, str, bool], Name], name: Name) -> None:
    key = (name.text, name.owner, name.is_type)
    if key not in found or found[key].weight < name.weight:
        found[key] = name


def _written(cursor: Cursor) -> Iterator[Name]:
    """Yield the names on the lines around the cursor."""
    yield from _names(cursor.tail, _CURRENT_LINE, current=True)
    for distance, line in enumerate(reversed(cursor.above(_LINES_ABOVE))):
        yield from _names(line, _NEAREST_LINE * (1 - 0.5 * distance / _LINES_ABOVE))
    for line in cursor.after.split("\n")[1 : 1 + _LINES_BELOW]:
        yield from _names(line[:_LONGEST_LINE_CHARS], _BELOW)


def _meant(cursor: Cursor, written: list[Name]) -> Iterator[Name]:
    """Yield the types of what members are taken from."""
    receiver = _OPEN_RECEIVER.search(cursor.tail)
    if receiver:
        for kind in types_of(receiver[1], cursor.before):
            yield Name(kind, "", _RECEIVER, is_type=True, on_current_line=True)
    if re.search(r"\b(?:self|this|super)\b", cursor.tail):
        for base in enclosing_bases(cursor.before):
            yield Name(base, "", _BASES, is_type=True)
    for owner, weight in _owners(written).items():
        for kind in types_of(owner, cursor.before):
            yield Name(kind, "", weight, is_type=True)


def types_of(owner: str, before: str) -> list[str]:
    """Return the type, or the function called, that `owner` was last bound to, if any.

    Reads `x: Foo`, `x = Foo(…)`, `x := foo.New(…)`, `Foo x = …`, `with foo(…) as x`, `new Foo`.
    """
    name = rf"(?P<owner>{re.escape(owner)})"
    patterns = (
        rf"(?<![\w.]){name}\s*:\s*[\"'&*]*(?:(?:Optional|Final|ClassVar)\[)?(?P<t>[A-Za-z_][\w.]*)",
        rf"(?<![\w.])(?P<t>[A-Z]\w*)(?:<[^<>\n]*>)?[&*\s]+{name}\s*[=;,)]",
        rf"(?<![\w.]){name}\s*(?::[^=\n]*)?:?=\s*(?:await\s+|new\s+|&)?"
        r"(?P<t>[A-Za-z_][\w.]*(?:::\w+)?)\s*[({]",
        rf"(?P<t>[A-Za-z_][\w.]*)\([^\n]*\)\s+as\s+{name}\b",
    )
    for line in reversed(before[-_TYPE_CHARS:].split("\n")):
        if owner in line and len(line) <= _LONGEST_LINE_CHARS:
            found = [m for pattern in patterns for m in re.finditer(pattern, line)]
            if found:
                return [max(found, key=lambda match: match.start("owner"))["t"]]
    return []


def enclosing_bases(before: str) -> list[str]:
    """Return the types that the class around the cursor is derived from."""
    lines = before.split("\n")
    columns = indentation(lines[-1]) if lines[-1].strip() else 10_000
    for line in reversed(lines[:-1]):
        if not line.strip() or indentation(line) >= columns:
            continue
        columns = indentation(line)
        match = _CLASS.match(line[:_LONGEST_LINE_CHARS])
        if match:
            rest = match["rest"].replace("metaclass=", "")
            return [word for word in _TYPE_NAME.findall(rest) if word[0].isupper()]
    return []


def _names(line: str, weight: float, *, current: bool = False) -> list[Name]:
    names = []
    for match in _CHAIN.finditer(_COMMENT_OR_STRING.sub(" ", line)):
        parts = _JOINT.split(match[0])
        if parts[0] not in _SELF:
            names.append(Name(parts[0], "", weight, on_current_line=current))
        joint = "."
        for index in range(1, len(parts)):
            owner = joint.join(parts[:index])
            names.append(Name(parts[index], owner, weight, on_current_line=current))
    return names


def _owners(names: Iterable[Name]) -> dict[str, float]:
    """Return what members are taken from, with a little less than the members' weight."""
    owners: dict[str, float] = {}
    for name in names:
        if name.owner and name.owner not in _SELF:
            owners[name.owner] = max(owners.get(name.owner, 0.0), 0.9 * name.weight)
    return dict(sorted(owners.items()))
