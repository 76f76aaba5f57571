r"""Patterns of paths, as git, a search and the settings have them -> matchers in linear time.

A pattern may come from a folder that nobody trusts, and a regular expression that tries again what
has failed takes hours for `*a*a*a*a…`. Behind a `*` only the nearest place of what follows has to
be tried: if the rest of the pattern does not fit behind it, it fits behind none (between two stars
everything is of one length). The same holds for `**` and whole folders. So each star becomes a
group that never gives back what it has taken.

Ignore files mean what they mean to git (`dir.c`, `wildmatch.c`), but `?` is a character, not a
byte.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

MAX_PATTERN_CHARS = 500
MAX_PATTERNS = 2_000  # of one folder or setting; each is asked for each file
_MAX_READINGS = 64  # of one pattern with `{a,b}`

_WILD = frozenset("*?[\\")
_POSIX = {
    "alnum": "A-Za-z0-9",
    "alpha": "A-Za-z",
    "blank": r" \t",
    "cntrl": r"\x00-\x1f\x7f",
    "digit": "0-9",
    "graph": r"\x21-\x7e",
    "lower": "a-z",
    "print": r"\x20-\x7e",
    "punct": r"\x21-\x2f\x3a-\x40\x5b-\x60\x7b-\x7e",
    "space": r" \t\n\r\f\v",
    "upper": "A-Z",
    "xdigit": "0-9A-Fa-f",
}
_NOWHERE = re.compile(r"(?!)")


class IgnoreRules:
    """The lines of an ignore file: the last that matches decides, folders before what is in them.

    `faults` holds the lines that can match nothing, `left_out` counts those above the caps.
    """

    def __init__(self, lines: Iterable[str]) -> None:
        self.faults: list[str] = []
        self.left_out = 0
        self._names: dict[str, list[_IgnoreRule]] = {}  # a plain name or path -> rules, by order
        self._wild: list[_IgnoreRule] = []  # the last first
        self._folders: dict[str, bool | None] = {"": None}
        self._read(lines)

    def decide(self, path: str) -> bool | None:
        """Return False: left out; True: taken in by `!`; None: not named.

        `path` is relative to where the rules stand, with "/"; that of a folder ends with one. As
        with git nothing is taken in again below a folder that is left out.
        """
        if not self._names and not self._wild:
            return None
        folder, _, name = path.rstrip("/").rpartition("/")
        above = self._of_folder(folder)
        if above is False:
            return False
        own = self._last(path.rstrip("/"), name, is_folder=path.endswith("/"))
        return above if own is None else own

    def _read(self, lines: Iterable[str]) -> None:
        count = 0
        for order, line in enumerate(lines):
            text = _without_spaces(line.removeprefix("\ufeff") if not order else line)
            if not text or text.startswith("#"):
                continue
            count += 1
            if count > MAX_PATTERNS or len(text) > MAX_PATTERN_CHARS:
                self.left_out += 1
                continue
            rule = _rule(text, order)
            if rule is None:
                self.faults.append(line)
            elif isinstance(rule.wanted, str):
                self._names.setdefault(rule.wanted, []).append(rule)
            else:
                self._wild.append(rule)
        self._wild.reverse()

    def _of_folder(self, folder: str) -> bool | None:
        """Decide each folder once, from the root down."""
        begin = len(folder)
        while folder[:begin] not in self._folders:
            begin = max(0, folder.rfind("/", 0, begin))
        while begin < len(folder):
            above = self._folders[folder[:begin]]
            end = folder.find("/", begin + 1)
            end = len(folder) if end < 0 else end
            path = folder[:end]
            own = None
            if above is not False:
                own = self._last(path, path.rpartition("/")[2], is_folder=True)
            self._folders[path] = above if own is None else own
            begin = end
        return self._folders[folder]

    def _last(self, path: str, name: str, *, is_folder: bool) -> bool | None:
        """Return what the last matching rule says of this path alone."""
        best: _IgnoreRule | None = None
        for plain in (name, "/" + path):
            for rule in self._names.get(plain, ()):
                if (is_folder or not rule.folders_only) and (
                    best is None or rule.order > best.order
                ):
                    best = rule
        for rule in self._wild:
            if best is not None and rule.order < best.order:
                break
            if (is_folder or not rule.folders_only) and rule.fits(path, name):
                best = rule
                break
        return None if best is None else best.takes_in


@dataclass(frozen=True, slots=True)
class _IgnoreRule:
    """A line of an ignore file."""

    order: int
    takes_in: bool  # `!`
    folders_only: bool  # a "/" at the end
    of_name: bool  # no other "/": asked about the last part of a path
    wanted: str | re.Pattern[str]  # a plain name, a plain path with "/" in front, or a pattern

    def fits(self, path: str, name: str) -> bool:
        assert isinstance(self.wanted, re.Pattern)
        return self.wanted.match(name if self.of_name else path) is not None


def path_pattern(glob: str) -> re.Pattern[str]:
    """Return a pattern for `match` on whole paths: `*` and `?` within a folder, `**` across.

    `[a-z]` and `[!a-z]` are sets, `{a,b}` is one of a few; a bracket that is none is a character.
    What is longer than `MAX_PATTERN_CHARS` matches nothing.
    """
    if len(glob) > MAX_PATTERN_CHARS:
        return _NOWHERE
    return _path_pattern(glob)


@lru_cache(maxsize=256)
def _path_pattern(glob: str) -> re.Pattern[str]:
    readings = [_Translation(reading, lenient=True).regex() for reading in _readings(glob)]
    return re.compile("|".join(f"(?:{regex})" for regex in readings if regex), re.DOTALL)


def _without_spaces(line: str) -> str:
    r"""Cut the spaces at the end, as git does: `\ ` is kept."""
    line = line.rstrip("\r\n")
    end = last = 0
    while end < len(line):
        if line[end] == "\\":
            end += 1
            if end == len(line):
                return line
            last = end + 1
        elif line[end] != " ":
            last = end + 1
        end += 1
    return line[:last]


def _rule(text: str, order: int) -> _IgnoreRule | None:
    takes_in = text.startswith("!")
    pattern = text.removeprefix("!")
    folders_only = pattern.endswith("/")
    pattern = pattern.removesuffix("/")
    if not pattern:
        return None
    of_name = "/" not in pattern
    if not of_name:
        pattern = pattern.removeprefix("/")
    wanted: str | re.Pattern[str]
    if _WILD.isdisjoint(pattern):
        wanted = pattern if of_name else "/" + pattern
    else:
        regex = _Translation(pattern, lenient=False).regex()
        if regex is None:
            return None
        wanted = re.compile(regex, re.DOTALL)
    return _IgnoreRule(order, takes_in, folders_only, of_name, wanted)


class _Translation:
    """One pattern -> a regular expression without a choice that would be tried again.

    A *run* is what stands between two `**`; a *piece* what stands between two stars of a run, and
    as long in every path that it fits.
    """

    def __init__(self, pattern: str, *, lenient: bool) -> None:
        self._pattern = pattern
        self._lenient = lenient  # a set without an end is a "[", `**` need not stand alone
        self._runs: list[tuple[str, list[str]]] = [("", [""])]  # what leads to it, its pieces
        self._position = 0

    def regex(self) -> str | None:
        """Return the expression for the whole of a path; None if nothing is like this."""
        while self._position < len(self._pattern):
            if not self._step():
                return None
        built = r"\Z"
        for lead, pieces in reversed(self._runs):
            # Only the last run is tied to the end of the path, in its last piece.
            pieces[-1] += built if built == r"\Z" else ""
            run = pieces[0] + "".join(f"(?>[^/]*?{piece})" for piece in pieces[1:])
            rest = "" if built == r"\Z" else built
            built = (f"(?>{lead}{run})" if lead else run) + rest
        return built

    def _step(self) -> bool:
        character = self._pattern[self._position]
        if character == "*":
            self._stars()
            return True
        if character == "[":
            return self._set()
        self._position += 1
        if character == "?":
            self._add("[^/]")
        elif character == "\\" and not self._lenient:
            if self._position == len(self._pattern):
                return False
            self._add(re.escape(self._pattern[self._position]))
            self._position += 1
        else:
            self._add(re.escape(character))
        return True

    def _add(self, regex: str) -> None:
        self._runs[-1][1][-1] += regex

    def _stars(self) -> None:
        pattern, begin = self._pattern, self._position
        while self._position < len(pattern) and pattern[self._position] == "*":
            self._position += 1
        rest = pattern[self._position :]
        # What is plain in front of the first star git compares beforehand, and forgets.
        alone = _WILD.isdisjoint(pattern[:begin]) or pattern[begin - 1] == "/"
        if self._position - begin < 2 or not (alone or self._lenient):
            self._runs[-1][1].append("")
        elif rest.startswith("/"):
            self._position += 1
            self._runs.append(("(?:[^/]*/)*?", [""]))
        elif rest.startswith("\\/"):
            self._position += 2
            self._runs.append(("(?:[^/]*/)+?", [""]))
        elif not rest or self._lenient:
            self._runs.append((".*?", [""]))
        else:
            self._runs[-1][1].append("")

    def _set(self) -> bool:
        found = _set_at(self._pattern, self._position)
        if found is None:
            if self._lenient:
                self._add(re.escape("["))
                self._position += 1
            return self._lenient
        regex, self._position = found
        self._add(regex)
        return True


def _set_at(pattern: str, position: int) -> tuple[str, int] | None:
    """Read the set that begins at `position`; return its expression and where it ends."""
    position += 1
    negated = pattern[position : position + 1] in ("!", "^")
    position += negated
    begin = position
    inner = before = ""  # `before`: what a range may begin with
    while position == begin or pattern[position : position + 1] != "]":
        if pattern.startswith("[:", position):
            found = _class_at(pattern, position)
        elif (
            before
            and pattern[position : position + 1] == "-"
            and pattern[position + 1 :][:1] != "]"
        ):
            found = _range_at(pattern, position, before)
        else:
            found = _character_at(pattern, position)
        if found is None:
            return None
        part, before, position = found
        inner += part
    return (f"[^/{inner}]" if negated else f"(?!/)[{inner}]", position + 1)


def _class_at(pattern: str, position: int) -> tuple[str, str, int] | None:
    """Read `[:alpha:]`; without its end the bracket is a character."""
    end = pattern.find("]", position + 2)
    if end < 0:
        return None
    if end < position + 3 or pattern[end - 1] != ":":
        return (r"\[", "[", position + 1)
    named = _POSIX.get(pattern[position + 2 : end - 1])
    return None if named is None else (named, "", end + 1)


def _range_at(pattern: str, position: int, before: str) -> tuple[str, str, int] | None:
    found = _character_at(pattern, position + 1)
    if found is None:
        return None
    part, last, end = found
    return (f"{_in_set(before)}-{part}" if before <= last else "", "", end)


def _character_at(pattern: str, position: int) -> tuple[str, str, int] | None:
    position += pattern[position : position + 1] == "\\"
    character = pattern[position : position + 1]
    return (_in_set(character), character, position + 1) if character else None


def _in_set(character: str) -> str:
    return "\\" + character if character in "\\]^-[&~|" else character


def _readings(glob: str) -> Iterator[str]:
    """Write the choices `{a,b}` out; as they stand where there are too many."""
    parts = re.split(r"\{([^{}]+)\}", glob)
    count = 1
    for choice in parts[1::2]:
        count *= choice.count(",") + 1
    if count > _MAX_READINGS:
        yield glob
        return
    readings = [""]
    for number, part in enumerate(parts):
        options = part.split(",") if number % 2 else [part]
        readings = [reading + option for reading in readings for option in options]
    yield from readings
