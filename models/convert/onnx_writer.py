"""EDGE onnx: writes a graph whose weights lie in one external file, tensor after tensor.

The weights go to disk as they are made, so converting needs the memory of one layer, and ONNX
Runtime maps the file instead of copying it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Any

import numpy as np
import numpy.typing as npt
from onnx import TensorProto, helper, numpy_helper

from homespun.models.convert.quantize import BLOCK, UInt8, quantize_rows
from homespun.models.weights.source import Float32
from homespun.storage import open_private, write_private

_OPSET = 21
_IR_VERSION = 10
_ALIGNMENT = 65_536  # Windows maps files at multiples of 64 KiB; Linux and macOS need less
_INLINE_BYTES = 4096  # below this a tensor stays inside the graph file
_WHOLE_ROW = 65_536  # block size of QuantizeLinear: one scale a row, however long it is
_MICROSOFT = "com.microsoft"


class GraphWriter:
    """Collects nodes; `save` writes `NAME.onnx` beside `NAME.weights`.

    A context manager: leaving it closes the weights file.
    """

    def __init__(self, directory: Path, name: str, *, bits: int) -> None:
        """Start `directory/name.weights`; `bits` is the width of quantised weights (7 or 8)."""
        self._directory, self._name, self._bits = directory, name, bits
        self._weights_name = f"{name}.weights"
        self._stream: IO[bytes] = open_private(directory / self._weights_name)
        self._nodes: list[Any] = []
        self._initializers: list[Any] = []
        self._inputs: list[Any] = []
        self._outputs: list[Any] = []
        self._counter = 0
        self._zero_points = ""  # of the first quantised activations, (…, 1) uint8
        self.constant("minus_one", np.array([-1], np.int64))
        self.constant("inverse_127", np.array(1 / 127, np.float32))
        self.constant("unit", np.array(1.0, np.float32))
        self.constant("u8_zero", np.array(128, np.uint8))

    def __enter__(self) -> GraphWriter:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the weights file."""
        self._stream.close()

    def input(self, name: str, dtype: int, shape: Sequence[int | str]) -> str:
        """Declare a graph input; `dtype` is an `onnx.TensorProto` constant."""
        self._inputs.append(helper.make_tensor_value_info(name, dtype, list(shape)))
        return name

    def output(self, name: str, dtype: int, shape: Sequence[int | str]) -> None:
        """Declare a graph output."""
        self._outputs.append(helper.make_tensor_value_info(name, dtype, list(shape)))

    def constant(self, name: str, value: npt.NDArray[Any]) -> str:
        """Store a tensor, in the weights file unless it is small; return its name."""
        if value.nbytes < _INLINE_BYTES:
            self._initializers.append(numpy_helper.from_array(value, name))
            return name
        offset = -(-self._stream.tell() // _ALIGNMENT) * _ALIGNMENT
        self._stream.seek(offset)
        contiguous = np.ascontiguousarray(value)
        self._stream.write(contiguous.data)
        self._initializers.append(_external(name, contiguous, self._weights_name, offset))
        return name

    def node(
        self,
        op: str,
        inputs: Sequence[str],
        *,
        outputs: Sequence[str] = (),
        domain: str = "",
        **attributes: object,
    ) -> str:
        """Append a node; return its first output (named here unless `outputs` is given)."""
        if not outputs:
            self._counter += 1
            outputs = (f"{op}_{self._counter}",)
        made = helper.make_node(op, list(inputs), list(outputs), domain=domain, **attributes)
        self._nodes.append(made)
        return outputs[0]

    def microsoft(
        self, op: str, inputs: Sequence[str], *, outputs: Sequence[str] = (), **attributes: object
    ) -> str:
        """Append one of ONNX Runtime's own operators."""
        return self.node(op, inputs, outputs=outputs, domain=_MICROSOFT, **attributes)

    def quantize_activations(self, x: str) -> tuple[str, str]:
        """`(…, k)` float32 -> `(…, k)` uint8 around 128, and `(…, 1)` float32 scales.

        Unsigned on purpose: CPUs have a fast u8 x s8 product, and s8 x s8 was measured 10 to 25
        times slower in ONNX Runtime on x86 (docs/log.md). A row of zeros gets the scale 0;
        whatever it is rounded to is multiplied by that scale again.

        The zero points of the first call serve all: every tensor of a graph must have its shape
        but for `k`.
        """
        peak = self.node("ReduceMax", [self.node("Abs", [x]), "minus_one"], keepdims=1)
        scale = self.node("Mul", [peak, "inverse_127"])
        if not self._zero_points:
            self._zero_points = self.node(
                "ConstantOfShape",
                [self.node("Shape", [scale])],
                value=helper.make_tensor("zero_point", TensorProto.UINT8, [1], [128]),
            )
        quantized = self.node(
            "QuantizeLinear",
            [x, scale, self._zero_points],
            axis=-1,
            block_size=_WHOLE_ROW,
        )
        return quantized, scale

    def matmul(self, quantized: str, name: str, weight: Float32) -> str:
        """Multiply uint8 activations by a weight `(n, k)`: float32 `(rows, n)` without row scales.

        The caller multiplies by the activation scales where it is cheapest.
        """
        values, scale = quantize_rows(weight, bits=self._bits)
        return self.matmul_quantized(quantized, name, values, scale)

    def matmul_quantized(
        self, quantized: str, name: str, values: npt.NDArray[np.int8], scale: Float32
    ) -> str:
        """Like `matmul` with a weight `(n, k)` int8 that is quantised already."""
        weight_name = self.constant(f"{name}.int8", values.T)
        scale_name = self.constant(f"{name}.scale", scale)
        return self.microsoft(
            "MatMulIntegerToFloat", [quantized, weight_name, "unit", scale_name, "u8_zero"]
        )

    def matmul_4_bits(
        self, x: str, name: str, packed: UInt8, scale: Float32, *, k: int, output: str
    ) -> str:
        """Multiply float32 `(rows, k)` by `quantize_blocks`' weight: float32 `(rows, n)`.

        Half the bytes of int8: faster up to about eight rows, slower from there on.
        """
        return self.microsoft(
            "MatMulNBits",
            [
                x,
                self.constant(f"{name}.int4", packed),
                self.constant(f"{name}.scale", np.ascontiguousarray(scale)),
            ],
            outputs=[output],
            K=k,
            N=len(packed),
            bits=4,
            block_size=BLOCK,
            accuracy_level=4,  # activations are rounded to int8, too
        )

    def linear(self, x: str, name: str, weight: Float32, bias: Float32 | None = None) -> str:
        """W8A8 linear layer: `(rows, k)` float32 -> `(rows, n)` float32."""
        quantized, scale = self.quantize_activations(x)
        product = self.node("Mul", [self.matmul(quantized, name, weight), scale])
        if bias is None:
            return product
        return self.node("Add", [product, self.constant(f"{name}.bias", bias)])

    def save(self) -> None:
        """Write the graph file. Call once, before leaving the context."""
        graph = helper.make_graph(
            self._nodes, self._name, self._inputs, self._outputs, self._initializers
        )
        opsets = [helper.make_opsetid("", _OPSET), helper.make_opsetid(_MICROSOFT, 1)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=_IR_VERSION)
        write_private(self._directory / f"{self._name}.onnx", model.SerializeToString())


def _external(name: str, value: npt.NDArray[Any], file_name: str, offset: int) -> Any:  # noqa: ANN401
    tensor = TensorProto(
        name=name,
        data_type=helper.np_dtype_to_tensor_dtype(value.dtype),
        dims=value.shape,
        data_location=TensorProto.EXTERNAL,
    )
    for key, text in (("location", file_name), ("offset", offset), ("length", value.nbytes)):
        tensor.external_data.add(key=key, value=str(text))
    return tensor
