"""Vectors in the background: the encoder is loaded late, batches wait for completions."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from homespun.models.types import Encoder, Progress

_WAIT_STEP_SECONDS = 0.02
_LONGEST_WAIT_SECONDS = 2.0  # a batch starts at last, or a fast typist would never get vectors


class LoadsEncoder(Protocol):
    """`homespun.models.load.load_encoder`, or a stand-in."""

    def __call__(self, name: str, *, threads: int = 0) -> Encoder:
        """Load an encoder."""


class LateEncoder:
    """An encoder whose weights are loaded at the first use; raises what loading raises."""

    def __init__(self, name: str, load: LoadsEncoder) -> None:
        self.name = name
        self._load = load
        self._encoder: Encoder | None = None

    @property
    def dimensions(self) -> int:
        """Length of a vector; loads the weights."""
        return self._loaded().dimensions

    def encode(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Return `(len(texts), dimensions)` float32 with unit-norm rows, in input order."""
        return self._loaded().encode(texts)

    def _loaded(self) -> Encoder:
        if self._encoder is None:
            # One thread: the cores belong to the completions.
            self._encoder = self._load(self.name, threads=1)
        return self._encoder


class PoliteProgress:
    """Passes progress on; between two batches it lets completions go first."""

    def __init__(self, inner: Progress, *, completing: Callable[[], bool]) -> None:
        self._inner = inner
        self._completing = completing

    def start(self, stage: str, total: int, unit: str) -> None:
        """Begin a stage."""
        self._inner.start(stage, total, unit)

    def advance(self, n: int) -> None:
        """Count units, then wait while a completion is under way."""
        self._inner.advance(n)
        end = time.monotonic() + _LONGEST_WAIT_SECONDS
        while self._completing() and time.monotonic() < end:
            time.sleep(_WAIT_STEP_SECONDS)

    def finish(self) -> None:
        """End the stage."""
        self._inner.finish()
