"""Weights to int8 and to 4 bits; and what this CPU can multiply exactly."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from homespun.models.runtime import onnxruntime
from homespun.models.weights.source import Float32

Int8 = npt.NDArray[np.int8]
UInt8 = npt.NDArray[np.uint8]

BLOCK = 128  # weights that share a 4-bit scale
_PIECE = 8192  # rows that are in float32 a second time


def quantize_rows(weight: Float32, *, bits: int) -> tuple[Int8, Float32]:
    """Return `(n, k)` int8 and `(n,)` float32 with `weight ≈ int8 * scale[:, None]`.

    Symmetric round-to-nearest per row (output channel). `bits` is 8 or 7; 7 keeps the values in
    [-63, 63] for CPUs whose u8 x s8 products saturate (see `int8_products_are_exact`).
    """
    limit = (1 << (bits - 1)) - 1
    peak = np.max(np.abs(weight), axis=1)
    scale = np.where(peak > 0, peak / limit, 1.0).astype(np.float32)
    quantized = np.rint(weight / scale[:, None])
    return np.clip(quantized, -limit, limit).astype(np.int8), scale


def quantize_blocks(weight: Float32) -> tuple[UInt8, Float32]:
    """Return `weight` `(n, k)` in 4 bits as ONNX Runtime's MatMulNBits takes it.

    That is `(n, blocks, BLOCK / 2)` uint8, low half first, values around 8, and `(n, blocks)`
    float32 scales. A block's largest weight becomes -8, so its scale may be negative.
    """
    rows, columns = weight.shape
    blocks = -(-columns // BLOCK)
    packed = np.empty((rows, blocks, BLOCK // 2), np.uint8)
    scales = np.empty((rows, blocks), np.float32)
    for start in range(0, rows, _PIECE):
        piece = np.pad(weight[start : start + _PIECE], ((0, 0), (0, blocks * BLOCK - columns)))
        piece = piece.reshape(-1, blocks, BLOCK)
        largest = np.argmax(np.abs(piece), axis=2, keepdims=True)
        scale = np.take_along_axis(piece, largest, axis=2) / np.float32(-8)
        scale[scale == 0] = 1
        halves = (np.clip(np.rint(piece / scale), -8, 7) + 8).astype(np.uint8)
        packed[start : start + _PIECE] = halves[..., 0::2] | halves[..., 1::2] << 4
        scales[start : start + _PIECE] = scale[..., 0]
    return packed, scales


def restore_blocks(packed: UInt8, scale: Float32, *, columns: int) -> Float32:
    """Return the float32 `(n, columns)` weights that `quantize_blocks` stands for."""
    values = np.stack([packed & 15, packed >> 4], axis=-1).reshape(*packed.shape[:2], BLOCK)
    weight: Float32 = (values.astype(np.float32) - 8) * scale[..., None]
    return weight.reshape(len(packed), -1)[:, :columns]


def int8_products_are_exact() -> bool:
    """Multiply extreme values through ONNX Runtime and see whether the sums saturate.

    Before AVX-512 VNNI / AVX-VNNI, x86 adds two u8 x s8 products in 16 bits (`vpmaddubsw`), where
    2 * 255 * 127 does not fit. Asking the library itself is portable where reading CPU flags is
    not. Source of the pitfall: ONNX Runtime's quantisation page, "reduce_range".
    """
    from onnx import TensorProto, helper, numpy_helper

    ort = onnxruntime()

    size = 64
    graph = helper.make_graph(
        [helper.make_node("MatMulInteger", ["a", "b"], ["y"])],
        "probe",
        [helper.make_tensor_value_info("a", TensorProto.UINT8, ["rows", size])],
        [helper.make_tensor_value_info("y", TensorProto.INT32, ["rows", size])],
        [numpy_helper.from_array(np.full((size, size), 127, np.int8), "b")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    # One row and many rows take different kernels.
    for rows in (1, 32):
        (product,) = session.run(None, {"a": np.full((rows, size), 255, np.uint8)})
        if not bool(np.all(product == size * 255 * 127)):
            return False
    return True
