"""Layered settings: where each value comes from, and what happens to a wrong one.

Layers, later wins: defaults; the user's `homespun.toml`; the workspace's `pyproject.toml`
(`[tool.homespun.SECTION]`) and `homespun.toml` (`[SECTION]`); `HOMESPUN_SECTION_FIELD` variables;
the editor (camelCase keys); flags. A wrong value never stops anything: the next lower layer stays,
and a sentence in `Resolved.faults` says so. A field's metadata may hold `min`, `max`, `choices`;
numbers are not negative unless `min` says that they may be. With `cores` they are at most the
logical cores of the machine.
"""

from __future__ import annotations

import dataclasses
import os
import tomllib
import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import platformdirs

from homespun.models.cores import logical_cores
from homespun.models.os_errors import in_words

T = TypeVar("T")

_TRUE = ("1", "true", "yes", "on")
_FALSE = ("0", "false", "no", "off")


@dataclass(frozen=True, slots=True)
class Resolved(Generic[T]):
    """A settings object and its history."""

    value: T
    origins: dict[str, str]  # field -> "default", a file, a variable, "editor" or "flag"
    faults: list[str]  # sentences: which setting, which value, where, what is used instead


@dataclass(frozen=True, slots=True)
class _Layer:
    origin: str
    values: Mapping[str, object]
    textual: bool = False  # values are strings to be parsed (environment)


class _Wrong(Exception):
    """A value does not fit its field; the text says what was expected."""


def resolve(
    cls: type[T],
    section: str,
    *,
    workspace: Path | None,
    editor: Mapping[str, object] | None = None,
    flags: Mapping[str, object] | None = None,
) -> Resolved[T]:
    """Return `cls` filled from all layers. `flags` that are None count as not given."""
    faults: list[str] = []
    fields = {field.name: field for field in dataclasses.fields(cls)}  # type: ignore[arg-type]
    hints = typing.get_type_hints(cls)
    values = {name: _default(field) for name, field in fields.items()}
    origins = dict.fromkeys(fields, "default")
    for layer in _layers(section, workspace, editor, flags, faults):
        for name, raw in layer.values.items():
            label = f"{section}.{name}"
            if name not in fields:
                known = ", ".join(fields)
                faults.append(
                    f"unknown setting {label!r} in {layer.origin} is ignored; known: {known}"
                )
                continue
            try:
                value = _from_text(raw, hints[name]) if layer.textual else raw
                values[name] = _checked(value, hints[name], fields[name].metadata)
                origins[name] = layer.origin
            except _Wrong as wrong:
                faults.append(
                    f"setting {label!r} in {layer.origin} is {raw!r}, not {wrong}; "
                    f"using {values[name]!r} ({origins[name]})"
                )
    return Resolved(cls(**values), origins, faults)


def user_file() -> Path:
    """Return where the user's own settings file is looked for; it may not exist."""
    override = os.environ.get("HOMESPUN_HOME", "")
    folder = Path(override) if override else Path(platformdirs.user_config_dir("homespun"))
    return folder / "homespun.toml"


def camel_case(name: str) -> str:
    """Return the editor's spelling of a field: `max_file_bytes` -> `maxFileBytes`."""
    head, *rest = name.split("_")
    return head + "".join(word.capitalize() for word in rest)


def _layers(
    section: str,
    workspace: Path | None,
    editor: Mapping[str, object] | None,
    flags: Mapping[str, object] | None,
    faults: list[str],
) -> Iterator[_Layer]:
    yield _file_layer(user_file(), (section,), faults)
    if workspace is not None:
        yield _file_layer(workspace / "pyproject.toml", ("tool", "homespun", section), faults)
        yield _file_layer(workspace / "homespun.toml", (section,), faults)
    yield from _environment_layers(section)
    if editor is not None:
        yield _Layer("editor", {_snake_case(key): value for key, value in editor.items()})
    if flags is not None:
        yield _Layer("flag", {key: value for key, value in flags.items() if value is not None})


def _file_layer(path: Path, keys: tuple[str, ...], faults: list[str]) -> _Layer:
    try:
        table: object = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return _Layer(str(path), {})
    except (OSError, ValueError) as error:
        faults.append(
            f"settings file {str(path)!r} is ignored, it cannot be read: {in_words(error)}"
        )
        return _Layer(str(path), {})
    for key in keys:
        table = table.get(key, {}) if isinstance(table, dict) else table
    if not isinstance(table, dict):
        faults.append(f"{'.'.join(keys)!r} in {path} is {table!r}, not a table; it is ignored")
        return _Layer(str(path), {})
    return _Layer(str(path), table)


def _environment_layers(section: str) -> Iterator[_Layer]:
    prefix = f"HOMESPUN_{section.upper()}_"
    for variable, text in sorted(os.environ.items()):
        if variable.startswith(prefix) and text:
            name = variable.removeprefix(prefix).lower()
            yield _Layer(f"${variable}", {name: text}, textual=True)


def _default(field: dataclasses.Field[Any]) -> object:
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return field.default


def _snake_case(key: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in key)


def _from_text(raw: object, hint: object) -> object:
    """Parse an environment variable's text as the field's type."""
    text = str(raw).strip()
    hint = _without_none(hint)
    if hint is bool:
        if text.lower() in _TRUE or text.lower() in _FALSE:
            return text.lower() in _TRUE
        raise _Wrong("one of 1, 0, true, false, yes, no, on, off")
    if hint in (int, float):
        try:
            return int(text) if hint is int else float(text)
        except ValueError:
            raise _Wrong("a whole number" if hint is int else "a number") from None
    if typing.get_origin(hint) is tuple:
        return [part.strip() for part in text.split(",") if part.strip()]
    return text


def _checked(value: object, hint: object, metadata: Mapping[str, Any]) -> object:
    """Return the value in the field's type, or raise `_Wrong`."""
    if value is None and _without_none(hint) is not hint:
        return None
    hint = _without_none(hint)
    if typing.get_origin(hint) is typing.Literal:
        metadata = {"choices": typing.get_args(hint)} | dict(metadata)
        hint = str
    value = _typed(value, hint)
    choices = metadata.get("choices")
    if choices is not None and value not in choices:
        raise _Wrong("one of " + ", ".join(repr(choice) for choice in choices))
    if isinstance(value, int | float) and not isinstance(value, bool):
        low, high = metadata.get("min", 0), metadata.get("max")
        if not value >= low:  # also true of NaN
            raise _Wrong(f"at least {low}")
        if high is not None and value > high:
            raise _Wrong(f"at most {high}")
        if metadata.get("cores") and value > logical_cores():
            raise _Wrong(f"at most {logical_cores()}, the logical cores of this machine")
    return value


def _typed(value: object, hint: object) -> object:
    if hint is bool and isinstance(value, bool):
        return value
    if hint is str and isinstance(value, str):
        return value
    if hint is int and isinstance(value, int) and not isinstance(value, bool):
        return value
    if hint is float and isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if typing.get_origin(hint) is tuple and isinstance(value, list | tuple):
        if all(isinstance(part, str) for part in value):
            return tuple(value)
    raise _Wrong(_expected(hint))


def _expected(hint: object) -> str:
    names = {bool: "true or false", str: "a string", int: "a whole number", float: "a number"}
    return names.get(typing.cast(type, hint), "a list of strings")


def _without_none(hint: object) -> object:
    """Return `X` of `X | None`, any other hint as it is."""
    if typing.get_origin(hint) in (types.UnionType, typing.Union):
        rest = [part for part in typing.get_args(hint) if part is not type(None)]
        return rest[0] if len(rest) == 1 else hint
    return hint
