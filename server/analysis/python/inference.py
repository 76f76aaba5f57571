"""What an expression of a Python document is, from annotations, constructors and assignments.

Follows parameters, `self.x = …`, return types, `with`, loops, chains of members, base classes in
other files, fields, module attributes, re-exports. What is not written down stays unknown.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from homespun.indexer.types import Symbol
from homespun.server.analysis.name_resolution import CLASSES, Files, Module
from homespun.server.analysis.python.annotations import Annotations
from homespun.server.analysis.python.bindings import Binding, How, bindings_above
from homespun.server.analysis.python.containers import (
    bound_by_with,
    given_by_method,
    item_of,
    looped_over,
)
from homespun.server.analysis.python.outline import (
    Class,
    Function,
    Member,
    closing,
    decorators_above,
    function_of,
    logical_line,
    read_function,
    split_once,
)
from homespun.server.analysis.python.scope import SCOPE_LINES, Scope
from homespun.server.analysis.python.text import (
    alternatives,
    def_row,
    giving,
    receiver_text,
    unquoted,
)
from homespun.server.analysis.python.values import (
    ClassValue,
    FunctionValue,
    InstanceValue,
    ModuleValue,
    Value,
    either,
)

_MAX_DEPTH = 12  # of one question inside another
_NAME = re.compile(r"[A-Za-z_]\w*")
_AWAIT = re.compile(r"^\s*(?:await|yield from)\s+")


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
        self._annotations = Annotations(files)
        self._busy: set[tuple[str, str]] = set()
        self._owners: list[Symbol] = []  # of the attributes whose assignments are being read
        self.scope = Scope(before, files.path)

    # --- what stands before the dot

    def receiver(self, left: str) -> Receiver | None:
        """Return what the expression that ends with the dot at the end of `left` is."""
        text = receiver_text(left)
        if not text:
            return None
        found = self.of(text)
        if found is None:
            return Receiver(text)
        if isinstance(found, ModuleValue):
            return Receiver(text, module=found.path)
        return Receiver(text, classes=tuple(self._with_bases(found)))

    def of(self, text: str, *, depth: int = 0) -> Value | None:
        """Return what an expression of the document is where the cursor stands."""
        return self._expression(text, self._files.path, None, depth, local=True)

    def classes_of(self, value: Value) -> list[Symbol]:
        """Return the classes that a value may be of (or is)."""
        if isinstance(value, ClassValue):
            return [value.symbol]
        found: list[Symbol] = []
        if isinstance(value, InstanceValue):
            found = self._annotations.classes(value.annotation, value.path)
        return found + (self.classes_of(value.other) if value.other else [])

    def read(self, symbol: Symbol) -> Class | None:
        """Return a class's own members; None where its lines cannot be read."""
        return self._annotations.read(symbol)

    def _with_bases(self, value: Value) -> list[Symbol]:
        return self._annotations.with_bases(self.classes_of(value))

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
            value = self._super()
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
                value = self._called(value)
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
            return InstanceValue(self._owners[-1].path, self._owners[-1].name)
        if within is not None and name in within.params:
            kind = within.params[name]
            return InstanceValue(path, kind) if kind else None
        meant = self._files.dotted(path, name)
        if meant is None and local and path == self._files.path:
            for imported in self.scope.local_imports():
                if imported.alias == name:
                    meant = self._files.imported(path, imported)
        return self._meant(meant, depth)

    def _meant(self, meant: Symbol | Module | None, depth: int) -> Value | None:
        if meant is None:
            return None
        if isinstance(meant, Module):
            return ModuleValue(meant.path)
        if meant.kind in CLASSES and meant.signature.startswith("class"):
            return ClassValue(meant.path, meant)
        if meant.kind in ("function", "method"):
            return self._function(meant)
        return self._variable(meant, depth)

    def _function(self, symbol: Symbol) -> Value:
        lines = self._files.lines(symbol.path)
        row = def_row(lines, symbol.start_line - 1)
        function = read_function(lines, row, decorators_above(lines, row)) if row >= 0 else None
        function = function or function_of(symbol.signature)
        return FunctionValue(symbol.path, function, symbol)

    def _variable(self, symbol: Symbol, depth: int) -> Value | None:
        """Read a name of a module's top level: `x: Foo`, `x = Foo()`."""
        lines = self._files.lines(symbol.path)
        if not 0 < symbol.start_line <= len(lines):
            return None
        text, _ = logical_line(lines, symbol.start_line - 1)
        left, _, value = split_once(text, "=")
        kind = split_once(left, ":")[2].strip()
        if kind and kind.rpartition(".")[2] != "TypeAlias":
            return InstanceValue(symbol.path, kind)
        return self._expression(value, symbol.path, None, depth + 1, local=False)

    # --- members, calls, items

    def _member(self, value: Value, name: str, depth: int) -> Value | None:
        if isinstance(value, ModuleValue):
            return self._meant(self._files.member_of_module(value.path, name), depth)
        for symbol in self._with_bases(value):
            read = self.read(symbol)
            member = read.members.get(name) if read else None
            if member is not None:
                return self._of_member(member, symbol, value, depth)
        given = (
            given_by_method(value.annotation, name) if isinstance(value, InstanceValue) else None
        )
        return FunctionValue(value.path, giving(given)) if given is not None else None

    def _of_member(self, member: Member, owner: Symbol, value: Value, depth: int) -> Value | None:
        if member.kind == "method" and member.function is not None:
            return FunctionValue(owner.path, member.function, owner=owner)
        if member.kind == "property" and member.function is not None:
            return self._returned(member.function, owner.path, owner)
        if member.kind == "class":
            inner = self._files.inner(owner, member.name)
            return ClassValue(owner.path, inner) if inner else None
        if member.type:
            return InstanceValue(owner.path, member.type)
        if member.kind == "field" and isinstance(value, ClassValue):
            return InstanceValue(owner.path, owner.name)  # perhaps of an enumeration
        self._owners.append(owner)
        try:
            return self._expression(member.value, owner.path, member.function, depth, local=False)
        finally:
            self._owners.pop()

    def _called(self, value: Value) -> Value | None:
        if isinstance(value, ClassValue):
            return InstanceValue(value.path, value.symbol.name)
        if isinstance(value, FunctionValue) and value.function is not None:
            return self._returned(value.function, value.path, value.owner)
        if isinstance(value, InstanceValue) and value.annotation.startswith("type["):
            return InstanceValue(value.path, value.annotation[5:-1])
        return None

    def _returned(self, function: Function, path: str, owner: Symbol | None) -> Value | None:
        text = unquoted(function.returns)
        if not text:
            return None
        if text.rpartition(".")[2] == "Self" and owner is not None:
            return InstanceValue(owner.path, owner.name)
        return InstanceValue(path, text)

    def _item(self, value: Value, key: str) -> Value | None:
        if isinstance(value, ClassValue):
            return value  # `Stack[int]`
        item = item_of(value.annotation, key) if isinstance(value, InstanceValue) else None
        return InstanceValue(value.path, item) if item is not None else None

    def _super(self) -> Value | None:
        symbol = self.scope.enclosing_class()
        bases = self._annotations.with_bases([symbol])[1:] if symbol else []
        return InstanceValue(bases[0].path, bases[0].name) if bases else None

    def _element_of(self, value: Value) -> Value | None:
        """Return what a loop over a value gives."""
        element = looped_over(value.annotation) if isinstance(value, InstanceValue) else None
        return InstanceValue(value.path, element) if element is not None else None

    def _entered(self, value: Value) -> Value | None:
        """Return what `with value as x` binds."""
        if not isinstance(value, InstanceValue):
            return None
        bound = bound_by_with(value.annotation)
        if bound is not None:
            return InstanceValue(value.path, bound)
        for symbol in self._with_bases(value):
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
        for kind, _, row in self.scope.around:
            if kind == "class":
                continue
            head, after = logical_line(self.scope.lines, row)
            function = function_of(head, row)
            first, *_ = function.params if function and function.params else ("",)
            if name == first and name in ("self", "cls"):
                symbol = self.scope.enclosing_class()
                if symbol is None:
                    return None
                is_class = name == "cls"
                return ClassValue(path, symbol) if is_class else InstanceValue(path, symbol.name)
            found = self._bound(name, after, depth)
            if function is not None and name in function.params:
                text = function.params[name]
                declared = InstanceValue(path, text) if text else None
                return either(found, declared) if found else declared
            if found is not None:
                return found
        return self._bound(name, 0, depth)

    def _bound(self, name: str, first_row: int, depth: int) -> Value | None:
        """Read the nearest binding of a name above the cursor, from a row on."""
        tested: Value | None = None  # by isinstance, maybe to rule it out
        first_row = max(first_row, len(self.scope.lines) - SCOPE_LINES)
        for binding in bindings_above(self.scope.lines, name, first_row):
            found = self._of_binding(binding, depth)
            if binding.how is How.TESTED:
                tested = tested or found
            elif found is not None:
                return either(tested, found) if tested else found
        return tested

    def _of_binding(self, binding: Binding, depth: int) -> Value | None:
        if binding.how in (How.ANNOTATED, How.TESTED):
            return InstanceValue(self._files.path, binding.text)
        value = self.of(binding.text, depth=depth + 1)
        if value is None or binding.how is How.ASSIGNED:
            return value
        return self._entered(value) if binding.how is How.ENTERED else self._element_of(value)
