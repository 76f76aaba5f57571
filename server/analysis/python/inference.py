"""What an expression of a Python document is, from annotations, constructors and assignments.

Follows parameters, `self.x = …`, return types, `with`, loops, chains of members, base classes in
other files, fields, module attributes, re-exports. What is not written down stays unknown.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from homespun.indexer.types import Import, Symbol
from homespun.server.analysis.name_resolution import CLASSES, Files, Module
from homespun.server.analysis.python.outline import (
    Class,
    Function,
    Member,
    closing,
    decorators_above,
    function_of,
    logical_line,
    read_class,
    read_function,
    split_once,
    split_top,
)
from homespun.server.analysis.python.text import (
    alternatives,
    binding,
    def_row,
    enclosing,
    generic,
    giving,
    receiver_text,
    unquoted,
    without_none,
)

_MAX_DEPTH = 12  # of one question inside another
_MAX_BASES = 12
_SCOPE_LINES = 400  # of the function around the cursor are read for bindings
_WRAPPERS = frozenset(
    """Optional Union Annotated Final ClassVar Required NotRequired Awaitable Coroutine ReadOnly
    InitVar Mapped""".split()
)
_ITERABLES = frozenset(
    """list List Sequence Iterable Iterator set Set frozenset FrozenSet deque Generator
    AsyncIterator AsyncIterable AsyncGenerator Collection MutableSequence tuple Tuple""".split()
)
_MAPPINGS = frozenset("dict Dict Mapping MutableMapping defaultdict OrderedDict".split())
_CONTEXTS = frozenset(
    """Iterator AsyncIterator Generator AsyncGenerator ContextManager AsyncContextManager
    AbstractContextManager AbstractAsyncContextManager Iterable AsyncIterable""".split()
)
_NAME = re.compile(r"[A-Za-z_]\w*")
_LOCAL_IMPORT = re.compile(r"[ \t]+from\s+(\.*[\w.]*)\s+import\s")
_AWAIT = re.compile(r"^\s*(?:await|yield from)\s+")


@dataclass(frozen=True, slots=True)
class Value:
    """What an expression gives: an instance of an annotation, or a class, function or module."""

    kind: str  # "instance", "class", "function", "module"
    path: str  # of the file that the text or symbol belongs to
    text: str = ""  # of an instance: its annotation, to be read in `path`
    symbol: Symbol | None = None  # the class or function
    function: Function | None = None
    owner: Symbol | None = None  # of a method: the class that it was taken from
    other: Value | None = None  # what it may be as well


@dataclass(frozen=True, slots=True)
class Receiver:
    """What stands before the dot at the cursor."""

    text: str
    classes: tuple[Symbol, ...] = ()  # and their bases, nearest first
    module: str = ""  # path


class PythonTypes:
    """Answers for one document and one cursor; everything found is remembered."""

    def __init__(self, files: Files, before: str) -> None:
        self._files = files
        self._before = before.split("\n")
        self._classes: dict[tuple[str, int], Class | None] = {}
        self._busy: set[tuple[str, str]] = set()
        self._owners: list[Symbol] = []  # of the attributes whose assignments are being read
        self.scopes = enclosing(self._before)

    # --- what stands before the dot

    def receiver(self, left: str) -> Receiver | None:
        """Return what the expression that ends with the dot at the end of `left` is."""
        text = receiver_text(left)
        if not text:
            return None
        found = self.of(text)
        if found is None:
            return Receiver(text)
        if found.kind == "module":
            return Receiver(text, module=found.path)
        return Receiver(text, classes=tuple(self.with_bases(self.classes_of(found))))

    def of(self, text: str, *, depth: int = 0) -> Value | None:
        """Return what an expression of the document is where the cursor stands."""
        return self._expression(text, self._files.path, None, depth, local=True)

    def classes_of(self, value: Value) -> list[Symbol]:
        """Return the classes that a value may be of (or is)."""
        if value.kind == "class" and value.symbol is not None:
            return [value.symbol]
        found = self._annotated(value.text, value.path, 0) if value.kind == "instance" else []
        return found + (self.classes_of(value.other) if value.other else [])

    def with_bases(self, classes: Iterable[Symbol]) -> list[Symbol]:
        """Return classes and what they are derived from, nearest first."""
        found: list[Symbol] = []
        queue = list(classes)
        while queue and len(found) < _MAX_BASES:
            symbol = queue.pop(0)
            if any((s.path, s.start_line) == (symbol.path, symbol.start_line) for s in found):
                continue
            found.append(symbol)
            read = self.read(symbol)
            for base in read.bases if read else ():
                queue += self._annotated(base.split("[")[0], symbol.path, 1)
        return found

    def read(self, symbol: Symbol) -> Class | None:
        """Return a class's own members; None where its lines cannot be read."""
        key = (symbol.path, symbol.start_line)
        if key not in self._classes:
            lines = self._files.lines(symbol.path)
            self._classes[key] = read_class(lines, symbol.start_line - 1) if lines else None
        return self._classes[key]

    def enclosing_class(self) -> Symbol | None:
        """Return the class around the cursor."""
        for kind, name, row in self.scopes:
            if kind == "class":
                head = self._before[row].strip()
                return Symbol(
                    name, name, "class", self._files.path, "python", row + 1, row + 1, head, ""
                )
        return None

    def parameters(self, row: int) -> list[str]:
        """Return the parameters of the function whose head is at a row."""
        function = function_of(logical_line(self._before, row)[0], row)
        return list(function.params) if function else []

    def local_imports(self) -> list[Import]:
        """Return what the functions around the cursor import."""
        rows = [row for kind, _, row in self.scopes if kind == "def"]
        if not rows:
            return []
        found: list[Import] = []
        for row in range(max(min(rows), len(self._before) - _SCOPE_LINES), len(self._before) - 1):
            match = _LOCAL_IMPORT.match(self._before[row])
            if match:
                text, _ = logical_line(self._before, row)
                names = text.partition(" import ")[2].strip("() ")
                for part in names.split(","):
                    name, _, alias = part.strip().partition(" as ")
                    if name.isidentifier():
                        found.append(Import(match[1], name, alias.strip() or name, row + 1))
        return found

    # --- expressions

    def _expression(
        self, text: str, path: str, within: Function | None, depth: int, *, local: bool
    ) -> Value | None:
        """Read `text` in a file; `local` = with the variables around the cursor."""
        text = _AWAIT.sub("", text.strip())
        key = (path, text)
        if depth > _MAX_DEPTH or not text or key in self._busy:
            return None
        self._busy.add(key)
        try:
            for part in alternatives(text):
                found = self._chain(part, path, within, depth, local=local)
                if found is not None:
                    return found
            return None
        finally:
            self._busy.discard(key)

    def _chain(
        self, text: str, path: str, within: Function | None, depth: int, *, local: bool
    ) -> Value | None:
        text = _AWAIT.sub("", text.strip())
        first = _NAME.match(text)
        if first is not None:
            index = first.end()
            value = self._first(first[0], path, within, depth, local=local)
        elif text.startswith("("):
            index = closing(text, 0) + 1
            value = self._expression(text[1 : index - 1], path, within, depth + 1, local=local)
        else:
            return None
        if value is None and first is not None and first[0] == "super":
            index = closing(text, index) + 1 if text[index : index + 1] == "(" else index
            value = self._super(path)
        while value is not None and index < len(text):
            character = text[index]
            if character == ".":
                name = _NAME.match(text, index + 1)
                if name is None:
                    return None
                value = self._member(value, name[0], depth + 1)
                index = name.end()
            elif character == "(":
                end = closing(text, index)
                value = self._called(value, text[index + 1 : end], depth + 1)
                index = end + 1
            elif character == "[":
                end = closing(text, index)
                value = self._item(value, text[index + 1 : end])
                index = end + 1
            elif character.isspace():
                index += 1
            else:
                return None
        return value

    def _first(
        self, name: str, path: str, within: Function | None, depth: int, *, local: bool
    ) -> Value | None:
        if local and path == self._files.path:
            found = self._local(name, depth)
            if found is not None:
                return found
        if not local and name == "self" and self._owners:
            return Value("instance", self._owners[-1].path, self._owners[-1].name)
        if within is not None and name in within.params:
            kind = within.params[name]
            return Value("instance", path, kind) if kind else None
        meant = self._files.dotted(path, name)
        if meant is None and local and path == self._files.path:
            for imported in self.local_imports():
                if imported.alias == name:
                    meant = self._files.imported(path, imported)
        return self._meant(meant, depth)

    def _meant(self, meant: Symbol | Module | None, depth: int) -> Value | None:
        if meant is None:
            return None
        if isinstance(meant, Module):
            return Value("module", meant.path)
        if meant.kind in CLASSES and meant.signature.startswith("class"):
            return Value("class", meant.path, symbol=meant)
        if meant.kind in ("function", "method"):
            return self._function(meant)
        return self._variable(meant, depth)

    def _function(self, symbol: Symbol, owner: Symbol | None = None) -> Value:
        lines = self._files.lines(symbol.path)
        row = def_row(lines, symbol.start_line - 1)
        function = read_function(lines, row, decorators_above(lines, row)) if row >= 0 else None
        function = function or function_of(symbol.signature)
        return Value("function", symbol.path, symbol=symbol, function=function, owner=owner)

    def _variable(self, symbol: Symbol, depth: int) -> Value | None:
        """Read a name of a module's top level: `x: Foo`, `x = Foo()`."""
        lines = self._files.lines(symbol.path)
        if not 0 < symbol.start_line <= len(lines):
            return None
        text, _ = logical_line(lines, symbol.start_line - 1)
        left, _, value = split_once(text, "=")
        kind = split_once(left, ":")[2].strip()
        if kind and kind.rpartition(".")[2] != "TypeAlias":
            return Value("instance", symbol.path, kind)
        return self._expression(value, symbol.path, None, depth + 1, local=False)

    # --- members, calls, items

    def _member(self, value: Value, name: str, depth: int) -> Value | None:
        if value.kind == "module":
            return self._meant(self._files.member_of_module(value.path, name), depth)
        for symbol in self.with_bases(self.classes_of(value)):
            read = self.read(symbol)
            member = read.members.get(name) if read else None
            if member is not None:
                return self._of_member(member, symbol, value, depth)
        if value.kind == "instance":
            return self._of_container(value, name)
        return None

    def _of_member(self, member: Member, owner: Symbol, value: Value, depth: int) -> Value | None:
        if member.kind == "method" and member.function is not None:
            return Value("function", owner.path, function=member.function, owner=owner)
        if member.kind == "property" and member.function is not None:
            return self._returned(member.function, owner.path, owner)
        if member.kind == "class":
            inner = self._files.inner(owner, member.name)
            return Value("class", owner.path, symbol=inner) if inner else None
        if member.type:
            return Value("instance", owner.path, member.type)
        if member.kind == "field" and value.kind == "class":
            return Value("instance", owner.path, owner.name)  # perhaps of an enumeration
        self._owners.append(owner)
        try:
            return self._expression(member.value, owner.path, member.function, depth, local=False)
        finally:
            self._owners.pop()

    def _of_container(self, value: Value, name: str) -> Value | None:
        """`mapping.values`, `sequence.pop`: called, they give elements."""
        head, arguments = generic(value.text)
        if head in _MAPPINGS and len(arguments) == 2:
            if name in ("get", "pop", "setdefault"):
                return Value("function", value.path, function=giving(arguments[1]))
            if name in ("values", "keys"):
                element = arguments[name == "values"]
                return Value("function", value.path, function=giving(f"Iterable[{element}]"))
            if name == "items":
                pair = f"Iterable[tuple[{arguments[0]}, {arguments[1]}]]"
                return Value("function", value.path, function=giving(pair))
        if head in _ITERABLES and arguments and name in ("pop", "popleft"):
            return Value("function", value.path, function=giving(arguments[0]))
        if name == "copy":
            return Value("function", value.path, function=giving(value.text))
        return None

    def _called(self, value: Value, arguments: str, depth: int) -> Value | None:
        if value.kind == "class" and value.symbol is not None:
            return Value("instance", value.path, value.symbol.name, symbol=value.symbol)
        if value.kind == "function" and value.function is not None:
            return self._returned(value.function, value.path, value.owner)
        if value.kind == "instance" and value.text.startswith("type["):
            return Value("instance", value.path, value.text[5:-1])
        return None

    def _returned(self, function: Function, path: str, owner: Symbol | None) -> Value | None:
        text = unquoted(function.returns)
        if not text:
            return None
        if text.rpartition(".")[2] == "Self" and owner is not None:
            return Value("instance", owner.path, owner.name, symbol=owner)
        return Value("instance", path, text)

    def _item(self, value: Value, key: str) -> Value | None:
        if value.kind == "class":
            return value  # `Stack[int]`
        if value.kind != "instance":
            return None
        head, arguments = generic(value.text)
        if head in _MAPPINGS and len(arguments) == 2:
            return Value("instance", value.path, arguments[1])
        if head in ("tuple", "Tuple") and key.strip().isdigit() and int(key) < len(arguments):
            return Value("instance", value.path, arguments[int(key)])
        if head in _ITERABLES and arguments:
            inner = value.text if ":" in key else arguments[0]
            return Value("instance", value.path, inner)
        return None

    def _super(self, path: str) -> Value | None:
        symbol = self.enclosing_class()
        bases = self.with_bases([symbol])[1:] if symbol else []
        if not bases:
            return None
        return Value("instance", bases[0].path, bases[0].name, symbol=bases[0])

    # --- annotations

    def _annotated(self, text: str, path: str, depth: int) -> list[Symbol]:
        """Return the classes that an annotation names."""
        text = unquoted(text)
        if depth > _MAX_DEPTH or not text:
            return []
        parts = split_top(text, "|")
        if len(parts) > 1:
            return [s for part in parts for s in self._annotated(part, path, depth + 1)]
        head, arguments = generic(text)
        last = head.rpartition(".")[2]
        if last in _WRAPPERS and arguments:
            used = arguments[-1:] if last == "Coroutine" else arguments
            used = used[:1] if last == "Annotated" else used
            return [s for part in used for s in self._annotated(part, path, depth + 1)]
        if last in ("type", "Type") and arguments:
            return self._annotated(arguments[0], path, depth + 1)
        meant = self._files.dotted(path, head)
        if not isinstance(meant, Symbol):
            return []
        if meant.kind in CLASSES and meant.signature.startswith("class"):
            return [meant]
        if meant.kind in ("function", "method"):
            return []
        return self._aliased(meant, depth + 1)

    def _aliased(self, symbol: Symbol, depth: int) -> list[Symbol]:
        """Read `Alias = A | B`, `type Alias = A`, `T = TypeVar("T", bound=A)`."""
        lines = self._files.lines(symbol.path)
        if not 0 < symbol.start_line <= len(lines):
            return []
        text, _ = logical_line(lines, symbol.start_line - 1)
        value = split_once(text, "=")[2].strip()
        callee, bracket, arguments = value.partition("(")
        if callee.rpartition(".")[2] == "TypeVar":
            bound = [p for p in split_top(arguments.rstrip(")")) if p.strip().startswith("bound=")]
            value = bound[0].partition("=")[2] if bound else ""
        elif callee.rpartition(".")[2] == "NewType":
            value = split_top(arguments.rstrip(")"))[-1]
        elif bracket:
            return []
        return self._annotated(value, symbol.path, depth)

    def element_of(self, value: Value) -> Value | None:
        """Return what a loop over a value gives."""
        if value.kind != "instance":
            return None
        head, arguments = generic(without_none(unquoted(value.text)))
        last = head.rpartition(".")[2]
        if last in _MAPPINGS and arguments:
            return Value("instance", value.path, arguments[0])
        if last in _ITERABLES and arguments:
            return Value("instance", value.path, arguments[0])
        return None

    def _entered(self, value: Value) -> Value | None:
        """Return what `with value as x` binds."""
        if value.kind != "instance":
            return None
        head, arguments = generic(without_none(unquoted(value.text)))
        if head.rpartition(".")[2] in _CONTEXTS and arguments:
            return Value("instance", value.path, arguments[0])
        for symbol in self.with_bases(self.classes_of(value)):
            read = self.read(symbol)
            for name in ("__enter__", "__aenter__"):
                member = read.members.get(name) if read else None
                if member is not None and member.function is not None:
                    owner = next(iter(self.classes_of(value)), symbol)
                    return self._returned(member.function, symbol.path, owner) or value
        return value

    # --- variables around the cursor

    def _local(self, name: str, depth: int) -> Value | None:
        """Return what a variable is that the functions around the cursor bind."""
        path = self._files.path
        for kind, _, row in self.scopes:
            if kind == "class":
                continue
            head, after = logical_line(self._before, row)
            function = function_of(head, row)
            first, *_ = function.params if function and function.params else ("",)
            if name == first and name in ("self", "cls"):
                symbol = self.enclosing_class()
                if symbol is None:
                    return None
                what = "class" if name == "cls" else "instance"
                return Value(what, path, symbol.name, symbol=symbol)
            found = self._bound(name, after, depth)
            if function is not None and name in function.params:
                text = function.params[name]
                declared = Value("instance", path, text) if text else None
                return replace(found, other=declared) if found else declared
            if found is not None:
                return found
        return self._bound(name, 0, depth)

    def _bound(self, name: str, first_row: int, depth: int) -> Value | None:
        """Read the nearest binding of a name above the cursor, from a row on."""
        pattern = binding(name)
        tested: Value | None = None  # by isinstance, maybe to rule it out
        first_row = max(first_row, len(self._before) - _SCOPE_LINES)
        for row in range(len(self._before) - 1, first_row - 1, -1):
            line = self._before[row]
            if name not in line:
                continue
            match = pattern.search(line)
            if match is not None:
                found = self._of_binding(match, row, depth)
                if match["tested"]:
                    tested = tested or found
                elif found is not None:
                    return replace(tested, other=found) if tested else found
        return tested

    def _of_binding(self, match: re.Match[str], row: int, depth: int) -> Value | None:
        path = self._files.path
        if match["kind"]:
            return Value("instance", path, split_once(match["kind"], "=")[0].strip())
        if match["tested"]:
            return Value("instance", path, match["tested"].strip("( ").split(",")[0])
        if match["caught"]:
            return Value("instance", path, match["caught"].strip("( ").split(",")[0].strip(") "))
        if match["looped"]:
            text = match["looped"].split(" if ")[0].rstrip(": ")
            if text.startswith("enumerate("):
                return None
            value = self.of(text, depth=depth + 1)
            return self.element_of(value) if value else None
        if match["managed"]:
            text, _ = logical_line(self._before, row)
            managed = re.search(
                rf"(?:with\s+|,\s*)(?P<value>.*?)\s+as\s+{re.escape(match['managed_as'])}\b", text
            )
            value = self.of(managed["value"], depth=depth + 1) if managed else None
            return self._entered(value) if value else None
        text, _ = logical_line(self._before, row)
        value_text = split_once(text, "=")[2] if match["assigned"] else match["walrus"]
        return self.of(value_text, depth=depth + 1) if value_text else None
