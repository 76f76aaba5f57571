"""Definitions that a Python document may need at the cursor, each with how likely it is needed.

Behind a dot: the members of what stands before it, its classes and their bases, or the names of
a module. Elsewhere: what the document imports from the repository, and its own definitions. Beside
them what the line calls, and the classes of the variables near the cursor.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from homespun.indexer.packs.names import is_foreign
from homespun.indexer.types import Symbol
from homespun.server.analysis.name_resolution import Files, Module
from homespun.server.analysis.python.inference import PythonTypes, Receiver
from homespun.server.analysis.python.outline import Class
from homespun.server.analysis.python.values import ClassValue, FunctionValue, InstanceValue
from homespun.server.context.being_written import BeingWritten
from homespun.server.context.limits import BY_NEED
from homespun.server.context.next_name import NOTHING, NameCandidate, NameEvidence, kind_of
from homespun.server.context.next_name_weights import MEMBERS, MODULE, NAMES
from homespun.server.prompt.cursor import Cursor

# What can ask for a definition: the dot at the cursor, the call that it stands in, the names that
# may come next, the variables near it.
PARTS = ("receiver", "callee", "names", "variables")
_MAX_NAMES = 6
_FIRST_FOREIGN = 1  # names of a sibling's module that are shown as others are
_SURE_FOREIGN = 0.1  # how likely a sibling's definition must be to be shown by itself
_MAX_LISTED = 64  # further ones of siblings, by their names
_MIN_PROBABILITY = 0.03
_MAX_MEMBERS_BESIDE = 6
_MAX_FIELDS = 16  # of what an object is made of
_MAX_MODULE_NAMES = 400
_MAX_VARIABLES = 3
_NEAR_LINES = 8
# Scores: a receiver is certain, a callee nearly; names come after them by their probability.
_RECEIVER = 4.0
_BASE_STEP = 0.05
_CALLEE = 3.2
_NAME_BASE, _NAME_SPAN = 0.5, 2.0
_VARIABLE = 0.9
_CALLEE_AT_END = re.compile(r"([A-Za-z_][\w.]*)\s*\Z")
_VARIABLE_NAME = re.compile(r"(?<![\w.])([a-z_]\w*(?:\.[a-z_]\w*)?)(?=\.|\b)")


@dataclass(frozen=True, slots=True)
class Need:
    """A definition to show."""

    part: str  # one of PARTS: what asked for it
    symbol: Symbol
    score: float
    members: tuple[str, ...] | None = None  # of a class these; None = its head, or all of it
    read: Class | None = None
    is_fresh: bool = False  # only the line at the cursor wants it
    body: bool = False  # where it is short
    listed: tuple[Symbol, ...] = ()  # of one file: their names, nothing else of any of them

    @property
    def location(self) -> tuple[str, int]:
        """What it shows: path and line, 0 where it lists."""
        return self.symbol.path, 0 if self.listed else self.symbol.start_line


@dataclass(frozen=True)
class Needs:
    """Finds what one cursor needs."""

    files: Files
    cursor: Cursor
    beside: Mapping[str, float]
    types: PythonTypes
    written: BeingWritten

    @cached_property
    def _evidence(self) -> NameEvidence:
        return NameEvidence(self.cursor, self.beside)

    def find(self) -> Iterator[Need]:
        """Yield definitions, what is asked for first; the same one may come twice."""
        receiver = self.types.receiver(self.cursor.before[-4000:])
        if receiver is not None:
            yield from self._behind_dot(receiver)
        yield from self._called()
        if receiver is None:
            yield from self.names()
            yield from self._variables()

    # --- behind a dot

    def _behind_dot(self, receiver: Receiver) -> Iterator[Need]:
        evidence = NameEvidence(self.cursor, self.beside, receiver=receiver.text)
        if receiver.module:
            yield from self._module(receiver.module, evidence)
            return
        is_own = receiver.text.partition(".")[0] in ("self", "cls", "super()")
        chosen = self._chosen(receiver.classes, evidence, BY_NEED.members, private=is_own)
        for rank, (symbol, read, names) in enumerate(chosen):
            yield Need(
                "receiver",
                symbol,
                _RECEIVER - _BASE_STEP * rank,
                tuple(names),
                read,
                is_fresh=True,
            )

    def _chosen(
        self, classes: tuple[Symbol, ...], evidence: NameEvidence, most: int, *, private: bool
    ) -> list[tuple[Symbol, Class, list[str]]]:
        """Return the classes with those of their members that are likely to be used."""
        found: list[tuple[Symbol, Class, str, NameCandidate]] = []
        seen: set[str] = set()
        for distance, symbol in enumerate(classes):
            read = self.types.read(symbol)
            for member in read.members.values() if read else ():
                hidden = member.name.startswith("_") and not (private or member.name == "__init__")
                is_written = self.written.hides_member(symbol, member.name)
                if member.name in seen or hidden or is_written or read is None:
                    continue
                seen.add(member.name)
                candidate = NameCandidate(member.name, member.kind, distance=distance)
                found.append((symbol, read, member.name, candidate))
        odds = evidence.probabilities([c for *_, c in found], MEMBERS)
        best = sorted(range(len(found)), key=lambda n: (-odds[n], n))[:most]
        kept: dict[tuple[str, int], tuple[Symbol, Class, list[str]]] = {}
        for number in best:  # so the names stand likeliest first
            symbol, read, name, _ = found[number]
            location = (symbol.path, symbol.start_line)
            kept.setdefault(location, (symbol, read, []))[2].append(name)
        # The class with the likeliest member first.
        likeliest = {
            location: max(odds[n] for n in best if found[n][2] in names)
            for location, (_, _, names) in kept.items()
        }
        return [kept[location] for location in sorted(kept, key=lambda p: -likeliest[p])]

    def _module(self, path: str, evidence: NameEvidence) -> Iterator[Need]:
        names = dict.fromkeys(self.files.top_level(path))
        names.update(dict.fromkeys(i.alias for i in self.files.imports_in(path) if i.name))
        names |= dict.fromkeys(self._starred(path))
        names.pop("*", None)
        plain = [n for n in names if n and not n.startswith("__")][:_MAX_MODULE_NAMES]
        yield from self._ranked([(n, None) for n in plain], evidence, path, is_fresh=True)

    def _starred(self, path: str) -> Iterator[str]:
        for imported in self.files.imports_in(path):
            if imported.name == "*":
                module = self.files.module_of(path, imported)
                if module is not None and module != path:
                    yield from self.files.top_level(module)

    # --- plain names

    def names(self) -> Iterator[Need]:
        """Yield what the next plain name may mean; of any language with imports."""
        found: dict[str, Symbol | Module | None] = {}
        path = self.files.path
        is_python = self.files.language == "python"
        local = self.types.scope.local_imports() if is_python else []
        for imported in (*self.files.imports, *local):
            name = imported.alias or imported.name
            if name and name != "*" and "." not in name and name not in found:
                meant = self.files.imported(path, imported)
                if meant is not None:
                    found[name] = meant
        for name, symbol in self.files.top_level(path).items():
            found.setdefault(name, symbol)
        names = [
            (name, meant)
            for name, meant in found.items()
            if not (isinstance(meant, Symbol) and self.written.hides(meant))
        ]
        yield from self._ranked(names, self._evidence, path)

    def _ranked(
        self,
        names: list[tuple[str, Symbol | Module | None]],
        evidence: NameEvidence,
        path: str,
        *,
        is_fresh: bool = False,
    ) -> Iterator[Need]:
        """Yield the likeliest names of a file; those without a meaning are resolved when chosen."""
        candidates = [self._candidate(name, meant) for name, meant in names]
        if not is_fresh:
            candidates.append(NameCandidate("", NOTHING))
        odds = evidence.probabilities(candidates, MODULE if is_fresh else NAMES)
        ordered = sorted(range(len(names)), key=lambda n: (-odds[n], n))
        best = ordered[: _FIRST_FOREIGN if is_foreign(path) else _MAX_NAMES]
        best = [n for n in best if is_foreign(path) or not _is_doubtful(names[n][1], odds[n])]
        for number in best:
            name, meant = names[number]
            if odds[number] < _MIN_PROBABILITY:
                break
            meant = meant or self.files.member_of_module(path, name)
            if isinstance(meant, Symbol):
                score = _NAME_BASE + _NAME_SPAN * odds[number]
                if is_fresh:
                    score = _RECEIVER - 0.1 * best.index(number)
                part = "receiver" if is_fresh else "names"
                yield self._whole(part, meant, score, is_fresh=is_fresh, sure=odds[number] > 0.3)
        rest = {names[n][0]: (names[n][1], odds[n]) for n in ordered if n not in best}
        yield from self._listed(rest, path, is_fresh=is_fresh)

    def _listed(
        self,
        names: Mapping[str, tuple[Symbol | Module | None, float]],
        path: str,
        *,
        is_fresh: bool,
    ) -> Iterator[Need]:
        """Yield the heads of further definitions of siblings, those of a file together.

        A document seldom uses many names of another repository, but any of them; a head is a line.
        """
        found: dict[str, list[Symbol]] = {}
        sums: dict[str, float] = {}
        for name, (known, odds) in names.items():
            meant = known or (self.files.member_of_module(path, name) if is_foreign(path) else None)
            if isinstance(meant, Symbol) and is_foreign(meant.path):
                found.setdefault(meant.path, []).append(meant)
                sums[meant.path] = sums.get(meant.path, 0.0) + odds
            if sum(map(len, found.values())) == _MAX_LISTED:
                break
        part = "receiver" if is_fresh else "names"
        for rank, place in enumerate(sorted(found, key=lambda place: -sums[place])):
            score = _NAME_BASE + _NAME_SPAN * sums[place]
            score = _RECEIVER - 0.1 * (_FIRST_FOREIGN + rank) if is_fresh else score
            listed = tuple(found[place])
            yield Need(part, listed[0], score, is_fresh=is_fresh, listed=listed)

    def _candidate(self, name: str, meant: Symbol | Module | None) -> NameCandidate:
        if isinstance(meant, Module):
            return NameCandidate(name, "module")
        if meant is None:
            kind = "class" if name[:1].isupper() else "function"
            return NameCandidate(name, kind_of(name, "variable" if name.isupper() else kind))
        own = meant.path == self.files.path
        return NameCandidate(name, kind_of(name, meant.kind, meant.signature), is_own=own)

    def _whole(
        self, part: str, symbol: Symbol, score: float, *, is_fresh: bool, sure: bool
    ) -> Need:
        """Show a function, or of a class how it is made."""
        if symbol.language == "python" and symbol.kind == "class" and sure:
            read = self.types.read(symbol)
            if read is not None:
                return Need(part, symbol, score, _making(read), read, is_fresh=is_fresh)
        return Need(part, symbol, score, is_fresh=is_fresh, body=sure)

    # --- what the line calls, and what variables are

    def _called(self) -> Iterator[Need]:
        callee = enclosing_call(self.cursor.before[-3000:])
        if not callee:
            return
        value = self.types.of(callee)
        if isinstance(value, ClassValue):
            yield self._whole("callee", value.symbol, _CALLEE, is_fresh=True, sure=True)
        elif not isinstance(value, FunctionValue):
            return
        elif value.symbol is not None:
            yield Need("callee", value.symbol, _CALLEE, is_fresh=True, body=True)
        elif value.owner is not None and value.function is not None:
            read = self.types.read(value.owner)
            if read is not None:
                members = (value.function.name,)
                yield Need("callee", value.owner, _CALLEE, members, read, is_fresh=True)

    def _variables(self) -> Iterator[Need]:
        """Yield the classes of the variables that the lines above speak of."""
        seen: set[tuple[str, int]] = set()
        for rank, name in enumerate(self._spoken()):
            value = self.types.of(name)
            classes = self.types.classes_of(value) if isinstance(value, InstanceValue) else []
            for symbol, read, names in self._chosen(
                tuple(classes[:1]), self._evidence, _MAX_MEMBERS_BESIDE, private=False
            ):
                key = (symbol.path, symbol.start_line)
                if key not in seen:
                    seen.add(key)
                    yield Need("variables", symbol, _VARIABLE - 0.05 * rank, tuple(names), read)
            if len(seen) >= _MAX_VARIABLES:
                return

    def _spoken(self) -> list[str]:
        """Return the variables near the cursor, nearest first."""
        lines = [*self.cursor.above(_NEAR_LINES), self.cursor.tail]
        found: dict[str, None] = {}
        for line in reversed(lines):
            for name in reversed(_VARIABLE_NAME.findall(line)):
                found.setdefault(name)
        function = next((row for kind, _, row in self.types.scope.around if kind == "def"), -1)
        for name in self.types.scope.parameters(function) if function >= 0 else ():
            found.setdefault(name)
        return [name for name in found if name not in ("self", "cls")][:12]


def _is_doubtful(meant: Symbol | Module | None, odds: float) -> bool:
    """Tell whether a sibling's definition is better listed with others than shown by itself."""
    return isinstance(meant, Symbol) and is_foreign(meant.path) and odds < _SURE_FOREIGN


def _making(read: Class) -> tuple[str, ...]:
    """Return the members that say how an object is made: the constructor, or the fields."""
    if "__init__" in read.members:
        return ("__init__",)
    fields = [m.name for m in read.members.values() if m.kind == "field"]
    return tuple(name for name in fields if not name.startswith("_"))[:_MAX_FIELDS]


def enclosing_call(before: str) -> str:
    """Return what is called by the innermost bracket that is open at the end, "" for none."""
    depth = 0
    for index in range(len(before) - 1, -1, -1):
        character = before[index]
        if character in ")]}":
            depth += 1
        elif character in "([{":
            if depth:
                depth -= 1
            elif character != "(":
                return ""
            else:
                match = _CALLEE_AT_END.search(before, max(0, index - 200), index)
                line = before[before.rfind("\n", 0, index) + 1 : index]
                if re.match(r"\s*(?:async\s+)?(?:def|class)\s", line):
                    return ""
                return match[1] if match else ""
    return ""


def words_beside(texts: Mapping[str, float]) -> dict[str, float]:
    """Return name -> sum of the scores of the texts that hold it."""
    found: dict[str, float] = {}
    for text, score in texts.items():
        for word in set(re.findall(r"[A-Za-z_]\w*", text)):
            found[word] = found.get(word, 0.0) + score
    return found
