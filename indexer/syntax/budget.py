"""How much processor time one file may still cost; whoever loops over foreign text asks it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")

_STEPS_A_LOOK = 64  # asking the clock costs as much as a step or two


class TooSlow(Exception):
    """The budget is used up; what was begun is thrown away."""


class Budget:
    """A number of seconds of the calling thread, from now on: other processes do not count."""

    def __init__(self, seconds: float) -> None:
        self._end = time.thread_time() + seconds

    def is_over(self) -> bool:
        """Tell whether the time is used up."""
        return time.thread_time() > self._end

    def check(self) -> None:
        """Raise `TooSlow` when the time is used up."""
        if self.is_over():
            raise TooSlow

    def paced(self, items: Iterable[T]) -> Iterator[T]:
        """Yield the items while there is time. Raises `TooSlow`."""
        for number, item in enumerate(items):
            if number % _STEPS_A_LOOK == 0:
                self.check()
            yield item
