"""How fast a machine computes what a decoder needs, by the rows of a step; a table, no timing."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass

# Rows of a step that are timed; between them is interpolated. A decoder runs two rows where one is
# wanted (models/engine/decoder.py), and reads a prompt in chunks of 128.
ROWS = (2, 8, 32, 128)


@dataclass(frozen=True, slots=True)
class MachineSpeeds:
    """Milliseconds at each of `ROWS`; what else the machine did is in them."""

    layer_ms: tuple[float, ...]  # of a layer, whatever its weights
    gigabyte_ms: tuple[float, ...]  # of 1e9 int8 weights, beside that

    @property
    def memory_gb_s(self) -> float:
        """Return the rate at which weights are read where a step has hardly a row."""
        return 1000 / self.gigabyte_ms[0]

    @property
    def int8_gproducts_s(self) -> float:
        """Return 1e9 int8 multiply-adds a second where a prompt is read."""
        return ROWS[-1] * 1000 / self.gigabyte_ms[-1]

    def layer(self, rows: int) -> float:
        """Return the milliseconds of a layer without its weights."""
        return _between(self.layer_ms, rows)

    def gigabyte(self, rows: int) -> float:
        """Return the milliseconds of 1e9 int8 weights, each multiplied with so many rows."""
        return _between(self.gigabyte_ms, rows)


def _between(values: tuple[float, ...], rows: int) -> float:
    """Interpolate between the rows that were timed; what is outside has the nearest value."""
    if rows <= ROWS[0]:
        return values[0]
    if rows >= ROWS[-1]:
        return values[-1]
    above = bisect_left(ROWS, rows)
    low, high = ROWS[above - 1], ROWS[above]
    share = (rows - low) / (high - low)
    return values[above - 1] + share * (values[above] - values[above - 1])
