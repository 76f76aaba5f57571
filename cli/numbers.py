"""Numbers that a flag gives: refused in one sentence where they are too small."""

from __future__ import annotations

from homespun.cli.errors import UsageError


def check_least(flag: str, value: int | None, least: int) -> None:
    """Raise `UsageError` where a flag's number is below the least; None = it was not given."""
    if value is not None and value < least:
        raise UsageError(f"{flag} is {value}; give {least} or more")
