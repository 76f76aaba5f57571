"""How a figure of a training is written for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def share(value: float) -> str:
    """Return 0.4213 as "42.1 %"."""
    return f"{value * 100:.1f} %"


def points(value: float) -> str:
    """Return a difference of shares in points, with its sign."""
    return f"{value * 100:+.1f}"


def interval(found: Mapping[str, Any]) -> str:
    """Return a share with its interval: "42.1 % (38.0-46.3)"."""
    low, high = found["low"], found["high"]
    if low is None or high is None:
        return share(found["mean"])
    return f"{share(found['mean'])} ({max(low, 0) * 100:.1f}-{min(high, 1) * 100:.1f})"


def minutes(seconds: float) -> str:
    """Return a length of time for people: "40 s", "12 min", "2 h 05 min"."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    whole = round(seconds / 60)
    return f"{whole} min" if whole < 90 else f"{whole // 60} h {whole % 60:02d} min"
