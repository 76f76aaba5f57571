"""What `GraphWriter` writes, run through ONNX Runtime: products of int8 against float32."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import TensorProto

from homespun.models.convert.onnx_writer import GraphWriter
from homespun.models.runtime import onnxruntime

WEIGHT = np.random.default_rng(0).standard_normal((24, 64)).astype(np.float32)
BIAS = np.linspace(-1, 1, 24, dtype=np.float32)


@pytest.fixture(scope="module")
def linear(tmp_path_factory):
    directory = tmp_path_factory.mktemp("graph")
    with GraphWriter(directory, "linear", bits=7) as graph:
        x = graph.input("x", TensorProto.FLOAT, ["rows", 64])
        total = graph.node(
            "Add", [graph.linear(x, "a", WEIGHT, BIAS), graph.linear(x, "b", WEIGHT)]
        )
        graph.node("Identity", [total], outputs=["y"])
        graph.output("y", TensorProto.FLOAT, ["rows", 24])
        graph.save()
    session = onnxruntime().InferenceSession(str(directory / "linear.onnx"))
    return lambda x: session.run(None, {"x": x})[0]


@pytest.mark.parametrize("rows", [1, 2, 17])
def test_linear_layers_are_right_up_to_rounding_for_any_number_of_rows(linear, rows):
    x = np.random.default_rng(rows).standard_normal((rows, 64)).astype(np.float32)
    expected = 2 * x @ WEIGHT.T + BIAS
    assert np.linalg.norm(linear(x) - expected) < 0.02 * np.linalg.norm(expected)


def test_a_row_of_zeros_gives_the_bias_and_leaves_other_rows_alone(linear):
    x = np.random.default_rng(1).standard_normal((3, 64)).astype(np.float32)
    apart = linear(x)
    x[1] = 0
    together = linear(x)
    assert np.array_equal(together[1], BIAS)
    assert np.array_equal(together[[0, 2]], apart[[0, 2]])


def test_a_large_row_does_not_change_the_rounding_of_a_small_one(linear):
    x = np.random.default_rng(2).standard_normal((2, 64)).astype(np.float32)
    apart = linear(x)[0]
    x[1] *= 1e6
    assert np.array_equal(linear(x)[0], apart)
