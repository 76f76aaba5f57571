"""Rows of a file that a run adds to, a line of JSON each, and that the next run goes on with."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any


def read_rows(file: Path) -> Iterator[dict[str, Any]]:
    """Yield the rows of a file; a last line that was not written to its end is none."""
    with suppress(FileNotFoundError), file.open(encoding="utf-8") as lines:
        for line in lines:
            with suppress(json.JSONDecodeError):
                yield json.loads(line)
