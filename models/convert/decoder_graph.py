"""A causal language model as an ONNX graph: W8A8 linear layers, one key-value buffer in place.

Inputs: `embeddings` (tokens, hidden) float32 — rows of the int8 embedding table, looked up by the
caller from a memory map so that the table is never loaded as a whole; `logit_rows` (rows,) int64 —
positions whose logits are wanted; `last_position` (1,) int32 and `total_length` () int32 — length
bookkeeping of GroupQueryAttention; `key_i`/`value_i` (1, kv_heads, buffer, head_dim) float32.
Outputs: `hidden` (rows, hidden) float32, what the output layer is to be multiplied with;
`screen` (rows, vocabulary) float32, logits by a 4-bit output layer, from which `output_head.py`
finds the few tokens whose logits it computes exactly; `new_key_i`/`new_value_i`, to be bound to
the very buffers of the inputs.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from onnx import TensorProto

from homespun.models.convert.onnx_writer import GraphWriter
from homespun.models.convert.quantize import UInt8
from homespun.models.weights.source import DecoderConfig, Float32, WeightSource

MAX_POSITIONS = 16_384  # rows of the rotary tables: 4 MiB at a head size of 64


def write_decoder(
    graph: GraphWriter,
    source: WeightSource,
    *,
    screen: tuple[UInt8, Float32],
    layer_done: Callable[[], None],
) -> None:
    """Write the whole model. `screen` is the output layer as `quantize_blocks` makes it."""
    config = source.config
    x = graph.input("embeddings", TensorProto.FLOAT, ["tokens", config.hidden])
    rows = graph.input("logit_rows", TensorProto.INT64, ["rows"])
    graph.input("last_position", TensorProto.INT32, [1])
    graph.input("total_length", TensorProto.INT32, [])
    cosine, sine = rotary_tables(config)
    graph.constant("cosine", cosine)
    graph.constant("sine", sine)
    graph.constant("batch_axis", np.array([0], np.int64))
    x = graph.node("Unsqueeze", [x, "batch_axis"])  # attention wants a batch; once is enough
    normed = _rms_norm(graph, x, source, "0.attn_norm")
    for layer in range(config.layers):
        x, normed = _layer(graph, source, layer, x, normed)
        layer_done()
    # `normed` is already the final norm; taking rows after it costs nothing that matters.
    graph.node(
        "Gather",
        [graph.node("Squeeze", [normed, "batch_axis"]), rows],
        outputs=["hidden"],
        axis=0,
    )
    graph.matmul_4_bits("hidden", "head", *screen, k=config.hidden, output="screen")
    graph.output("hidden", TensorProto.FLOAT, ["rows", config.hidden])
    graph.output("screen", TensorProto.FLOAT, ["rows", config.vocabulary])
    graph.save()


def rotary_tables(config: DecoderConfig) -> tuple[Float32, Float32]:
    """Return cosines and sines, each `(positions, head_dim / 2)` float32."""
    steps = np.arange(0, config.head_dim, 2, dtype=np.float64) / config.head_dim
    positions = np.arange(min(MAX_POSITIONS, config.context_tokens), dtype=np.float64)
    angles = np.outer(positions, config.rope_theta**-steps)
    return np.cos(angles).astype(np.float32), np.sin(angles).astype(np.float32)


def _layer(
    graph: GraphWriter, source: WeightSource, layer: int, x: str, normed: str
) -> tuple[str, str]:
    """One transformer block; returns the residual stream and its norm for what comes next."""
    attended = graph.linear(_attention(graph, source, layer, normed), *_weight(source, layer, "o"))
    normed, x = _add_and_norm(graph, x, attended, source, f"{layer}.ffn_norm")
    fed = _feed_forward(graph, source, layer, normed)
    last = layer + 1 == source.config.layers
    following = "norm" if last else f"{layer + 1}.attn_norm"
    normed, x = _add_and_norm(graph, x, fed, source, following)
    return x, normed


def _attention(graph: GraphWriter, source: WeightSource, layer: int, normed: str) -> str:
    config = source.config
    weight = np.concatenate([source.tensor(f"{layer}.{part}") for part in "qkv"])
    bias = (
        np.concatenate([source.tensor(f"{layer}.{part}_bias") for part in "qkv"])
        if source.has(f"{layer}.q_bias")
        else None
    )
    packed = graph.linear(normed, f"{layer}.qkv", weight, bias)
    cache_shape: list[int | str] = [1, config.kv_heads, "buffer", config.head_dim]
    names = {part: f"{part}_{layer}" for part in ("key", "value")}
    for name in names.values():
        graph.input(name, TensorProto.FLOAT, cache_shape)
        graph.output(f"new_{name}", TensorProto.FLOAT, cache_shape)
    return graph.microsoft(
        "GroupQueryAttention",
        [
            packed,
            "",
            "",
            names["key"],
            names["value"],
            "last_position",
            "total_length",
            "cosine",
            "sine",
        ],
        outputs=[f"attended_{layer}", f"new_{names['key']}", f"new_{names['value']}"],
        num_heads=config.heads,
        kv_num_heads=config.kv_heads,
        scale=1.0 / math.sqrt(config.head_dim),
        do_rotary=1,
        rotary_interleaved=int(config.rope_interleaved),
    )


def _feed_forward(graph: GraphWriter, source: WeightSource, layer: int, normed: str) -> str:
    """SwiGLU: down(silu(gate(x)) * up(x)).

    The row scale of `up` is not applied to its wide output: quantising a row does not depend on
    the row's scale, so it is multiplied into the scale of `down` instead.
    """
    quantized, scale = graph.quantize_activations(normed)
    gate = graph.node("Mul", [graph.matmul(quantized, *_weight(source, layer, "gate")), scale])
    up = graph.matmul(quantized, *_weight(source, layer, "up"))
    gated = graph.node("Mul", [graph.microsoft("QuickGelu", [gate], alpha=1.0), up])
    product, down_scale = graph.quantize_activations(gated)
    down = graph.matmul(product, *_weight(source, layer, "down"))
    return graph.node("Mul", [down, graph.node("Mul", [down_scale, scale])])


def _weight(source: WeightSource, layer: int, part: str) -> tuple[str, Float32]:
    name = f"{layer}.{part}"
    return name, source.tensor(name)


def _rms_norm(graph: GraphWriter, x: str, source: WeightSource, name: str) -> str:
    gain = graph.constant(name, source.tensor(name))
    return graph.node(
        "SimplifiedLayerNormalization",
        [x, gain],
        axis=-1,
        epsilon=source.config.norm_epsilon,
        stash_type=1,
    )


def _add_and_norm(
    graph: GraphWriter, x: str, added: str, source: WeightSource, name: str
) -> tuple[str, str]:
    """Return (norm(x + added), x + added)."""
    gain = graph.constant(name, source.tensor(name))
    normed, total = f"normed.{name}", f"residual.{name}"
    graph.microsoft(
        "SkipSimplifiedLayerNormalization",
        [x, added, gain],
        outputs=[normed, "", "", total],
        epsilon=source.config.norm_epsilon,
    )
    return normed, total
