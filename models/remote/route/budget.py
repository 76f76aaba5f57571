"""How many tokens a day may go to a server: counted in a file, by all processes of the user.

    remote_tokens.json    {"date": "2026-11-23", "tokens": 4711}

A question is counted before it is asked, with all that its answer may have, and what it did not
need is given back. So the sum is never above the limit, whatever is asked at once, and a process
that dies has paid for what it may have sent. A day is one of the calendar here.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from homespun.errors import in_words
from homespun.locks import lock_file
from homespun.models.errors import RemoteFailed
from homespun.parsing import read_json
from homespun.paths import state_home
from homespun.storage import make_private_folder, write_private

_FILE = "remote_tokens.json"
_MAX_BYTES = 10_000
_LOCK_SECONDS = 1.0  # it is held for some tenths of a millisecond


class BudgetSpent(RemoteFailed):
    """Nothing more may be sent today, or it cannot be counted."""


@dataclass(frozen=True, slots=True)
class Reserved:
    """Tokens that a question may take."""

    day: date
    tokens: int


class DayBudget:
    """The tokens of a day; safe on any thread and in any number of processes."""

    def __init__(self, tokens_a_day: int, *, today: Callable[[], date] = date.today) -> None:
        """`tokens_a_day` 0 is no limit: nothing is counted then."""
        self._limit = tokens_a_day
        self._today = today

    def reserve(self, tokens: int) -> Reserved:
        """Count tokens that may be used. Raises `BudgetSpent` where they do not fit."""
        day = self._today()
        if self._limit and not self._add(tokens, day, most=self._limit):
            raise BudgetSpent(
                f"the {self._limit:,} tokens of today are spent (model.remote.tokens_a_day); the "
                "next day begins at midnight"
            )
        return Reserved(day, tokens)

    def settle(self, reserved: Reserved, used: int) -> None:
        """Give back what a question did not need; more than was reserved is counted as well."""
        if self._limit and used != reserved.tokens:
            with suppress(BudgetSpent):  # it stays counted, and the next question says why
                self._add(used - reserved.tokens, reserved.day, most=None)

    def _add(self, tokens: int, day: date, *, most: int | None) -> bool:
        """Add to the sum of a day, unless it would be above `most`: False then."""
        path = state_home() / _FILE
        try:
            make_private_folder(path.parent)
            with lock_file(path.with_suffix(".lock")).acquire(timeout=_LOCK_SECONDS):
                counted_day, used = _read(path)
                if counted_day != day.isoformat():
                    if most is None:
                        return True  # settled on another day than it was asked
                    used = 0
                total = used + tokens
                if most is not None and total > most:
                    return False
                body = {"date": day.isoformat(), "tokens": max(total, 0)}
                write_private(path, json.dumps(body) + "\n")
        except (OSError, ValueError) as error:  # filelock's Timeout is an OSError
            raise BudgetSpent(
                f"what was sent today cannot be counted in {str(path)!r} ({in_words(error)}), so "
                "nothing is; delete that file, or set model.remote.tokens_a_day to 0"
            ) from error
        return True


def _read(path: Path) -> tuple[str, int]:
    """Return the day that is counted and its tokens. Raises `OSError`, `ValueError`."""
    try:
        body = read_json(path, max_bytes=_MAX_BYTES)
    except FileNotFoundError:
        return "", 0
    day, tokens = (body.get(key) if isinstance(body, dict) else None for key in ("date", "tokens"))
    if not isinstance(day, str) or type(tokens) is not int or tokens < 0:
        raise ValueError("it holds something else")
    return day, tokens
