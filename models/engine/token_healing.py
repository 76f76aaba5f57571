"""Token healing: a continuation that begins with given text, whatever tokens that takes.

The user's last typed characters are seldom a whole token of what they are going to be: behind
`self.con` the model should go on with `connect`, which is one token, and not with what may follow
the token `con`. So the caller takes the last word off, and the first new tokens are chosen among
those that begin with its text, or are a beginning of it. Source: "The Art of Prompt Design: Prompt
Boundaries and Token Healing" (guidance, Lundberg 2023); JetBrains Full Line has it too.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

_LAST_BYTE = b"\xff"


class Healer:
    """Knows for each text which tokens may come first."""

    def __init__(self, pieces: Mapping[int, bytes]) -> None:
        """`pieces` are the bytes of each plain token; control tokens are not among them."""
        ordered = sorted((piece, token) for token, piece in pieces.items() if piece)
        self._pieces = [piece for piece, _ in ordered]
        self._tokens = np.array([token for _, token in ordered], np.int64)
        self._piece_of = pieces

    def allowed(self, rest: bytes) -> npt.NDArray[np.int64]:
        """Return the tokens that begin with `rest`, and those that are a beginning of it."""
        start = bisect_left(self._pieces, rest)
        # Nothing sorts behind more 0xFF than a token has bytes.
        end = bisect_left(self._pieces, rest + _LAST_BYTE * 256, start)
        shorter = [self._places(rest[:length]) for length in range(1, len(rest))]
        return np.concatenate([self._tokens[start:end], *shorter])

    def rest_after(self, rest: bytes, token: int) -> bytes:
        """Return what of `rest` is still to come behind `token`."""
        return rest[len(self._piece_of[token]) :]

    def _places(self, piece: bytes) -> npt.NDArray[np.int64]:
        start = bisect_left(self._pieces, piece)
        is_there = start < len(self._pieces) and self._pieces[start] == piece
        return self._tokens[start : start + is_there]
