"""Walks the header of a GGUF file before a library trusts its counts.

A count of 2**63 in eight damaged bytes has the `gguf` reader fill the memory. Format:
https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
"""

from __future__ import annotations

import mmap
import struct
from pathlib import Path

_MAGIC = b"GGUF"
_VERSIONS = (2, 3)
_MAX_DIMENSIONS = 8
# The bytes of a value by the number of its type; strings and arrays have lengths of their own.
_WIDTHS = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
_STRING, _ARRAY = 8, 9


def check_header(path: Path) -> None:
    """Raise `ValueError` where a count or a length of the header leads out of the file; `OSError`.

    Each step takes bytes of the file, so that the time is bounded by its size.
    """
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
        walk = _HeaderReader(data)
        if walk.take(4) != _MAGIC:
            raise ValueError("it does not begin as a GGUF file")
        version = walk.number("<I")
        if version not in _VERSIONS:
            raise ValueError(f"it is of version {version}, not 2 or 3, or big-endian")
        tensors, values = walk.number("<Q"), walk.number("<Q")
        for _ in range(values):
            walk.skip_string()
            walk.skip_value(walk.number("<I"))
        for _ in range(tensors):
            walk.skip_string()
            dimensions = walk.number("<I")
            if dimensions > _MAX_DIMENSIONS:
                raise ValueError(f"a tensor has {dimensions} dimensions")
            walk.skip(8 * dimensions + 4 + 8)  # sizes, type, offset


class _HeaderReader:
    """A place in the file that only moves on, never past its end."""

    def __init__(self, data: mmap.mmap) -> None:
        self._data = data
        self._at = 0

    def skip(self, count: int) -> None:
        """Move on by `count` bytes."""
        if count > len(self._data) - self._at:
            raise ValueError(
                f"{count} bytes are wanted {len(self._data) - self._at} before its end"
            )
        self._at += count

    def take(self, count: int) -> bytes:
        """Return the next bytes."""
        start = self._at
        self.skip(count)
        return self._data[start : self._at]

    def number(self, form: str) -> int:
        """Return the next number, of a `struct` form."""
        return int(struct.unpack(form, self.take(struct.calcsize(form)))[0])

    def skip_string(self) -> None:
        """Move on behind a length and that many bytes."""
        self.skip(self.number("<Q"))

    def skip_value(self, kind: int) -> None:
        """Move on behind a value of a type."""
        if kind == _STRING:
            self.skip_string()
        elif kind == _ARRAY:
            self._skip_array()
        elif kind in _WIDTHS:
            self.skip(_WIDTHS[kind])
        else:
            raise ValueError(f"a value has the unknown type {kind}")

    def _skip_array(self) -> None:
        kind, count = self.number("<I"), self.number("<Q")
        if kind in _WIDTHS:
            self.skip(count * _WIDTHS[kind])
        elif kind == _STRING:
            for _ in range(count):
                self.skip_string()
        else:
            raise ValueError(f"an array holds values of type {kind}, which no model has")
