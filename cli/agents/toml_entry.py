"""One table in a TOML file of the user's: a marked block at its end, all else as it was."""

from __future__ import annotations

import json
from typing import Any

from homespun.cli.agents import marked_block
from homespun.cli.agents.config_change import check_written
from homespun.cli.agents.marked_block import HASH
from homespun.cli.errors import ChangeRefused
from homespun.parsing import parse_toml


def with_entry(text: str | None, section: str, name: str, entry: dict[str, Any]) -> str:
    """Return the text with the table `[section.name]`; None = no file. Raises `ChangeRefused`."""
    old = _without(text)
    rest = _parsed(old)
    if name in _section_of(rest, section):
        raise ChangeRefused(f"it has a table {section}.{name} of its own; change it by hand")
    rows = [f"{key} = {json.dumps(value)}" for key, value in entry.items()]  # JSON is TOML here
    new = marked_block.with_block(text, "\n".join([f"[{section}.{name}]", *rows]), HASH)
    wanted = rest | {section: _section_of(rest, section) | {name: entry}}
    check_written(_parsed(new), wanted)
    return new


def without_entry(text: str, section: str, name: str) -> str | None:
    """Return the text without our table; None = there is to be no file. Raises `ChangeRefused`."""
    _parsed(text)
    return marked_block.without_block(text, HASH)


def has_entry(text: str, section: str, name: str) -> bool:
    """Tell whether our table is there. Raises `ChangeRefused`."""
    return marked_block.has_block(text, HASH)


def _without(text: str | None) -> str:
    return "" if text is None else marked_block.without_block(text, HASH) or ""


def _section_of(whole: dict[str, Any], section: str) -> dict[str, Any]:
    inner = whole.get(section, {})
    if not isinstance(inner, dict):
        raise ChangeRefused(f"its {section!r} is no table")
    return inner


def _parsed(text: str) -> dict[str, Any]:
    try:
        return parse_toml(text)
    except ValueError as error:
        raise ChangeRefused(f"it is no TOML ({error})") from None
