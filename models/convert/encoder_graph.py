"""A BERT sentence encoder (MiniLM) as an ONNX graph: W8A8 layers, mean pooling, unit rows.

Inputs: `ids` (batch, length) int64, `mask` (batch, length) int32, 1 for real tokens.
Output: `vectors` (batch, hidden) float32 with unit-norm rows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from onnx import TensorProto

from homespun.models.convert.onnx_writer import GraphWriter
from homespun.models.convert.quantize import quantize_rows
from homespun.models.weights.safetensors_file import SafetensorsFile


@dataclass(frozen=True, slots=True)
class BertShape:
    """What the tensors do not tell. Defaults: sentence-transformers/all-MiniLM-L6-v2."""

    heads: int = 12
    norm_epsilon: float = 1e-12


def write_encoder(graph: GraphWriter, weights: SafetensorsFile, shape: BertShape) -> int:
    """Write the whole encoder; return the number of dimensions of its vectors."""
    hidden = int(weights.tensor("embeddings.LayerNorm.weight").shape[0])
    graph.input("ids", TensorProto.INT64, ["batch", "length"])
    mask = graph.input("mask", TensorProto.INT32, ["batch", "length"])
    graph.constant("flat", np.array([-1, hidden], np.int64))
    layers = sum(name.endswith("output.dense.weight") for name in weights.names()) // 2
    x = _embed(graph, weights, shape, hidden)
    for layer in range(layers):
        x = _layer(graph, weights, shape, f"encoder.layer.{layer}", x, mask)
    _pool(graph, x, mask)
    graph.output("vectors", TensorProto.FLOAT, ["batch", hidden])
    graph.save()
    return hidden


def _embed(graph: GraphWriter, weights: SafetensorsFile, shape: BertShape, hidden: int) -> str:
    """Token, position and segment embeddings, normed: `(batch * length, hidden)`."""
    table, scale = quantize_rows(weights.tensor("embeddings.word_embeddings.weight"), bits=8)
    words = graph.node("Gather", [graph.constant("words.int8", table), "ids"], axis=0)
    scales = graph.node("Gather", [graph.constant("words.scale", scale[:, None]), "ids"], axis=0)
    x = graph.node("Mul", [graph.node("Cast", [words], to=TensorProto.FLOAT), scales])
    segment = weights.tensor("embeddings.token_type_embeddings.weight")[0]
    places = weights.tensor("embeddings.position_embeddings.weight") + segment
    graph.constant("zero", np.array([0], np.int64))
    graph.constant("one", np.array([1], np.int64))
    graph.constant("two", np.array([2], np.int64))
    length = graph.node("Slice", [graph.node("Shape", ["ids"]), "one", "two", "zero"])
    place = graph.node("Slice", [graph.constant("places", places), "zero", length, "zero"])
    x = graph.node("Add", [x, place])  # broadcasts over the batch
    graph.node("Shape", [x], outputs=["cube"])  # (batch, length, hidden)
    return _norm(graph, weights, shape, "embeddings.LayerNorm", graph.node("Reshape", [x, "flat"]))


def _layer(
    graph: GraphWriter,
    weights: SafetensorsFile,
    shape: BertShape,
    prefix: str,
    x: str,
    mask: str,
) -> str:
    attention = f"{prefix}.attention"
    parts = [
        graph.node("Reshape", [part, "cube"])
        for part in _query_key_value(graph, weights, attention, x)
    ]
    attended = graph.microsoft("MultiHeadAttention", [*parts, "", mask], num_heads=shape.heads)
    flat = graph.node("Reshape", [attended, "flat"])
    out = _dense(graph, weights, f"{attention}.output.dense", flat)
    x = _norm(graph, weights, shape, f"{attention}.output.LayerNorm", _add(graph, x, out))
    wide = _dense(graph, weights, f"{prefix}.intermediate.dense", x)
    narrow = _dense(graph, weights, f"{prefix}.output.dense", graph.node("Gelu", [wide]))
    return _norm(graph, weights, shape, f"{prefix}.output.LayerNorm", _add(graph, x, narrow))


def _query_key_value(
    graph: GraphWriter, weights: SafetensorsFile, attention: str, x: str
) -> tuple[str, str, str]:
    """Three products of one quantised input."""
    quantized, scale = graph.quantize_activations(x)

    def project(part: str) -> str:
        name = f"{attention}.self.{part}"
        product = graph.matmul(quantized, name, weights.tensor(f"{name}.weight"))
        bias = graph.constant(f"{name}.bias", weights.tensor(f"{name}.bias"))
        return _add(graph, graph.node("Mul", [product, scale]), bias)

    return project("query"), project("key"), project("value")


def _pool(graph: GraphWriter, x: str, mask: str) -> None:
    """Mean over real tokens, then unit length."""
    cube = graph.node("Reshape", [x, "cube"])
    weight = graph.node("Cast", [graph.node("Unsqueeze", [mask, "two"])], to=TensorProto.FLOAT)
    total = graph.node("ReduceSum", [graph.node("Mul", [cube, weight]), "one"], keepdims=0)
    mean = graph.node("Div", [total, graph.node("ReduceSum", [weight, "one"], keepdims=0)])
    graph.node("LpNormalization", [mean], outputs=["vectors"], axis=-1, p=2)


def _dense(graph: GraphWriter, weights: SafetensorsFile, name: str, x: str) -> str:
    return graph.linear(x, name, weights.tensor(f"{name}.weight"), weights.tensor(f"{name}.bias"))


def _norm(graph: GraphWriter, weights: SafetensorsFile, shape: BertShape, name: str, x: str) -> str:
    gain = graph.constant(f"{name}.gain", weights.tensor(f"{name}.weight"))
    bias = graph.constant(f"{name}.bias", weights.tensor(f"{name}.bias"))
    return graph.node("LayerNormalization", [x, gain, bias], axis=-1, epsilon=shape.norm_epsilon)


def _add(graph: GraphWriter, left: str, right: str) -> str:
    return graph.node("Add", [left, right])
