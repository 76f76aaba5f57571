"""What a server says of some texts -> one unit vector each, or a sentence on what is wrong.

Numbers come as JSON or, a fourth as long, as base64 of little-endian float32 (OpenAI's
`encoding_format`, which most servers have taken over).
"""

from __future__ import annotations

import base64
import binascii
from typing import Any

import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.float32]  # (texts, dimensions)


_NO_VECTOR = "returns something in place of a vector"


class WrongReply(Exception):
    """It is no answer to the question; the text says why, to follow the server's name."""


def unit_vectors(reply: Any, count: int) -> Vectors:  # noqa: ANN401 - JSON
    """Return `(count, dimensions)` unit rows in the order of the texts. Raises `WrongReply`."""
    data = reply.get("data") if isinstance(reply, dict) else None
    if not isinstance(data, list) or not all(isinstance(row, dict) for row in data):
        raise WrongReply("answers something that holds no vectors")
    if len(data) != count:
        raise WrongReply(f"returns {len(data)} vectors for {count} texts")
    rows = [_numbers(row.get("embedding")) for row in _ordered(data)]
    lengths = {len(row) for row in rows}
    if len(lengths) != 1 or 0 in lengths:
        raise WrongReply("returns vectors of several lengths, or empty ones")
    matrix = np.stack(rows)
    if not np.isfinite(matrix).all():
        raise WrongReply("returns vectors with something in them that is no number")
    norms = np.linalg.norm(matrix, axis=1, keepdims=True)
    return np.asarray(matrix / np.maximum(norms, 1e-12), np.float32)


def _ordered(data: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Put rows into the order of the texts, where they say which is whose."""
    if all(row.get("index") is None for row in data):
        return data
    by_place = {row.get("index"): row for row in data if isinstance(row.get("index"), int)}
    if by_place.keys() != {*range(len(data))}:
        raise WrongReply("does not say which vector belongs to which text")
    return [by_place[place] for place in range(len(data))]


def _numbers(found: object) -> npt.NDArray[np.float64]:
    try:
        if isinstance(found, str):
            packed = np.frombuffer(base64.b64decode(found, validate=True), dtype="<f4")
            return packed.astype(np.float64)
        if isinstance(found, list) and all(type(each) in (int, float) for each in found):
            return np.array(found, dtype=np.float64)
    except (binascii.Error, ValueError, OverflowError) as error:
        raise WrongReply(_NO_VECTOR) from error
    raise WrongReply(_NO_VECTOR)
