"""A Hugging Face model directory (config.json, *.safetensors, tokenizer.json) as a source."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from homespun.models.errors import ModelDamaged, ModelMissing
from homespun.models.weights.safetensors_file import SafetensorsFile
from homespun.models.weights.source import DecoderConfig, Float32, TokenizerData, check_supported
from homespun.parsing import parse_json

_TOP_LEVEL = {
    "embedding": "model.embed_tokens.weight",
    "head": "lm_head.weight",
    "norm": "model.norm.weight",
}
# Canonical part of a layer -> its name below `model.layers.N.` in transformers.
LAYER_PARTS = {
    "attn_norm": "input_layernorm.weight",
    "ffn_norm": "post_attention_layernorm.weight",
    "q": "self_attn.q_proj.weight",
    "k": "self_attn.k_proj.weight",
    "v": "self_attn.v_proj.weight",
    "o": "self_attn.o_proj.weight",
    "gate": "mlp.gate_proj.weight",
    "up": "mlp.up_proj.weight",
    "down": "mlp.down_proj.weight",
    "q_bias": "self_attn.q_proj.bias",
    "k_bias": "self_attn.k_proj.bias",
    "v_bias": "self_attn.v_proj.bias",
}


class SafetensorsSource:
    """Reads a model directory; pickled weights (`pytorch_model.bin`) are refused."""

    def __init__(self, directory: Path) -> None:
        """Open all weight files. Raises `ModelMissing`, `ModelDamaged`, `UnsupportedModel`."""
        self._directory = directory
        paths = sorted(directory.glob("*.safetensors"))
        if not paths:
            raise ModelMissing(
                f"{str(directory)!r} holds no *.safetensors file; pickled weights are never "
                "loaded, so save the model with safetensors"
            )
        self._files = {name: file for file in map(SafetensorsFile, paths) for name in file.names()}
        self.config = _read_config(directory / "config.json")
        check_supported(self.config, where=str(directory))

    def has(self, name: str) -> bool:
        """Tell whether the source holds the tensor."""
        return _file_name(name) in self._files

    def tensor(self, name: str) -> Float32:
        """Return one tensor as float32, matrices as `(out_features, in_features)`."""
        file_name = _file_name(name)
        return self._files[file_name].tensor(file_name)

    def tokenizer_json(self) -> TokenizerData:
        """Take the directory's tokenizer apart: plain vocabulary and control tokens."""
        from homespun.models.weights.tokenizer import without_control_tokens

        path = self._directory / "tokenizer.json"
        if not path.is_file():
            raise ModelMissing(f"{str(path)!r} is missing; put the model's tokenizer.json there")
        try:
            return without_control_tokens(path.read_text(encoding="utf-8"))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ModelDamaged(
                f"{str(path)!r} is no readable tokenizer ({error!r}); use one saved by tokenizers"
            ) from error


def _read_config(path: Path) -> DecoderConfig:
    try:
        raw: dict[str, Any] = parse_json(path.read_text(encoding="utf-8"))
        rope = raw.get("rope_parameters") or {}
        heads, hidden = int(raw["num_attention_heads"]), int(raw["hidden_size"])
        return DecoderConfig(
            architecture=str(raw["model_type"]),
            layers=int(raw["num_hidden_layers"]),
            hidden=hidden,
            heads=heads,
            kv_heads=int(raw.get("num_key_value_heads") or heads),
            head_dim=int(raw.get("head_dim") or hidden // heads),
            feed_forward=int(raw["intermediate_size"]),
            vocabulary=int(raw["vocab_size"]),
            norm_epsilon=float(raw["rms_norm_eps"]),
            rope_theta=float(raw.get("rope_theta") or rope.get("rope_theta") or 10_000.0),
            rope_interleaved=False,
            context_tokens=int(raw["max_position_embeddings"]),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, ArithmeticError) as error:
        raise ModelDamaged(
            f"{str(path)!r} is not a readable model configuration ({error!r}); "
            "use a directory saved by transformers"
        ) from error


def _file_name(name: str) -> str:
    if name in _TOP_LEVEL:
        return _TOP_LEVEL[name]
    layer, part = name.split(".", 1)
    return f"model.layers.{layer}.{LAYER_PARTS[part]}"
