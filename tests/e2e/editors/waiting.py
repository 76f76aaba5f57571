"""Waits for what an editor shows; nothing is decided by a pause."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

_POLL_SECONDS = 0.01
_STALE_SECONDS = 1.5  # what stays that long is no passing state

T = TypeVar("T")


class NothingSeen(Exception):
    """What was waited for did not come."""


def wait(
    seen: Callable[[], T], what: str, seconds: float = 120.0, *, told: Callable[[], str] = str
) -> T:
    """Return what `seen` returns as soon as it is true; `told` adds to the failure's message."""
    end = time.monotonic() + seconds
    while not (found := seen()):
        if time.monotonic() > end:
            raise NothingSeen(f"no {what} in {seconds:.0f} s{told()}")
        time.sleep(_POLL_SECONDS)
    return found


def settled(look: Callable[[], T], *, told: Callable[[], str] = str) -> T:
    """Return what `look` returns once it has stayed the same for a moment, however empty."""
    shown, since = look(), time.monotonic()

    def is_at_rest() -> bool:
        nonlocal shown, since
        if (now := look()) != shown:
            shown, since = now, time.monotonic()
        return time.monotonic() - since >= _STALE_SECONDS

    wait(is_at_rest, "rest", told=told)
    return shown
