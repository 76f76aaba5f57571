"""What a Python expression may give: an instance, a class, a function or a module."""

from __future__ import annotations

from dataclasses import dataclass, replace

from homespun.indexer.types import Symbol
from homespun.server.analysis.python.outline import Function


@dataclass(frozen=True, slots=True)
class InstanceValue:
    """An object of which an annotation says what it is."""

    path: str  # of the file in which the annotation is to be read
    annotation: str
    other: Value | None = None  # what it may be as well


@dataclass(frozen=True, slots=True)
class ClassValue:
    """A class itself."""

    path: str
    symbol: Symbol


@dataclass(frozen=True, slots=True)
class FunctionValue:
    """A function or a method."""

    path: str  # of the file in which its annotations are to be read
    function: Function | None  # None where its head cannot be read
    symbol: Symbol | None = None
    owner: Symbol | None = None  # of a method: the class that it was taken from
    other: Value | None = None


@dataclass(frozen=True, slots=True)
class ModuleValue:
    """A file."""

    path: str
    other: Value | None = None


Value = InstanceValue | ClassValue | FunctionValue | ModuleValue


def either(value: Value, other: Value | None) -> Value:
    """Return a value that may be `other` as well; a class is what it is."""
    return value if isinstance(value, ClassValue) else replace(value, other=other)
