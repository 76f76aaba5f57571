"""Slots: the keys and values of several prompts, each in buffers of its own.

A prompt goes on in the slot that shares the longest run of tokens with it. Where that would throw
away much of another prompt (another document, the same line before its prompt was renewed), the
shared run is copied to the least recently used slot first: copying a thousand tokens takes
milliseconds, computing them a second. A slot belongs to one decoder and so to one set of weights,
adapter included; everything else that shapes a prompt is in its tokens.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from homespun.models.engine.common_prefix import common_prefix

_CHEAP_TOKENS = 128  # a tail up to this long is given up without a copy: an answer, typed text


@dataclass(slots=True)
class Slot:
    """Buffers, what they hold, and ONNX Runtime's binding to them."""

    buffers: list[npt.NDArray[np.float32]]  # each (1, kv_heads, tokens, head_dim)
    binding: Any
    tokens: list[int] = field(default_factory=list)  # whose keys and values are in the buffers
    inputs: dict[str, npt.NDArray[Any]] = field(default_factory=dict)
    used: int = 0

    def bind(self, name: str, value: npt.NDArray[Any]) -> None:
        """Bind an input of the next run."""
        # The binding only points at the array's memory, so the array must outlive the run.
        self.inputs[name] = value
        self.binding.bind_cpu_input(name, value)

    def take_over(self, other: Slot, count: int) -> None:
        """Copy the first `count` tokens of another slot."""
        for mine, theirs in zip(self.buffers, other.buffers, strict=True):
            mine[:, :, :count] = theirs[:, :, :count]
        self.tokens = other.tokens[:count]


class Slots:
    """At most `most` slots, made when they are needed."""

    def __init__(self, make: Callable[[], Slot], most: int) -> None:
        """`make` allocates one; `most` is at least 1."""
        self._make = make
        self._most = max(most, 1)
        self._slots: list[Slot] = []
        self._clock = 0

    def __len__(self) -> int:
        """Return how many slots are allocated."""
        return len(self._slots)

    def take(self, prompt: Sequence[int]) -> Slot:
        """Return a slot cut to what it shares with `prompt`; at least one token is left to run."""
        best, shared = self._longest(prompt)
        lost = len(best.tokens) - shared if best is not None else 0
        slot = best
        if slot is None or lost > _CHEAP_TOKENS:
            slot = self._spare()
            if best is not None and slot is not best:
                slot.take_over(best, shared)
        del slot.tokens[shared:]
        self._clock += 1
        slot.used = self._clock
        return slot

    def clear(self) -> None:
        """Forget everything; the buffers stay."""
        for slot in self._slots:
            slot.tokens.clear()

    def _longest(self, prompt: Sequence[int]) -> tuple[Slot | None, int]:
        best, longest = None, 0
        for slot in self._slots:
            shared = common_run(slot.tokens, prompt, len(prompt) - 1)
            # Of equals the one that loses least: the copy of an older state is left alone.
            if best is None or (shared, -len(slot.tokens)) > (longest, -len(best.tokens)):
                best, longest = slot, shared
        return best, longest

    def _spare(self) -> Slot:
        if len(self._slots) < self._most:
            self._slots.append(self._make())
            return self._slots[-1]
        return min(self._slots, key=lambda slot: slot.used)


def common_run(left: Sequence[int], right: Sequence[int], most: int) -> int:
    """Return how many tokens two sequences share at their start, at most `most`."""
    limit = max(min(len(left), len(right), most), 0)
    # As lists: a list never equals a tuple.
    return common_prefix(list(left[:limit]), list(right[:limit]))
