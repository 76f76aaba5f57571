"""What came of the last check of the adapter that serves, kept for whoever shows it.

    WORKSPACE/.homespun/adapters/last-check.json
        {"adapter": ID, "outcome": …, "when": …, "seal": …}

A clone can bring such a file; without the seal of this machine, for this place, it says nothing.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

from homespun.models.adapters.aliases import is_here
from homespun.models.adapters.registry import Registry
from homespun.parsing import read_json
from homespun.storage import write_private
from homespun.trust import has_seal, with_seal

_NAME = "last-check.json"
_PURPOSE = "adapter check"  # of the seal
_MAX_BYTES = 10_000


@dataclass(frozen=True, slots=True)
class LastCheck:
    """How an adapter did on lines that are newer than it."""

    adapter: str
    outcome: str  # "fresh", "stale" or "too little" to tell
    when: datetime  # with a time zone


def keep_check(registry: Registry, adapter: str, outcome: str) -> None:
    """Write down what a check of the champion said, now. Raises `OSError`, `AdapterDamaged`."""
    if not is_here(registry.folder):
        return
    when = datetime.now().astimezone().isoformat(timespec="seconds")
    body = {"adapter": adapter, "outcome": outcome, "when": when}
    sealed = with_seal(body, purpose=_PURPOSE, folder=registry.workspace)
    write_private(registry.folder / _NAME, json.dumps(sealed, sort_keys=True) + "\n")


def last_check(registry: Registry, adapter: str) -> LastCheck | None:
    """Return what the last check said of an adapter; None where there is none of this machine."""
    try:
        body = read_json(registry.folder / _NAME, max_bytes=_MAX_BYTES)
        if not isinstance(body, dict) or body["adapter"] != adapter:
            return None
        if not has_seal(body, purpose=_PURPOSE, folder=registry.workspace):
            return None
        return LastCheck(adapter, str(body["outcome"]), datetime.fromisoformat(body["when"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None  # what cannot be read is no check


def stamp_of(registry: Registry) -> tuple[int, int] | None:
    """Return what changes with every check; None where there was none. One `stat`."""
    try:
        status = (registry.folder / _NAME).lstat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_ino
