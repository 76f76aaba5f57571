"""Several adapters of one model as one LoRA of plain scale, for programs that know nothing of ours.

An adapter of a repository was learned on top of the general adapter that is a part of our model. A
server with the weights as their maker published them needs both, and can be given one: the factors
are put side by side (`B1 @ A1 + B2 @ A2 = [B1 B2] @ [A1; A2]`), each scale multiplied into its B,
and alpha is the rank, so that nobody has to scale. A layer that one of them leaves alone has zeros
there: one rank for all layers, as vLLM wants it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from homespun.models.weights.lora import LoraWeights
from homespun.models.weights.source import Float32


@dataclass(frozen=True, slots=True)
class OneLora:
    """Factors by canonical name ("3.q", "0.down", …); alpha is the rank."""

    rank: int
    pairs: dict[str, tuple[Float32, Float32]]  # (rank, in_features), (out_features, rank)

    @classmethod
    def of(cls, layers: Sequence[LoraWeights]) -> OneLora:
        """Put adapters side by side. Raises ValueError where their layers have other shapes."""
        ranks = [max(layer.factors(name)[0].shape[0] for name in layer.names()) for layer in layers]
        names = dict.fromkeys(name for layer in layers for name in layer.names())
        pairs = {name: _side_by_side(name, layers, ranks) for name in sorted(names, key=_place)}
        return cls(sum(ranks), pairs)


def _side_by_side(
    name: str, layers: Sequence[LoraWeights], ranks: Sequence[int]
) -> tuple[Float32, Float32]:
    shapes = {layer.shape(name) for layer in layers if name in layer.names()}
    if len(shapes) != 1:
        raise ValueError(f"{name!r} has the shapes {sorted(shapes)}; they are of several models")
    [(outputs, inputs)] = shapes
    a = np.zeros((sum(ranks), inputs), dtype=np.float32)
    b = np.zeros((outputs, sum(ranks)), dtype=np.float32)
    start = 0
    for layer, rank in zip(layers, ranks, strict=True):
        if name in layer.names():
            own_a, own_b = layer.factors(name)
            end = start + own_a.shape[0]
            a[start:end], b[:, start:end] = own_a, own_b
        start += rank
    return a, b


def _place(name: str) -> tuple[int, str]:
    layer, _, part = name.partition(".")
    return int(layer), part
