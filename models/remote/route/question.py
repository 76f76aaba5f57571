"""One question that two generators may be asked, and what of their answers can be shown."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from homespun.models.types import Generation, Generator, StopRule, TimedStop

Who = Literal["local", "remote"]  # `route` of a generation: who wrote it
LOCAL: Who = "local"
REMOTE: Who = "remote"


@dataclass(frozen=True, slots=True)
class RoutedQuestion:
    """What `homespun.models.types.Generator.generate` is asked, beside who may break it off."""

    prompt: tuple[int, ...]
    max_tokens: int
    stop: StopRule
    heal: str
    hints: Sequence[Sequence[int]]
    not_first: Collection[int]

    @property
    def fresh_stop(self) -> StopRule:
        """The stop rule for an answer that begins now."""
        return self.stop.anew() if isinstance(self.stop, TimedStop) else self.stop

    def of(self, generator: Generator, cancelled: Callable[[], bool]) -> Generation:
        """Ask a generator."""
        return generator.generate(
            self.prompt,
            max_tokens=self.max_tokens,
            stop=self.fresh_stop,
            cancelled=cancelled,
            heal=self.heal,
            hints=self.hints,
            not_first=self.not_first,
        )

    def cancelled(self) -> Generation:
        """Return what there is when who asked has left."""
        return Generation("", (), "cancelled", "", 0.0, len(self.prompt), 0, 0, 0, 0.0, 0.0)


class AsksHere(Protocol):
    """Asks the model on this machine."""

    def __call__(self, cancelled: Callable[[], bool]) -> Generation:
        """Return its answer."""


class AsksThere(Protocol):
    """Asks the server."""

    def __call__(self, cancelled: Callable[[], bool], *, within_ms: int) -> Generation:
        """Return its whole answer. Raises `RemoteError`, also where that took longer."""


def is_usable(generation: Generation) -> bool:
    """Tell whether there is something to show: neither silence nor what was broken off."""
    return generation.finish != "cancelled" and bool(generation.text.strip())
