"""The arguments of the tools: what each may be, and the sentence where it is not.

One table says it to the client (as JSON Schema) and to us, who check it again: an agent's client
may check nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from homespun.server.errors import ArgumentRefused

_MAX_SHOWN_CHARS = 80  # of a wrong value


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of a tool; without a default it has to be given."""

    name: str
    help: str
    default: str | int | None = None
    is_optional: bool = False
    least: int = 1  # of a number
    most: int = 0  # of a number; 0 = it is a text
    max_chars: int = 1_000  # of a text

    @property
    def is_number(self) -> bool:
        """Whether it is a whole number."""
        return self.most > 0

    def schema(self) -> dict[str, object]:
        """Return its JSON Schema."""
        if self.is_number:
            body: dict[str, object] = {
                "type": "integer",
                "minimum": self.least,
                "maximum": self.most,
            }
        else:
            body = {"type": "string", "maxLength": self.max_chars}
        body["description"] = self.help
        if self.default is not None:
            body["default"] = self.default
        return body

    def read(self, value: object) -> str | int | None:
        """Return the value that is meant; None only of an optional text. Raises."""
        if value is None or (self.is_optional and value == ""):
            if not self.is_optional:
                raise ArgumentRefused(f"{self.name} is missing; give {self._wanted()}")
            return self.default
        return self._number(value) if self.is_number else self._text(value)

    def _number(self, value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise self._refused(value)
        if not self.least <= value <= self.most:
            raise self._refused(value)
        return value

    def _text(self, value: object) -> str:
        if not isinstance(value, str):
            raise self._refused(value)
        if len(value) > self.max_chars:
            raise ArgumentRefused(
                f"{self.name} has {len(value):,} characters; give at most {self.max_chars:,}"
            )
        if not value.strip():
            raise ArgumentRefused(f"{self.name} is empty; give {self._wanted()}")
        return value

    def _refused(self, value: object) -> ArgumentRefused:
        return ArgumentRefused(f"{self.name} is {_shown(value)}; give {self._wanted()}")

    def _wanted(self) -> str:
        if self.is_number:
            return f"a whole number from {self.least:,} to {self.most:,}"
        return f"a string: {self.help}"


def schema_of(arguments: tuple[Argument, ...]) -> dict[str, object]:
    """Return the JSON Schema of a tool's arguments."""
    return {
        "type": "object",
        "properties": {each.name: each.schema() for each in arguments},
        "required": [each.name for each in arguments if not each.is_optional],
        "additionalProperties": False,
    }


def read_arguments(
    arguments: tuple[Argument, ...], given: Mapping[str, object]
) -> dict[str, str | int | None]:
    """Return every argument's value by its name. Raises `ArgumentRefused`."""
    known = {each.name for each in arguments}
    for name in given:
        if name not in known:
            raise ArgumentRefused(
                f"there is no argument {_shown(name)}; there are {', '.join(sorted(known))}"
            )
    return {each.name: each.read(given.get(each.name)) for each in arguments}


def _shown(value: object) -> str:
    """Return a stranger's value as code would write it, shortened; an object only as its kind."""
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    text = ascii(value)
    return text if len(text) <= _MAX_SHOWN_CHARS else text[:_MAX_SHOWN_CHARS] + "…"
