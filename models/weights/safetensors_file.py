"""The safetensors format: an 8-byte length, a JSON header, raw little-endian tensors.

Read and written with numpy alone because the `safetensors` package gives bfloat16 only through
torch, and the base install has no torch. Format: https://huggingface.co/docs/safetensors
"""

from __future__ import annotations

import itertools
import json
import math
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeGuard

import numpy as np

from homespun.models.errors import ModelDamaged, UnsupportedModel
from homespun.models.weights.source import Float32
from homespun.parsing import parse_json

_DTYPES: dict[str, np.dtype[Any]] = {
    "F32": np.dtype("<f4"),
    "F16": np.dtype("<f2"),
    "BF16": np.dtype("<u2"),
}
_MAX_HEADER_BYTES = 16_000_000  # a tenth of a KB a tensor; the largest models have some thousands
_MAX_DIMENSIONS = 8


class SafetensorsFile:
    """Tensors of one file by name, each read when it is asked for."""

    def __init__(self, path: Path) -> None:
        """Read the header. Raises `ModelDamaged` where it is not whole, or tensors overlap."""
        self._path = path
        try:
            with open(path, "rb", opener=_opener) as stream:
                status = os.fstat(stream.fileno())
                if not stat.S_ISREG(status.st_mode):
                    raise ValueError("it is no regular file")
                size = status.st_size
                header_bytes = int.from_bytes(stream.read(8), "little")
                if not 0 < header_bytes <= min(size - 8, _MAX_HEADER_BYTES):
                    raise ValueError(f"header of {header_bytes} bytes in a file of {size}")
                header = parse_json(stream.read(header_bytes))
            if not isinstance(header, dict):
                raise ValueError("its header is no object")
            header.pop("__metadata__", None)
            self._entries: dict[str, Any] = header
            self._data = 8 + header_bytes
            self._check(size - self._data)
        except (OSError, ValueError) as error:
            raise ModelDamaged(
                f"{str(path)!r} is not a readable safetensors file ({error}); fetch it again"
            ) from error

    def _check(self, data_bytes: int) -> None:
        """Raise `ValueError` unless every tensor has bytes of its own within the file."""
        spans = []
        for name, entry in self._entries.items():
            if not _is_entry(entry):
                raise ValueError(f"tensor {name[:200]!r} has no type, shape and place")
            begin, end = entry["data_offsets"]
            if end > data_bytes:
                raise ValueError(f"it is cut short: tensor {name[:200]!r} ends behind its end")
            dtype = _DTYPES.get(entry["dtype"])
            if dtype is not None and math.prod(entry["shape"]) * dtype.itemsize != end - begin:
                raise ValueError(f"tensor {name[:200]!r} has not as many bytes as its shape says")
            spans.append((begin, end))
        for (_, end), (begin, _) in itertools.pairwise(sorted(spans)):
            if begin < end:
                raise ValueError("its tensors overlap")

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


def as_safetensors(tensors: Mapping[str, Float32], metadata: Mapping[str, str]) -> bytes:
    """Return a file's bytes: float32 tensors in the given order."""
    head = file_head({name: it.shape for name, it in tensors.items()}, "F32", metadata)
    data = (np.ascontiguousarray(tensor, dtype="<f4").tobytes() for tensor in tensors.values())
    return b"".join([head, *data])


def file_head(
    shapes: Mapping[str, tuple[int, ...]], dtype: str, metadata: Mapping[str, str]
) -> bytes:
    """Return what stands before the tensors, all of `dtype`, in this order: padded to 8 bytes."""
    header: dict[str, object] = {"__metadata__": dict(metadata)}
    place = 0
    for name, shape in shapes.items():
        end = place + _DTYPES[dtype].itemsize * math.prod(shape)
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [place, end]}
        place = end
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text


def _opener(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))  # a pipe is not waited for


def _is_entry(entry: object) -> bool:
    if not isinstance(entry, dict) or not isinstance(entry.get("dtype"), str):
        return False
    shape, place = entry.get("shape"), entry.get("data_offsets")
    if not _are_counts(shape) or not _are_counts(place):
        return False
    return len(shape) <= _MAX_DIMENSIONS and len(place) == 2 and place[0] <= place[1]


def _are_counts(values: object) -> TypeGuard[list[int]]:
    """Tell whether a value is a list of whole numbers that a file's place can have."""
    return isinstance(values, list) and all(
        type(value) is int and 0 <= value < 2**63 for value in values
    )


def _as_float32(raw: np.ndarray[Any, Any], dtype: str) -> Float32:
    if dtype == "BF16":  # the upper half of a float32
        return (raw.astype(np.uint32) << 16).view(np.float32)
    return raw.astype(np.float32)
