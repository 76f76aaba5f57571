"""Layered settings: where each value comes from, and what happens to a wrong one.

Layers, later wins: defaults; the workspace's `pyproject.toml` (`[tool.homespun.SECTION]`) and
`homespun.toml` (`[SECTION]`); the user's `homespun.toml`; `HOMESPUN_SECTION_FIELD` variables; the
editor (camelCase keys); flags. A wrong value never stops anything: the next lower layer stays,
and a sentence in `Resolved.faults` says so. A field's metadata may hold `min`, `max`, `choices`;
numbers are not negative unless `min` says that they may be. With `cores` they are at most the
logical cores of the machine. What is `private` is shown in no sentence. A section may lie in
another one: `model.remote` is `[model.remote]` and `HOMESPUN_MODEL_REMOTE_FIELD`.

A workspace's files came with a clone and are a stranger's: they set what is marked so (`workspace`
in the metadata), and nothing that the user has set. `True` takes any good value, `"lowers"` only
one below the default, `"adds"` entries of a list beside the user's own. An editor's settings may
come with a clone as well: a value for which `yours`, a function in the metadata, is true it does
not set; that is for what sends text somewhere. And where the metadata's `editor` is `"adds"`, an
editor adds to a list as a workspace does, and takes nothing of the user's own away.
"""

from __future__ import annotations

import dataclasses
import math
import os
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import platformdirs

from homespun.cores import logical_cores
from homespun.errors import in_words
from homespun.parsing import parse_toml
from homespun.storage import read_bounded

T = TypeVar("T")

MAX_BYTES = 262_144  # of a settings file; a `pyproject.toml` holds other tools' settings as well
_TRUE = ("1", "true", "yes", "on")
_FALSE = ("0", "false", "no", "off")
_MAX_FAULTS = 5  # a layer; what is wrong in a thousand lines is said once
_MAX_ADDED = 500  # entries of a list that a workspace adds to the user's
_SHOWN_CHARS = 80  # of a value in a sentence


@dataclass(frozen=True, slots=True)
class Resolved(Generic[T]):
    """A settings object and its history."""

    value: T
    origins: dict[str, str]  # field -> "default", a file, a variable, "editor" or "flag"
    faults: list[str]  # sentences: which setting, which value, where, what is used instead


@dataclass(frozen=True, slots=True)
class _SettingsLayer:
    origin: str
    values: Mapping[str, object]
    textual: bool = False  # values are strings to be parsed (environment)
    is_workspace: bool = False
    is_editor: bool = False


class _WrongValue(Exception):
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
    values = _Values(cls, section)
    faults: list[str] = []
    for layer in _layers(section, workspace, editor, flags, faults):
        faults += _few(values.take(layer), layer.origin)
    return Resolved(cls(**values.all()), values.origins(), faults)


def settings_of(
    cls: type[T],
    section: str,
    *,
    workspace: Path | None,
    flags: Mapping[str, object] | None = None,
    say: Callable[[str], None],
) -> T:
    """Return `cls` as `resolve` fills it; `say` gets a sentence on each value that is not taken."""
    resolved = resolve(cls, section, workspace=workspace, flags=flags)
    for fault in resolved.faults:
        say(fault)
    return resolved.value


class _Values:
    """The fields of a settings class while the layers are laid over each other."""

    def __init__(self, cls: type[Any], section: str) -> None:
        self._section = section
        self._fields = {field.name: field for field in dataclasses.fields(cls)}
        self._hints = typing.get_type_hints(cls)
        self._values = {name: _default(field) for name, field in self._fields.items()}
        self._origins = dict.fromkeys(self._fields, "default")
        self._added: dict[str, tuple[tuple[str, ...], str]] = {}  # by a workspace; from where

    def take(self, layer: _SettingsLayer) -> list[str]:
        """Lay one layer over the others; return what is wrong with it."""
        faults = []
        for name, raw in layer.values.items():
            label = f"{self._section}.{name}"
            if name not in self._fields:
                known = ", ".join(self._fields)
                faults.append(
                    f"unknown setting {_shown(label)} in {layer.origin} is ignored; known: {known}"
                )
                continue
            if layer.is_workspace and not self._fields[name].metadata.get("workspace"):
                faults.append(
                    f"setting {label!r} in {layer.origin} is ignored: only the user may set it; "
                    f"put it into {str(user_file())!r}"
                )
                continue
            if layer.is_editor and self._fields[name].metadata.get("yours", _of_anybody)(raw):
                faults.append(
                    f"setting {label!r} of the editor is ignored where it holds an address: an "
                    f"editor's settings may come with a clone; put it into {str(user_file())!r}"
                )
                continue
            try:
                self._set(name, raw, layer)
            except _WrongValue as wrong:
                faults.append(self._not_taken(name, raw, layer, wrong))
        return faults

    def _not_taken(self, name: str, raw: object, layer: _SettingsLayer, wrong: _WrongValue) -> str:
        """Return the sentence on a wrong value; what is private is not shown."""
        is_private = self._fields[name].metadata.get("private", False)
        given = "a value" if is_private else _shown(raw)
        used = "that" if is_private else repr(self._values[name])
        return (
            f"setting '{self._section}.{name}' in {layer.origin} is {given}, not {wrong}; "
            f"using {used} ({self._origins[name]})"
        )

    def all(self) -> dict[str, Any]:
        """Return the value of each field."""
        added = {name: [*self._values[name], *more] for name, (more, _) in self._added.items()}  # type: ignore[misc]
        return self._values | {name: tuple(dict.fromkeys(both)) for name, both in added.items()}

    def origins(self) -> dict[str, str]:
        """Return where the value of each field is from."""
        origins = dict(self._origins)
        for name, (_, origin) in self._added.items():
            own = origins[name]
            origins[name] = origin if own == "default" else f"{own} and {origin}"
        return origins

    def _set(self, name: str, raw: object, layer: _SettingsLayer) -> None:
        hint, metadata = self._hints[name], self._fields[name].metadata
        value = _from_text(raw, hint) if layer.textual else raw
        value = _checked(value, hint, metadata)
        how = metadata.get("workspace") if layer.is_workspace else True
        how = metadata.get("editor", how) if layer.is_editor else how
        if how == "adds":
            before, origin = self._added.get(name, ((), ""))
            added = (*before, *typing.cast(tuple[str, ...], value))
            if layer.is_workspace and len(added) > _MAX_ADDED:
                raise _WrongValue(f"a list that brings at most {_MAX_ADDED} entries")
            is_both = layer.is_editor and origin
            self._added[name] = (added, f"{origin} and editor" if is_both else layer.origin)
            return
        most = _default(self._fields[name])
        if how == "lowers" and typing.cast(float, value) > typing.cast(float, most):
            raise _WrongValue(f"at most {most}, above which only the user may go")
        self._values[name] = value
        self._origins[name] = layer.origin


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
) -> Iterator[_SettingsLayer]:
    parts = tuple(section.split("."))
    if workspace is not None:
        for name, keys in (("pyproject.toml", ("tool", "homespun")), ("homespun.toml", ())):
            values = _table(workspace / name, (*keys, *parts), faults, is_ours=False)
            yield _SettingsLayer(str(workspace / name), values, is_workspace=True)
    yield _SettingsLayer(str(user_file()), _table(user_file(), parts, faults, is_ours=True))
    yield from _environment_layers(section)
    if editor is not None:
        values = {_snake_case(key): value for key, value in editor.items()}
        yield _SettingsLayer("editor", values, is_editor=True)
    if flags is not None:
        yield _SettingsLayer(
            "flag", {key: value for key, value in flags.items() if value is not None}
        )


def _table(
    path: Path, keys: tuple[str, ...], faults: list[str], *, is_ours: bool
) -> Mapping[str, object]:
    """Return a section of a settings file; the user's own file may be a link, as of dotfiles."""
    try:
        data = read_bounded(path, max_bytes=MAX_BYTES, follow_links=is_ours)
        table: object = parse_toml(data.decode("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        faults.append(
            f"settings file {str(path)!r} is ignored, it cannot be read: {in_words(error)}"
        )
        return {}
    for key in keys:
        table = table.get(key, {}) if isinstance(table, dict) else table
    if not isinstance(table, dict):
        faults.append(
            f"{'.'.join(keys)!r} in {path} is {_shown(table)}, not a table; it is ignored"
        )
        return {}
    return table


def _environment_layers(section: str) -> Iterator[_SettingsLayer]:
    prefix = f"HOMESPUN_{section.upper().replace('.', '_')}_"
    for variable, text in sorted(os.environ.items()):
        if variable.startswith(prefix) and text:
            name = variable.removeprefix(prefix).lower()
            yield _SettingsLayer(f"${variable}", {name: text}, textual=True)


def _few(faults: list[str], origin: str) -> list[str]:
    """Return so many sentences as a person reads, and how many more there are."""
    more = len(faults) - _MAX_FAULTS
    if more <= 0:
        return faults
    return [*faults[:_MAX_FAULTS], f"{more} more settings in {origin} are ignored as well"]


def _shown(value: object) -> str:
    """Return a value for a sentence, whatever it is."""
    try:
        text = repr(value)
    except ValueError:  # Python writes no number of more than 4,300 digits
        return "a number of thousands of digits"
    return text if len(text) <= _SHOWN_CHARS else f"{text[:_SHOWN_CHARS]}…"


def _default(field: dataclasses.Field[Any]) -> object:
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return field.default


def _of_anybody(value: object) -> bool:
    return False


def _snake_case(key: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in key)


def _from_text(raw: object, hint: object) -> object:
    """Parse an environment variable's text as the field's type."""
    text = str(raw).strip()
    hint = _without_none(hint)
    if hint is bool:
        if text.lower() in _TRUE or text.lower() in _FALSE:
            return text.lower() in _TRUE
        raise _WrongValue("one of 1, 0, true, false, yes, no, on, off")
    if hint in (int, float):
        try:
            return int(text) if hint is int else float(text)
        except ValueError:
            raise _WrongValue("a whole number" if hint is int else "a number") from None
    if typing.get_origin(hint) is tuple:
        return [part.strip() for part in text.split(",") if part.strip()]
    return text


def _checked(value: object, hint: object, metadata: Mapping[str, Any]) -> object:
    """Return the value in the field's type, or raise `_WrongValue`."""
    if value is None and _without_none(hint) is not hint:
        return None
    hint = _without_none(hint)
    if typing.get_origin(hint) is typing.Literal:
        metadata = {"choices": typing.get_args(hint)} | dict(metadata)
        hint = str
    value = _typed(value, hint)
    choices = metadata.get("choices")
    if choices is not None and value not in choices:
        raise _WrongValue("one of " + ", ".join(repr(choice) for choice in choices))
    if isinstance(value, int | float) and not isinstance(value, bool):
        if isinstance(value, float) and not math.isfinite(value):
            raise _WrongValue("a finite number")
        low, high = metadata.get("min", 0), metadata.get("max")
        if value < low:
            raise _WrongValue(f"at least {low}")
        if high is not None and value > high:
            raise _WrongValue(f"at most {high}")
        if metadata.get("cores") and value > logical_cores():
            raise _WrongValue(f"at most {logical_cores()}, the logical cores of this machine")
    return value


def _typed(value: object, hint: object) -> object:
    if hint is bool and isinstance(value, bool):
        return value
    if hint is str and isinstance(value, str):
        return value
    if hint is int and isinstance(value, int) and not isinstance(value, bool):
        return value
    if hint is float and isinstance(value, int | float) and not isinstance(value, bool):
        try:
            return float(value)
        except OverflowError:
            raise _WrongValue("a finite number") from None
    if typing.get_origin(hint) is tuple and isinstance(value, list | tuple):
        if all(isinstance(part, str) for part in value):
            return tuple(value)
    raise _WrongValue(_expected(hint))


def _expected(hint: object) -> str:
    names = {bool: "true or false", str: "a string", int: "a whole number", float: "a number"}
    return names.get(typing.cast(type, hint), "a list of strings")


def _without_none(hint: object) -> object:
    """Return `X` of `X | None`, any other hint as it is."""
    if typing.get_origin(hint) in (types.UnionType, typing.Union):
        rest = [part for part in typing.get_args(hint) if part is not type(None)]
        return rest[0] if len(rest) == 1 else hint
    return hint
