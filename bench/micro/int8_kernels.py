"""Which int8 product is fast here: one linear layer of the 0.5B model through ONNX Runtime.

    python -m bench.micro.int8_kernels

Prints milliseconds (median) for signed and for unsigned activations, with a scale per token, and
for float32; the arms take turns.
"""

from __future__ import annotations

import argparse
import statistics
import time

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from homespun.models.runtime import onnxruntime

ort = onnxruntime()

K, N, ROWS, REPEATS = 896, 4864, (1, 4, 16, 64, 512), 15


def main() -> None:
    """Print the table."""
    argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0]).parse_args()
    arms = {
        "float32 MatMul": _float32(),
        "s8 activations, MatMulInteger": _signed(),
        "u8 activations, MatMulIntegerToFloat": _unsigned(),
    }
    print("| kernel | " + " | ".join(f"{rows} rows" for rows in ROWS) + " |")
    print("|---|" + "--:|" * len(ROWS))
    times = {arm: [_median(arms, arm, rows) for rows in ROWS] for arm in arms}
    for arm, row in times.items():
        print(f"| {arm} | " + " | ".join(f"{ms:.2f}" for ms in row) + " |")


def _median(arms: dict[str, ort.InferenceSession], arm: str, rows: int) -> float:
    x = np.random.default_rng(0).standard_normal((rows, K)).astype(np.float32)
    times = []
    for _ in range(REPEATS):
        for name, session in arms.items():  # all arms run, so that each meets the same neighbours
            began = time.perf_counter()
            session.run(None, {"x": x})
            if name == arm:
                times.append((time.perf_counter() - began) * 1000)
    return statistics.median(times)


def _float32() -> ort.InferenceSession:
    weight = np.random.default_rng(1).standard_normal((K, N)).astype(np.float32)
    return _session([helper.make_node("MatMul", ["x", "w"], ["y"])], {"w": weight})


def _signed() -> ort.InferenceSession:
    nodes = [
        *_scale(keepdims=1),
        helper.make_node("Div", ["x", "scale"], ["divided"]),
        helper.make_node("Round", ["divided"], ["rounded"]),
        helper.make_node("Cast", ["rounded"], ["q"], to=TensorProto.INT8),
        helper.make_node("MatMulInteger", ["q", "w"], ["product"]),
        helper.make_node("Cast", ["product"], ["float"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["float", "scale"], ["scaled"]),
        helper.make_node("Mul", ["scaled", "ws"], ["y"]),
    ]
    return _session(nodes, _weights())


def _unsigned() -> ort.InferenceSession:
    zero = helper.make_tensor("v", TensorProto.UINT8, [1], [128])
    nodes = [
        *_scale(keepdims=0),
        helper.make_node("Shape", ["scale"], ["shape"]),
        helper.make_node("ConstantOfShape", ["shape"], ["zeros"], value=zero),
        helper.make_node("QuantizeLinear", ["x", "scale", "zeros"], ["q"], axis=0),
        helper.make_node(
            "MatMulIntegerToFloat",
            ["q", "w", "one", "ws", "zero"],
            ["product"],
            domain="com.microsoft",
        ),
        helper.make_node("Unsqueeze", ["scale", "last"], ["column"]),
        helper.make_node("Mul", ["product", "column"], ["y"]),
    ]
    extra = {"one": np.array(1, np.float32), "zero": np.array(128, np.uint8)}
    return _session(nodes, _weights() | extra)


def _scale(*, keepdims: int) -> list[object]:
    return [
        helper.make_node("Abs", ["x"], ["abs"]),
        helper.make_node("ReduceMax", ["abs", "last"], ["peak"], keepdims=keepdims),
        helper.make_node("Mul", ["peak", "step"], ["scale"]),
    ]


def _weights() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(1)
    return {
        "w": rng.integers(-127, 128, (K, N), dtype=np.int8),
        "ws": np.full(N, 0.01, np.float32),
        "last": np.array([-1], np.int64),
        "step": np.array(1 / 127, np.float32),
    }


def _session(nodes: list[object], weights: dict[str, np.ndarray]) -> ort.InferenceSession:
    graph = helper.make_graph(
        nodes,
        "layer",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["rows", K])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["rows", N])],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    opsets = [helper.make_opsetid("", 21), helper.make_opsetid("com.microsoft", 1)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=10)
    options = ort.SessionOptions()
    options.log_severity_level = 3
    return ort.InferenceSession(model.SerializeToString(), options, ["CPUExecutionProvider"])


if __name__ == "__main__":
    main()
