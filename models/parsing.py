"""JSON and TOML that a stranger may have written: bounded, and no depth ends the process."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

from homespun.models.storage import read_bounded


def parse_json(text: str | bytes) -> Any:  # noqa: ANN401 - JSON
    """Parse JSON. Raises `ValueError`, also where it is nested too deeply."""
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def parse_toml(text: str) -> dict[str, Any]:
    """Parse TOML. Raises `ValueError`, also where it is nested too deeply."""
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def read_json(path: Path, *, max_bytes: int) -> Any:  # noqa: ANN401 - JSON
    """Read a JSON file that is no link. Raises `OSError`, and `ValueError` for what it holds."""
    return parse_json(read_bounded(path, max_bytes=max_bytes))
