"""What a trace is: spans, each a piece of work with its times. Standard library only.

Names, identifiers and times are OpenTelemetry's: a trace is 16 bytes, a span 8, in hexadecimal;
times are nanoseconds since 1970.
"""

from __future__ import annotations

import math
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeGuard

Value = bool | int | float | str | tuple[str, ...] | tuple[float, ...]

_TRACE_CHARS = 32
_SPAN_CHARS = 16
_HEX = frozenset("0123456789abcdef")
_MAX_TEXT_CHARS = 20_000  # of a value; a prompt of 1,024 tokens has some 4,000
_MAX_VALUES = 200  # of a list, and attributes of a span


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of work, under the one that it is a part of."""

    name: str
    trace_id: str
    span_id: str
    start_ns: int
    end_ns: int
    parent_id: str = ""  # "" for the root
    attributes: Mapping[str, Value] = field(default_factory=dict)
    is_error: bool = False

    @property
    def ms(self) -> float:
        """How long it took, in milliseconds."""
        return (self.end_ns - self.start_ns) / 1e6

    def to_json(self) -> dict[str, object]:
        """Return what `from_json` reads."""
        attributes = {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in self.attributes.items()
        }
        return {
            "name": self.name,
            "trace": self.trace_id,
            "span": self.span_id,
            "parent": self.parent_id,
            "start_ns": self.start_ns,
            "end_ns": self.end_ns,
            "attributes": attributes,
            "error": self.is_error,
        }

    @classmethod
    def from_json(cls, body: object) -> Span:
        """Read a span. Raises `ValueError` where it is none of ours."""
        if not isinstance(body, dict):
            raise ValueError("no object")
        name, start, end = body.get("name"), body.get("start_ns"), body.get("end_ns")
        if not isinstance(name, str) or len(name) > _MAX_VALUES:
            raise ValueError("no name")
        if type(start) is not int or type(end) is not int or not 0 <= start <= end < 2**63:
            raise ValueError("no times")
        attributes = body.get("attributes")
        if not isinstance(attributes, dict) or len(attributes) > _MAX_VALUES:
            raise ValueError("no attributes")
        return cls(
            name=name,
            trace_id=_identifier(body.get("trace"), _TRACE_CHARS),
            span_id=_identifier(body.get("span"), _SPAN_CHARS),
            parent_id=_identifier(body.get("parent") or "", _SPAN_CHARS, may_lack=True),
            start_ns=start,
            end_ns=end,
            attributes={str(key): _value(value) for key, value in attributes.items()},
            is_error=body.get("error") is True,
        )


def new_trace_id() -> str:
    """Return an identifier of a trace."""
    return secrets.token_hex(_TRACE_CHARS // 2)


def new_span_id() -> str:
    """Return an identifier of a span."""
    return secrets.token_hex(_SPAN_CHARS // 2)


def root_id(trace_id: str) -> str:
    """Return the identifier of a trace's root: what comes later needs no memory to find it."""
    return trace_id[:_SPAN_CHARS]


def is_trace_id(value: object) -> bool:
    """Say whether something is an identifier of a trace."""
    return _is_hex(value, _TRACE_CHARS)


def _is_hex(value: object, chars: int) -> TypeGuard[str]:
    return isinstance(value, str) and len(value) == chars and _HEX.issuperset(value)


def _identifier(value: object, chars: int, *, may_lack: bool = False) -> str:
    if may_lack and value == "":
        return ""
    if not _is_hex(value, chars):
        raise ValueError("an identifier is none")
    return value


def _value(value: object) -> Value:
    if isinstance(value, bool | int):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    if isinstance(value, str):
        return value[:_MAX_TEXT_CHARS]
    if isinstance(value, list) and len(value) <= _MAX_VALUES:
        if all(isinstance(each, str) for each in value):
            return tuple(each[:_MAX_TEXT_CHARS] for each in value)
        if all(type(each) in (int, float) and math.isfinite(each) for each in value):
            return tuple(float(each) for each in value)
    raise ValueError("an attribute has a value of another sort")
