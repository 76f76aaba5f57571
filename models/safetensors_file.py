"""The safetensors format: an 8-byte length, a JSON header, raw little-endian tensors.

Read with numpy alone because the `safetensors` package gives bfloat16 only through torch, and the
base install has no torch. Format: https://huggingface.co/docs/safetensors
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from homespun.models.errors import ModelDamaged, UnsupportedModel
from homespun.models.weights import Float32

_DTYPES: dict[str, np.dtype[Any]] = {
    "F32": np.dtype("<f4"),
    "F16": np.dtype("<f2"),
    "BF16": np.dtype("<u2"),
}
_MAX_HEADER_BYTES = 100_000_000  # the format's own limit


class SafetensorsFile:
    """Tensors of one file by name, read through a memory map."""

    def __init__(self, path: Path) -> None:
        """Read the header. Raises `ModelDamaged` when it is cut short or no JSON."""
        self._path = path
        try:
            size = path.stat().st_size
            with path.open("rb") as stream:
                header_bytes = int.from_bytes(stream.read(8), "little")
                if not 0 < header_bytes <= min(size - 8, _MAX_HEADER_BYTES):
                    raise ValueError(f"header of {header_bytes} bytes in a file of {size}")
                header: dict[str, Any] = json.loads(stream.read(header_bytes))
        except (OSError, ValueError) as error:
            raise ModelDamaged(
                f"{str(path)!r} is not a readable safetensors file ({error}); fetch it again"
            ) from error
        header.pop("__metadata__", None)
        self._entries = header
        self._data = 8 + header_bytes
        if any(self._data + entry["data_offsets"][1] > size for entry in header.values()):
            raise ModelDamaged(f"{str(path)!r} is cut short; fetch it again")

    def names(self) -> list[str]:
        """Return the names of all tensors."""
        return list(self._entries)

    def tensor(self, name: str) -> Float32:
        """Return a tensor as float32 in its own shape. Raises KeyError, `UnsupportedModel`."""
        entry = self._entries[name]
        dtype = _DTYPES.get(entry["dtype"])
        if dtype is None:
            raise UnsupportedModel(
                f"{str(self._path)!r}: tensor {name!r} has type {entry['dtype']!r}; "
                "save the model as float32, float16 or bfloat16"
            )
        begin, end = entry["data_offsets"]
        count = (end - begin) // dtype.itemsize
        raw = np.fromfile(self._path, dtype=dtype, count=count, offset=self._data + begin)
        return _as_float32(raw, entry["dtype"]).reshape(entry["shape"])


def _as_float32(raw: np.ndarray[Any, Any], dtype: str) -> Float32:
    if dtype == "BF16":  # the upper half of a float32
        return (raw.astype(np.uint32) << 16).view(np.float32)
    return raw.astype(np.float32)
