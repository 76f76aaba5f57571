"""Vectors in memory: int16 rows with a scale each, half of float32, compared with a query.

Rounding moves a similarity by less than 1e-5, so hits stay what they were. int8 would be half of it
and changes hits; float16 takes numpy some ten times as long to compare (docs/log.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

_MAX_INT16 = np.float32(32767)
_BLOCK_ROWS = 512  # as float32 they stay in the processor's cache

Float32 = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Vectors:
    """`rows[i] * scales[i]` is a vector but for rounding; zeros where there is none."""

    rows: npt.NDArray[np.int16]  # (vectors, dimensions)
    scales: Float32  # (vectors,)

    @classmethod
    def of(cls, matrix: Float32) -> Vectors:
        """Round `(vectors, dimensions)` float32."""
        most = np.abs(matrix).max(axis=1, initial=0)
        scales = np.where(most > 0, most / _MAX_INT16, np.float32(1))
        return cls(np.rint(matrix / scales[:, None]).astype(np.int16), scales)

    @classmethod
    def zeros(cls, count: int, dimensions: int) -> Vectors:
        """Return room for so many."""
        return cls(np.zeros((count, dimensions), np.int16), np.zeros(count, np.float32))

    @classmethod
    def joined(cls, parts: Sequence[Vectors]) -> Vectors:
        """Return the vectors of one part or more, one behind the other."""
        return cls(
            np.concatenate([part.rows for part in parts]),
            np.concatenate([part.scales for part in parts]),
        )

    @property
    def dimensions(self) -> int:
        """Length of a vector."""
        return int(self.rows.shape[1])

    def taken(self, indices: npt.NDArray[np.bool_] | Sequence[int]) -> Vectors:
        """Return those at some places, or of a mask."""
        return Vectors(self.rows[indices], self.scales[indices])

    def put(self, indices: Sequence[int], others: Vectors) -> None:
        """Write others over those at some places."""
        self.rows[indices] = others.rows
        self.scales[indices] = others.scales

    def nearness(self, query: Float32) -> Float32:
        """Return `(vectors,)`: the product of each with a query's `(dimensions,)` vector."""
        near = np.empty(len(self.rows), dtype=np.float32)
        buffer = np.empty((_BLOCK_ROWS, self.dimensions), dtype=np.float32)
        for start in range(0, len(near), _BLOCK_ROWS):
            rows = self.rows[start : start + _BLOCK_ROWS]
            block = buffer[: len(rows)]
            block[:] = rows
            # einsum stays on this thread. `@` shares work with threads of BLAS and waits for
            # them where a model keeps the cores busy: p95 of 2,800 rows 54 ms, not 0.6.
            np.einsum("ij,j->i", block, query, out=near[start : start + _BLOCK_ROWS])
        return near * self.scales
