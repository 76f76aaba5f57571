"""The output layer: a step's rows, and how the best token is chosen from them.

The graph multiplies by the output layer in 4 bits, which is half the memory to read of int8. That
is only a screen: every token whose screened logit is near the best one is computed from its int8
row, so what is chosen is the best of the int8 output layer. `screen_margin` of the served form,
ten times the measured error of the screen, says what near means.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from homespun.models.served_form import DecoderForm

_TAIL = 12.0  # logits below the best; what is further away has no weight in a probability
_PIECE = 4096  # rows of the output layer that are float32 at a time
_BLOCK = 32  # hidden rows multiplied at a time: always as many, so that a row's bits are the same

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
        """Return `(rows, vocabulary)` float32 for `(rows, hidden)`: evaluation and tests."""
        rows = len(hidden)
        padded = np.zeros((-(-rows // _BLOCK) * _BLOCK, hidden.shape[1]), np.float32)
        padded[:rows] = hidden
        logits = np.empty((rows, len(self._scale)), np.float32)
        for first in range(0, len(self._scale), _PIECE):
            piece = slice(first, first + _PIECE)
            columns = self._table[piece].astype(np.float32).T
            for start in range(0, rows, _BLOCK):
                block = padded[start : start + _BLOCK] @ columns
                logits[start : start + _BLOCK, piece] = block[: rows - start]
        logits *= self._scale
        return logits


class Rows:
    """What a step returns: rows to choose tokens from."""

    def __init__(self, head: Head, hidden: Float32, screen: Float32) -> None:
        """Wrap the graph's outputs `(rows, hidden)` and `(rows, vocabulary)`."""
        self._head, self._hidden, self._screen = head, hidden, screen

    def best(self, row: int, allowed: Int64 | None = None) -> tuple[int, float]:
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
        logits = self._head.exact(self._hidden[row], close)
        place = int(np.argmax(logits))
        best = float(logits[place])
        total = float(np.exp(logits - best).sum(dtype=np.float64))
        total += float(np.exp(near_screen[~is_close] - best).sum(dtype=np.float64))
        return int(close[place]), -math.log(total)

    def full(self) -> Float32:
        """Return `(rows, vocabulary)` float32: evaluation and tests."""
        return self._head.full(self._hidden)
