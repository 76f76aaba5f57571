"""EDGE gguf: a GGUF file as a `WeightSource`; tensors are dequantised with numpy, one at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from homespun.models.errors import ModelDamaged, ModelsError, UnsupportedModel
from homespun.models.weights.gguf_header import check_header
from homespun.models.weights.source import DecoderConfig, Float32, TokenizerData, check_supported

TOP_LEVEL_NAMES = {"embedding": "token_embd", "head": "output", "norm": "output_norm"}
LAYER_NAMES = {
    "attn_norm": "attn_norm.weight",
    "ffn_norm": "ffn_norm.weight",
    "q": "attn_q.weight",
    "k": "attn_k.weight",
    "v": "attn_v.weight",
    "o": "attn_output.weight",
    "gate": "ffn_gate.weight",
    "up": "ffn_up.weight",
    "down": "ffn_down.weight",
    "q_bias": "attn_q.bias",
    "k_bias": "attn_k.bias",
    "v_bias": "attn_v.bias",
}
_NORMAL_TOKEN = 1  # gguf.TokenType.NORMAL; everything else is control, user-defined, unused …


class GgufSource:
    """Reads a GGUF file of the qwen2 or llama family."""

    def __init__(self, path: Path) -> None:
        """Open the file. Raises `ModelDamaged` if it is no readable GGUF, `UnsupportedModel`."""
        from homespun.models.weights.gguf_reader import PlainReader

        self._path = path
        with self._readable():
            check_header(path)
            self._reader: Any = PlainReader(str(path))
            self._tensors = {tensor.name: tensor for tensor in self._reader.tensors}
            self.config = self._read_config()
            check_supported(self.config, where=str(path))

    def has(self, name: str) -> bool:
        """Tell whether the source holds the tensor."""
        return file_name(name) in self._tensors

    def tensor(self, name: str) -> Float32:
        """Return one tensor as float32, matrices as `(out_features, in_features)`."""
        import gguf

        tensor = self._tensors[file_name(name)]
        with self._readable():
            try:
                values = gguf.dequantize(tensor.data, tensor.tensor_type)
            except NotImplementedError as error:
                raise UnsupportedModel(
                    f"{str(self._path)!r}: tensor type {tensor.tensor_type.name} of "
                    f"{tensor.name!r} cannot be read; use a file with K-quants, Q8_0 or F16"
                ) from error
            shape = tuple(int(size) for size in reversed(tensor.shape))
            return np.ascontiguousarray(values.reshape(shape), dtype=np.float32)

    def tokenizer_json(self) -> TokenizerData:
        """Build a byte-level BPE from the vocabulary and merges of the file."""
        with self._readable():
            return self._tokenizer()

    @contextmanager
    def _readable(self) -> Iterator[None]:
        """Turn whatever a library raises on bytes that make no sense into `ModelDamaged`."""
        try:
            yield
        except ModelsError:
            raise
        except Exception as error:
            raise ModelDamaged(
                f"{str(self._path)!r} is not a readable GGUF file "
                f"({type(error).__name__}: {error}); fetch it again"
            ) from error

    def _tokenizer(self) -> TokenizerData:
        from homespun.models.weights.tokenizer import byte_level_bpe

        if self._value("tokenizer.ggml.model") != "gpt2":
            raise UnsupportedModel(
                f"{str(self._path)!r}: tokenizer {self._value('tokenizer.ggml.model')!r} is not "
                "byte-level BPE; use a GGUF file of a model with such a tokenizer"
            )
        tokens: list[str] = self._value("tokenizer.ggml.tokens")
        types: list[int] = self._value("tokenizer.ggml.token_type")
        normal = {t: i for i, (t, kind) in enumerate(zip(tokens, types, strict=True)) if kind == 1}
        control = {
            t: i
            for i, (t, kind) in enumerate(zip(tokens, types, strict=True))
            if kind != _NORMAL_TOKEN
        }
        return TokenizerData(byte_level_bpe(normal, self._value("tokenizer.ggml.merges")), control)

    def _value(self, key: str) -> Any:  # noqa: ANN401  (GGUF metadata is typed by the file)
        field = self._reader.fields.get(key)
        if field is None:
            raise ModelDamaged(f"{str(self._path)!r} has no {key!r}; it is not a complete model")
        return field.contents()

    def _read_config(self) -> DecoderConfig:
        architecture = str(self._value("general.architecture"))
        if architecture not in ("qwen2", "llama"):
            raise UnsupportedModel(
                f"{str(self._path)!r}: architecture {architecture!r} is not served; "
                "use a model of the qwen2 or llama family"
            )

        def number(key: str) -> float:
            return float(self._value(f"{architecture}.{key}"))

        hidden, heads = int(number("embedding_length")), int(number("attention.head_count"))
        return DecoderConfig(
            architecture=architecture,
            layers=int(number("block_count")),
            hidden=hidden,
            heads=heads,
            kv_heads=int(number("attention.head_count_kv")),
            head_dim=hidden // heads,
            feed_forward=int(number("feed_forward_length")),
            vocabulary=len(self._value("tokenizer.ggml.tokens")),
            norm_epsilon=number("attention.layer_norm_rms_epsilon"),
            rope_theta=number("rope.freq_base"),
            rope_interleaved=architecture == "llama",
            context_tokens=int(number("context_length")),
        )


def file_name(name: str) -> str:
    """Return what a GGUF file calls a tensor: "3.q" is blk.3.attn_q.weight."""
    if name in TOP_LEVEL_NAMES:
        return f"{TOP_LEVEL_NAMES[name]}.weight"
    layer, part = name.split(".", 1)
    return f"blk.{layer}.{LAYER_NAMES[part]}"
