"""What a step of the decoder returns: rows to choose tokens from."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt


class Rows:
    """Logits of the rows that were asked for."""

    def __init__(self, logits: npt.NDArray[np.float32]) -> None:
        """Wrap `(rows, vocabulary)` float32."""
        self._logits = logits

    def best(self, row: int, allowed: npt.NDArray[np.int64] | None = None) -> tuple[int, float]:
        """Return the most likely token and its natural-log probability.

        With `allowed` `(n,)` token ids, the choice and the probability are among these. The first
        of equal tokens is taken.
        """
        logits = self._logits[row]
        if allowed is None:
            return _greedy(logits)
        place, logprob = _greedy(logits[allowed])
        return int(allowed[place]), logprob

    def full(self) -> npt.NDArray[np.float32]:
        """Return `(rows, vocabulary)` float32: evaluation and tests."""
        return self._logits


def _greedy(logits: npt.NDArray[np.float32]) -> tuple[int, float]:
    place = int(np.argmax(logits))
    return place, -math.log(float(np.sum(np.exp(logits - logits[place]), dtype=np.float64)))
