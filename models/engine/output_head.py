"""The output layer: a step's rows, and how the best token is chosen from them.

The graph multiplies by the output layer in 4 bits, which is half the memory to read of int8. That
is only a screen: every token whose screened logit is near the best one is computed from its int8
row, so what is chosen is the best of the int8 output layer. `screen_margin` of the served form,
ten times the measured error of the screen, says what near means.

The choice is computed row by row, in an order that nothing else in the step changes. `full`, which
only evaluation and tests ask, multiplies by NumPy's BLAS, and there the order of a sum may depend
on where in a block a row stands: so one logit has one value only up to `NEAR_TIE`.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from homespun.models.convert.served_form import DecoderForm

# Logits. Two tokens closer than this count as equally likely: which of them is chosen may depend on
# how a prompt was cut into steps, what is further apart never does. Half of it is how far a logit
# may be off. Origin: the same rows through OpenBLAS' Haswell kernel at other places of a block
# differ by up to 1.1e-5 (default model, peaks of 18 to 28); an AMD Zen 5 was seen to differ by
# 9.4e-6. A difference inside the graph is another matter: rounding to int8 makes 0.7 of it.
NEAR_TIE = 1e-4

_TAIL = 12.0  # logits below the best; what is further away has no weight in a probability
_PIECE = 1024  # rows of the output layer that are float32 at a time; 4 MB, which a cache holds
_BLOCK = (
    32  # hidden rows multiplied at a time: always as many, so the same place gives the same bits
)

Float32 = npt.NDArray[np.float32]
Int64 = npt.NDArray[np.int64]


class Head:
    """The int8 output layer, mapped from its file and read where it is needed."""

    def __init__(self, form: DecoderForm) -> None:
        """Map the files of `form`."""
        shape = (form.vocabulary, form.hidden)
        self._table = np.memmap(form.head_path, np.int8, "r", shape=shape)
        self._scale = np.fromfile(form.head_scale_path, np.float32)
        self.margin = form.screen_margin

    def exact(self, hidden: Float32, tokens: Int64) -> Float32:
        """Return the logits `(n,)` of `tokens` for one hidden row `(hidden,)`.

        A token's logit has the same bits whatever other tokens are asked for.
        """
        products = self._table[tokens] * hidden
        logits: Float32 = products.sum(axis=1) * self._scale[tokens]
        return logits

    def full(self, hidden: Float32) -> Float32:
        """Return `(rows, vocabulary)` float32 for `(rows, hidden)`: evaluation and tests.

        A row's logits may be off by half of `NEAR_TIE`, depending on the other rows.
        """
        rows = len(hidden)
        padded = np.zeros((-(-rows // _BLOCK) * _BLOCK, hidden.shape[1]), np.float32)
        padded[:rows] = hidden
        logits = np.empty((rows, len(self._scale)), np.float32)
        for first in range(0, len(self._scale), _PIECE):
            piece = slice(first, first + _PIECE)
            words = self._table[piece].astype(np.float32)
            for start in range(0, rows, _BLOCK):
                block = words @ padded[start : start + _BLOCK].T
                logits[start : start + _BLOCK, piece] = block.T[: rows - start]
        logits *= self._scale
        return logits


class TokenChoice(NamedTuple):
    """The most likely token of a row, and how clear that was. Natural logarithms."""

    token: int
    logprob: float
    margin: float  # to the runner-up, as the screen has it where that is far; infinite without one
    entropy: float  # of the distribution, in nats; as far as the screen tells it


class StepOutput:
    """What a step returns: rows to choose tokens from."""

    def __init__(self, head: Head, hidden: Float32, screen: Float32) -> None:
        """Wrap the graph's outputs `(rows, hidden)` and `(rows, vocabulary)`."""
        self.hidden = hidden
        self._head, self._screen = head, screen

    def best(self, row: int, allowed: Int64 | None = None) -> TokenChoice:
        """Return the most likely token and its natural-log probability.

        With `allowed` `(n,)` token ids, the choice and the probability are among these. The first
        of equal tokens is taken. The probabilities of unlikely tokens are those of the screen.
        """
        screen = self._screen[row] if allowed is None else self._screen[row][allowed]
        peak = float(screen.max())
        near = np.flatnonzero(screen >= peak - max(_TAIL, self._head.margin))
        near_screen = screen[near]
        is_close = near_screen >= peak - self._head.margin
        close = near[is_close] if allowed is None else allowed[near[is_close]]
        logits = self._head.exact(self.hidden[row], close)
        place = int(np.argmax(logits))
        best = float(logits[place])
        logits[place] = -np.inf  # the others are behind it
        others = np.concatenate([logits, near_screen[~is_close]]) - best
        weights = np.exp(others, dtype=np.float64)
        total = 1.0 + float(weights.sum())
        runner_up = float(others.max())
        # With p = w / total, -sum(p log p) is log(total) - sum(w log w) / total.
        known = weights > 0
        spread = float((weights[known] * others[known]).sum())
        return TokenChoice(
            token=int(close[place]),
            logprob=-math.log(total),
            margin=-runner_up,
            entropy=math.log(total) - spread / total,
        )

    def full(self) -> Float32:
        """Return `(rows, vocabulary)` float32: evaluation and tests."""
        return self._head.full(self.hidden)
