"""Python source lines -> what a class has and a function takes, from the text alone.

The text may be half written: nothing here needs it to parse. Line numbers are 0-based rows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

_STRING_OR_COMMENT = re.compile(r"\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'|#.*")
_FUNCTION = re.compile(r"\s*(?:async\s+)?def\s+(?P<name>\w+)")
_CLASS = re.compile(r"\s*class\s+(?P<name>\w+)")
_FIELD = re.compile(
    r"(?P<name>[A-Za-z_]\w*)\s*(?::(?!=)\s*(?P<type>.*?))?\s*(?:(?<![=!<>])=(?!=)(?P<value>.*))?$"
)
_SELF = re.compile(
    r"(?:self|cls)\.(?P<name>\w+)\s*(?::\s*(?P<type>.*?))?\s*(?:(?<![=!<>])=(?!=)\s*(?P<value>.*))$"
)
_KEYWORDS = frozenset(
    """return raise if elif else for while with try except finally pass break continue del assert
    import from global nonlocal yield await lambda not match case""".split()
)
_MAX_LOGICAL_LINES = 60
_MAX_VALUE_CHARS = 300
_OPENERS, _CLOSERS = "([{", ")]}"


@dataclass(frozen=True, slots=True)
class Function:
    """A function's head."""

    name: str
    row: int  # of the `def`
    params: dict[str, str]  # name -> annotation, "" without
    returns: str  # annotation, "" without
    head: str  # one line, without the colon
    decorators: tuple[str, ...] = ()

    @property
    def is_property(self) -> bool:
        """Whether it is read like an attribute."""
        return any(
            d.split("(")[0].rpartition(".")[2] in ("property", "cached_property", "setter")
            for d in self.decorators
        )


@dataclass(frozen=True, slots=True)
class Member:
    """What stands behind a dot."""

    name: str
    row: int
    kind: str  # "method", "property", "field", "attribute", "class"
    head: str  # one line to show
    type: str = ""  # annotation
    value: str = ""  # the right side of its assignment
    function: Function | None = None  # the method; of an attribute the one that binds it


@dataclass(slots=True)
class Class:
    """A class: its bases and its own members, in order."""

    name: str
    row: int
    end_row: int  # the last one, inclusive
    bases: tuple[str, ...] = ()
    members: dict[str, Member] = field(default_factory=dict)


def read_class(lines: Sequence[str], row: int) -> Class | None:
    """Read the class whose head is at `row` or, behind decorators, a little below it."""
    row = next((r for r in range(row, min(row + 30, len(lines))) if _CLASS.match(lines[r])), -1)
    if row < 0:
        return None
    head, after = logical_line(lines, row)
    match = _CLASS.match(head)
    if match is None:
        return None
    found = Class(match["name"], row, row, tuple(_bases(head)))
    reader = _Reader(found, indent_of(lines[row]))
    while after < len(lines) and reader.take(lines, after):
        after = reader.next_row
    return found


class _Reader:
    """Goes through a class line by line."""

    def __init__(self, found: Class, columns: int) -> None:
        self.found = found
        self.next_row = 0
        self._outer = columns
        self._inner: int | None = None
        self._quote = ""  # of a text over several lines
        self._decorators: list[str] = []
        self._method: Function | None = None

    def take(self, lines: Sequence[str], row: int) -> bool:
        """Take a line in; False behind the end of the class."""
        line = lines[row]
        self.next_row = row + 1
        stripped = line.strip()
        if self._quote:
            if self._quote in line:
                self._quote = ""
            return True
        if not stripped or stripped[0] == "#":
            return True
        columns = indent_of(line)
        if columns <= self._outer:
            return stripped[0] in ")]}"
        self.found.end_row = row
        self._inner = columns if self._inner is None else self._inner
        if columns == self._inner:
            self._at_top(lines, row, stripped)
        elif stripped.startswith(("self.", "cls.")):
            self._attribute(lines, row)
        self._quote = next((q for q in ('"""', "'''") if line.count(q) % 2), "")
        return True

    def _at_top(self, lines: Sequence[str], row: int, stripped: str) -> None:
        if stripped[0] == "@":
            text, self.next_row = logical_line(lines, row)
            self._decorators.append(text.strip()[1:])
            return
        decorators, self._decorators = tuple(self._decorators), []
        function = read_function(lines, row, decorators)
        if function is not None:
            self.next_row = logical_line(lines, row)[1]
            self._method = function
            kind = "property" if function.is_property else "method"
            self._keep(Member(function.name, row, kind, function.head, function=function))
            return
        if match := _CLASS.match(stripped):
            self._keep(Member(match["name"], row, "class", stripped.rstrip(":")))
            return
        text, after = logical_line(lines, row)
        match = _FIELD.match(text.strip())
        if match and match["name"] not in _KEYWORDS and (match["type"] or match["value"]):
            self.next_row = after
            value = (match["value"] or "").strip()[:_MAX_VALUE_CHARS]
            self._keep(
                Member(match["name"], row, "field", text.strip(), match["type"] or "", value)
            )

    def _attribute(self, lines: Sequence[str], row: int) -> None:
        text, _ = logical_line(lines, row)
        match = _SELF.match(text.strip())
        if match is None or (match["name"] in self.found.members and not match["type"]):
            return
        value = match["value"].strip()[:_MAX_VALUE_CHARS]
        kind = match["type"] or ""
        if not kind and self._method is not None:
            kind = self._method.params.get(value.split(" or ")[0].strip(), "")
        self._keep(Member(match["name"], row, "attribute", text.strip(), kind, value, self._method))

    def _keep(self, member: Member) -> None:
        known = self.found.members.get(member.name)
        if known is None or (member.kind == "attribute" and known.kind == "attribute"):
            self.found.members[member.name] = member


def read_function(
    lines: Sequence[str], row: int, decorators: tuple[str, ...] = ()
) -> Function | None:
    """Read the function whose `def` is at `row`."""
    if not _FUNCTION.match(lines[row]):
        return None
    head, _ = logical_line(lines, row)
    return function_of(head, row, decorators)


def function_of(head: str, row: int = 0, decorators: tuple[str, ...] = ()) -> Function | None:
    """Read a head on one line: `async def f(a: int) -> str:`."""
    match = _FUNCTION.match(head)
    start = head.find("(", match.end()) if match else -1
    if match is None or start < 0:
        return None
    end = closing(head, start)
    params = {}
    for part in split_top(head[start + 1 : end]):
        name, _, kind = split_once(part, ":")
        name = split_once(name, "=")[0].strip().lstrip("*")
        if name and name != "/":
            params[name] = split_once(kind, "=")[0].strip()
    arrow = head.find("->", end)
    returns = head[arrow + 2 :].strip().rstrip(":").strip() if arrow >= 0 else ""
    text = " ".join(head.strip().rstrip(":").split())
    return Function(match["name"], row, params, returns, tidy(text), decorators)


def decorators_above(lines: Sequence[str], row: int) -> tuple[str, ...]:
    """Return the decorators on the lines right above a head."""
    found: list[str] = []
    while row > 0 and lines[row - 1].lstrip().startswith("@"):
        row -= 1
        found.append(lines[row].strip()[1:])
    return tuple(reversed(found))


def logical_line(lines: Sequence[str], row: int) -> tuple[str, int]:
    """Join a line with those that its brackets reach over; return it and the row behind it."""
    parts: list[str] = []
    depth = 0
    for number in range(row, min(row + _MAX_LOGICAL_LINES, len(lines))):
        plain = _STRING_OR_COMMENT.sub(_kept_string, lines[number])
        parts.append(plain.strip() if parts else plain.rstrip())
        bare = _STRING_OR_COMMENT.sub("", plain)
        depth += sum(map(bare.count, _OPENERS)) - sum(map(bare.count, _CLOSERS))
        if depth <= 0 and not bare.endswith("\\"):
            return tidy(" ".join(parts)), number + 1
    return tidy(" ".join(parts[:3])), row + 1


def _kept_string(match: re.Match[str]) -> str:
    return "" if match[0].startswith("#") else match[0]


def tidy(text: str) -> str:
    """Take out the blanks that joining lines leaves inside of brackets."""
    return re.sub(r",?\s+(?=[)\]}])", "", re.sub(r"(?<=[(\[{])\s+", "", text))


def _bases(head: str) -> Iterator[str]:
    start = head.find("(")
    if start >= 0:
        for part in split_top(head[start + 1 : closing(head, start)]):
            if "=" not in part and part.strip():
                yield part.strip()


def split_top(text: str, separator: str = ",") -> list[str]:
    """Split at separators that stand in no brackets and no string."""
    parts: list[str] = []
    start = depth = 0
    blank = _blanked(text)
    for index, character in enumerate(blank):
        if character in _OPENERS:
            depth += 1
        elif character in _CLOSERS:
            depth -= 1
        elif character == separator and depth == 0:
            parts.append(text[start:index])
            start = index + 1
    return [*parts, text[start:]]


def split_once(text: str, separator: str) -> tuple[str, str, str]:
    """Partition at the first separator that stands in no brackets and no string."""
    first, *rest = split_top(text, separator)
    return first, separator if rest else "", separator.join(rest)


def closing(text: str, start: int) -> int:
    """Return where the bracket at `start` is closed, the text's length if nowhere."""
    depth = 0
    blank = _blanked(text)
    for index in range(start, len(blank)):
        if blank[index] in _OPENERS:
            depth += 1
        elif blank[index] in _CLOSERS:
            depth -= 1
            if depth == 0:
                return index
    return len(text)


def _blanked(text: str) -> str:
    if '"' not in text and "'" not in text:
        return text
    return _STRING_OR_COMMENT.sub(lambda match: " " * len(match[0]), text)


def indent_of(line: str) -> int:
    """Return the width of the leading white space."""
    return len(line) - len(line.lstrip())
