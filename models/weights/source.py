"""What a converter needs to know about original weights, whatever file they come in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt

from homespun.models.errors import UnsupportedModel
from homespun.models.types import DecoderShape

Float32 = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class DecoderConfig(DecoderShape):
    """A Qwen2- or Llama-like causal language model: its shape, and how it computes."""

    architecture: str  # "qwen2" or "llama"
    norm_epsilon: float
    rope_theta: float
    rope_interleaved: bool  # GGUF files of the llama family store pairs side by side
    context_tokens: int  # what the model was trained for


class WeightSource(Protocol):
    """Original weights: a configuration, float32 tensors by canonical name, a tokenizer.

    Canonical names: "embedding", "head", "norm", and per layer i "i.attn_norm", "i.ffn_norm",
    "i.q", "i.k", "i.v", "i.o", "i.gate", "i.up", "i.down", biases "i.q_bias" and so on.
    """

    config: DecoderConfig

    def tensor(self, name: str) -> Float32:
        """Return one tensor; matrices are `(out_features, in_features)`. Raises KeyError."""

    def has(self, name: str) -> bool:
        """Tell whether the source holds the tensor."""

    def tokenizer_json(self) -> TokenizerData:
        """Return the tokenizer without control tokens, and their ids by name."""


@dataclass(frozen=True, slots=True)
class TokenizerData:
    """A `tokenizers` JSON text that knows no control token, and the control tokens apart."""

    json: str
    control: Mapping[str, int] = field(default_factory=dict)


def tensor_shape(shape: DecoderShape, name: str) -> tuple[int, ...]:
    """Return the shape of the tensor with a canonical name, which need not be read for it."""
    hidden, inner = shape.hidden, shape.feed_forward
    queries, keys = shape.heads * shape.head_dim, shape.kv_heads * shape.head_dim
    shapes: Mapping[str, tuple[int, ...]] = {
        **{"embedding": (shape.vocabulary, hidden), "head": (shape.vocabulary, hidden)},
        **{"q": (queries, hidden), "k": (keys, hidden), "v": (keys, hidden)},
        **{"q_bias": (queries,), "k_bias": (keys,), "v_bias": (keys,)},
        **{"o": (hidden, queries), "gate": (inner, hidden), "up": (inner, hidden)},
        "down": (hidden, inner),
    }
    return shapes.get(name.rpartition(".")[2], (hidden,))


def check_supported(config: DecoderConfig, *, where: str) -> None:
    """Raise `UnsupportedModel` for shapes that the served graph cannot hold."""
    if config.architecture not in ("qwen2", "llama"):
        raise UnsupportedModel(
            f"{where}: architecture {config.architecture!r} is not served; "
            "use a model of the qwen2 or llama family"
        )
    if config.heads % config.kv_heads:
        raise UnsupportedModel(
            f"{where}: {config.heads} attention heads do not divide into {config.kv_heads} "
            "key-value heads; the file is damaged or of another family"
        )
