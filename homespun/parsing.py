"""JSON and TOML that a stranger may have written: bounded, and no depth ends the process."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

from homespun.storage import read_bounded

MAX_DEPTH = 100  # of tables and lists; what we write ourselves has less than ten
# tomllib takes cubic time for a dotted key, ten seconds for one of 32 KB. Ours have three parts.
_MAX_KEY_PARTS = 16
_TOML_TOKEN = re.compile(
    r"""
    (?P<space>[ \t]++)
    |(?P<other>\#[^\n]*+
        |\"{3}(?:[^"\\]|\\.|"(?!""))*+"{3,5}+
        |\'{3}(?:[^']|'(?!''))*+'{3,5}+)
    |(?P<part>[A-Za-z0-9_-]++|"(?:[^"\\\n]|\\.)*+"|'[^'\n]*+')
    |(?P<dot>\.)
    |(?P<unclosed>["'])
    |(?P<mark>.)
    """,
    re.VERBOSE | re.DOTALL,
)


def parse_json(text: str | bytes) -> Any:  # noqa: ANN401 - JSON
    """Parse JSON. Raises `ValueError`, also where it is nested deeper than `MAX_DEPTH`."""
    try:
        value = json.loads(text)
    except RecursionError:
        raise _too_deep() from None
    _check_depth(value)
    return value


def parse_toml(text: str) -> dict[str, Any]:
    """Parse TOML. Raises `ValueError`, also where it or one of its keys is nested too deeply."""
    _check_keys(text)
    try:
        table = tomllib.loads(text)
    except RecursionError:
        raise _too_deep() from None
    _check_depth(table)
    return table


def read_json(path: Path, *, max_bytes: int) -> Any:  # noqa: ANN401 - JSON
    """Read a JSON file that is no link. Raises `OSError`, and `ValueError` for what it holds."""
    return parse_json(read_bounded(path, max_bytes=max_bytes))


def _check_keys(text: str) -> None:
    """Raise `ValueError` for a dotted key of very many parts, in one pass over the text."""
    parts, after_dot = 0, False
    for token in _TOML_TOKEN.finditer(text):
        match token.lastgroup:
            case "space":
                continue
            case "unclosed":  # tomllib reads no further either
                return
            case "part":
                parts = parts + 1 if after_dot else 1
                if parts > _MAX_KEY_PARTS:
                    raise ValueError(f"a key in it has more than {_MAX_KEY_PARTS} parts")
        after_dot = token.lastgroup == "dot"


def _check_depth(value: object) -> None:
    """Raise `ValueError` for what a recursive reader (`repr`, `json.dumps`) could not follow."""
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [inner for outer in level for inner in _inside(outer)]
        if not level:
            return
    raise _too_deep()


def _inside(value: object) -> list[object]:
    if isinstance(value, dict):
        return [inner for inner in value.values() if isinstance(inner, dict | list)]
    if isinstance(value, list):
        return [inner for inner in value if isinstance(inner, dict | list)]
    return []


def _too_deep() -> ValueError:
    return ValueError("it is nested too deeply")
