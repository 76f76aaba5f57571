"""A LoRA in peft's own folder form, and weights with such adapters merged into them.

Read with numpy alone: what serves needs no torch. Only plain LoRA on the linear layers is taken:
its delta is `scale * B @ A`, where scale is alpha / r, or alpha / sqrt(r) for rank-stabilised LoRA
(peft 0.21, `LoraLayer.update_layer`). Whatever else a configuration asks for is refused, because
leaving it out would give other weights than the ones that were judged.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from homespun.models.errors import AdapterDamaged, AdapterUnfit, ModelsError
from homespun.models.weights.safetensors import LAYER_PARTS
from homespun.models.weights.safetensors_file import SafetensorsFile
from homespun.models.weights.source import DecoderConfig, Float32, TokenizerData, WeightSource
from homespun.parsing import read_json

WEIGHTS = "adapter_model.safetensors"
CONFIG = "adapter_config.json"
_MAX_CONFIG_BYTES = 1_000_000
_MAX_WEIGHT_BYTES = 2_000_000_000  # all of it is held in memory; rank 64 of a 7B model has 0.6 GB
_MAX_RANK = 1_024
_PARTS = {
    name.removesuffix(".weight"): part
    for part, name in LAYER_PARTS.items()
    if name.endswith("_proj.weight")
}
_TENSOR = re.compile(
    r"base_model\.model\.(model\.layers\.(\d{1,4})\.(\w+\.\w+))\.lora_([AB])\.weight"
)
# What peft writes as the key of a rank or an alpha: a module's name or the end of one. Anything
# else is a regular expression of the adapter's, and is never run: one can be made to take hours.
_MODULE_NAME = re.compile(r"\^?\w+(?:\\?\.\w+)*")
_MAX_PATTERNS = 4_096  # more than any model has linear layers
# Setting of peft -> how a sentence calls what it asks for; each must be empty or false.
_REFUSED = {
    "use_dora": "DoRA",
    "modules_to_save": "whole modules saved beside the LoRA (modules_to_save)",
    "lora_bias": "biases of its own (lora_bias)",
    "fan_in_fan_out": "transposed weights (fan_in_fan_out)",
    "trainable_token_indices": "trained token embeddings (trainable_token_indices)",
    "target_parameters": "bare parameters as targets (target_parameters)",
    "layer_replication": "replicated layers (layer_replication)",
    "alora_invocation_tokens": "activated LoRA (alora_invocation_tokens)",
    "use_qalora": "QALoRA",
    "use_bdlora": "block-diagonal LoRA",
    "kasa_config": "KaSA",
    "monteclora_config": "MonteCLoRA",
    "arrow_config": "Arrow routing",
}
# These train from other base weights than the ones they were given.
_MOVES_BASE = ("pissa", "olora", "corda", "loftq", "lora_ga", "mica")


_Patterns = Sequence[tuple[re.Pattern[str], Any]]  # names of modules, and the value of each


@dataclass(frozen=True, slots=True)
class _Pair:
    """The two factors of one layer's delta."""

    a: Float32  # (rank, in_features)
    b: Float32  # (out_features, rank)
    scale: float


class LoraWeights:
    """The deltas of one adapter by canonical name ("3.q", "0.down", …), all in memory."""

    def __init__(self, where: str, pairs: Mapping[str, _Pair]) -> None:
        """Take the factors; `LoraWeights.open` is the way in."""
        self.where = where  # for sentences
        self._pairs = dict(pairs)

    @classmethod
    def open(cls, directory: Path) -> LoraWeights:
        """Read `adapter_config.json` and `adapter_model.safetensors` of a folder.

        Raises `AdapterDamaged` (unreadable, incomplete, not finite), `AdapterUnfit` (no plain
        LoRA). Pickled weights (`adapter_model.bin`) are never loaded.
        """
        config = _read_config(directory)
        ranks = _patterns(config, "rank_pattern", directory)
        alphas = _patterns(config, "alpha_pattern", directory)
        file = _open_weights(directory)
        factors: dict[str, dict[str, Float32]] = {}
        modules: dict[str, str] = {}
        for name in file.names():
            match = _TENSOR.fullmatch(name)
            part = _PARTS.get(match[3]) if match else None
            if match is None or part is None:
                raise AdapterUnfit(_odd_tensor(directory, name))
            canonical = f"{int(match[2])}.{part}"
            modules[canonical] = match[1]
            factors.setdefault(canonical, {})[match[4]] = _read_factor(file, directory, name)
        if not factors:
            raise AdapterDamaged(f"{str(directory / WEIGHTS)!r} holds no tensor; train it again")
        pairs = {
            name: _pair(config, ranks, alphas, directory, modules[name], found)
            for name, found in factors.items()
        }
        return cls(str(directory), pairs)

    def names(self) -> tuple[str, ...]:
        """Return the canonical names that have a delta."""
        return tuple(self._pairs)

    def shape(self, name: str) -> tuple[int, int]:
        """Return `(out_features, in_features)` of a delta. Raises KeyError."""
        pair = self._pairs[name]
        return pair.b.shape[0], pair.a.shape[1]

    def factors(self, name: str) -> tuple[Float32, Float32]:
        """Return `(rank, in_features)` and `(out_features, rank)` of a delta, whose product it is.

        The scale is multiplied into the second. Raises KeyError.
        """
        pair = self._pairs[name]
        return pair.a, pair.b * np.float32(pair.scale)

    def delta(self, name: str) -> Float32 | None:
        """Return what is added to a tensor, `(out_features, in_features)`, None for nothing."""
        pair = self._pairs.get(name)
        if pair is None:
            return None
        product: Float32 = (pair.b @ pair.a) * np.float32(pair.scale)
        return product


class MergedSource:
    """A `WeightSource`: another one with adapters added to its weights, in float32 and in order."""

    def __init__(self, source: WeightSource, adapters: Sequence[LoraWeights]) -> None:
        """Wrap `source`. Raises `AdapterUnfit` where an adapter has other shapes."""
        self.config = source.config
        self._source = source
        self._adapters = tuple(adapters)
        for adapter in self._adapters:
            _check_shapes(adapter, source.config)

    def has(self, name: str) -> bool:
        """Tell whether the source holds the tensor."""
        return self._source.has(name)

    def tensor(self, name: str) -> Float32:
        """Return one tensor with all deltas added. Raises KeyError."""
        tensor = self._source.tensor(name)
        for adapter in self._adapters:
            delta = adapter.delta(name)
            if delta is not None:
                tensor = tensor + delta
        return tensor

    def tokenizer_json(self) -> TokenizerData:
        """Return the source's tokenizer."""
        return self._source.tokenizer_json()


def module_name(name: str) -> str:
    """Return what transformers calls a linear layer: "3.q" is model.layers.3.self_attn.q_proj."""
    layer, _, part = name.partition(".")
    return f"model.layers.{layer}.{LAYER_PARTS[part].removesuffix('.weight')}"


def _read_config(directory: Path) -> Mapping[str, Any]:
    path = directory / CONFIG
    try:
        config = read_json(path, max_bytes=_MAX_CONFIG_BYTES)
        if not isinstance(config, dict):
            raise ValueError(f"it holds {config!r}, not an object")
    except (OSError, ValueError) as error:
        raise AdapterDamaged(
            f"{str(path)!r} is not a readable adapter configuration ({error}); train it again"
        ) from error
    if config.get("peft_type") != "LORA":
        raise AdapterUnfit(
            f"{str(path)!r} describes an adapter of type {config.get('peft_type')!r}; only LORA "
            "is merged"
        )
    if config.get("bias", "none") != "none":
        raise AdapterUnfit(_refusal(path, f"trained biases (bias = {str(config['bias'])[:80]!r})"))
    for key, what in _REFUSED.items():
        if config.get(key):
            raise AdapterUnfit(_refusal(path, what))
    start = config.get("init_lora_weights", True)
    if isinstance(start, str) and start.lower().startswith(_MOVES_BASE):
        raise AdapterUnfit(_refusal(path, f"changed base weights (init_lora_weights = {start!r})"))
    return config


def _refusal(path: Path, what: str) -> str:
    return (
        f"{str(path)!r} asks for {what}, which is not merged; "
        "train plain LoRA on the linear layers of attention and feed-forward"
    )


def _open_weights(directory: Path) -> SafetensorsFile:
    path = directory / WEIGHTS
    if not path.is_file():
        pickled = (directory / "adapter_model.bin").exists()
        raise AdapterDamaged(
            f"{str(path)!r} is missing"
            + ("; pickled weights (adapter_model.bin) are never loaded" * pickled)
            + "; save the adapter with safetensors"
        )
    if path.stat().st_size > _MAX_WEIGHT_BYTES:
        raise AdapterUnfit(_refusal(path, f"more than {_MAX_WEIGHT_BYTES / 1e9:g} GB of weights"))
    try:
        return SafetensorsFile(path)
    except (ModelsError, KeyError, TypeError, AttributeError) as error:
        raise AdapterDamaged(
            f"{str(path)!r} is not a whole safetensors file ({error}); train it again, or take it "
            "from a backup"
        ) from error


def _read_factor(file: SafetensorsFile, directory: Path, name: str) -> Float32:
    try:
        factor = file.tensor(name)
        if factor.ndim != 2:
            raise ValueError(f"shape {factor.shape} is no matrix")
        if min(factor.shape) > _MAX_RANK:
            raise ValueError(f"rank {min(factor.shape)} is above {_MAX_RANK}")
    except (ModelsError, OSError, ValueError, TypeError) as error:
        raise AdapterDamaged(
            f"tensor {name!r} in {str(directory / WEIGHTS)!r} cannot be read ({error}); "
            "train it again"
        ) from error
    if not np.isfinite(factor).all():
        raise AdapterDamaged(
            f"tensor {name!r} in {str(directory / WEIGHTS)!r} holds values that are no numbers; "
            "its training went wrong, use an earlier adapter"
        )
    return factor


def _patterns(config: Mapping[str, Any], key: str, directory: Path) -> _Patterns:
    """Return the names of a rank or alpha pattern with their values, ready to be matched.

    Raises `AdapterUnfit` for any other regular expression, `AdapterDamaged` for no table.
    """
    table = config.get(key) or {}
    if not isinstance(table, dict):
        raise AdapterDamaged(
            f"{key!r} in {str(directory / CONFIG)!r} is {table!r}, not a table; train it again"
        )
    if len(table) > _MAX_PATTERNS:
        raise AdapterUnfit(
            f"{key!r} in {str(directory / CONFIG)!r} has {len(table)} names, more than "
            f"{_MAX_PATTERNS}; name only the layers that differ"
        )
    patterns = []
    for name, value in table.items():
        if _MODULE_NAME.fullmatch(name) is None:
            raise AdapterUnfit(
                f"{key!r} in {str(directory / CONFIG)!r} names {name[:200]!r}, which is no "
                "module's name; regular expressions of an adapter are not run: write the modules "
                "out, such as 'layers.1.mlp.down_proj'"
            )
        patterns.append((re.compile(rf"(.*\.)?({name})\Z"), value))
    return patterns


def _pair(
    config: Mapping[str, Any],
    ranks: _Patterns,
    alphas: _Patterns,
    directory: Path,
    module: str,
    found: Mapping[str, Float32],
) -> _Pair:
    if set(found) != {"A", "B"}:
        raise AdapterDamaged(
            f"{str(directory / WEIGHTS)!r} holds only one factor of {module!r}; train it again"
        )
    a, b = found["A"], found["B"]
    try:
        rank = int(_by_pattern(ranks, module, config["r"]))
        alpha = float(_by_pattern(alphas, module, config["lora_alpha"]))
        if not math.isfinite(alpha):
            raise ValueError(f"alpha is {alpha}")
    except (KeyError, TypeError, ValueError) as error:
        raise AdapterDamaged(
            f"{str(directory / CONFIG)!r} has no usable rank and alpha ({error!r}); train it again"
        ) from error
    if not a.shape[0] == b.shape[1] == rank or rank < 1:
        raise AdapterDamaged(
            f"{module!r} in {str(directory)!r} has factors of rank {a.shape[0]} and {b.shape[1]} "
            f"where {CONFIG} says {rank}; the two files are not of one adapter"
        )
    return _Pair(a, b, alpha / math.sqrt(rank) if config.get("use_rslora") else alpha / rank)


def _by_pattern(patterns: _Patterns, module: str, default: object) -> Any:  # noqa: ANN401
    """Return the value of the first pattern that fits a module's name, as peft chooses it."""
    for pattern, value in patterns:
        if pattern.match(module):
            return value
    return default


def _odd_tensor(directory: Path, name: str) -> str:
    return (
        f"tensor {name!r} in {str(directory / WEIGHTS)!r} is no LoRA factor of a linear layer; "
        "train plain LoRA on q, k, v, o, gate, up and down alone"
    )


def _check_shapes(adapter: LoraWeights, config: DecoderConfig) -> None:
    if config.rope_interleaved:
        raise AdapterUnfit(
            f"{adapter.where!r} cannot be merged into a GGUF file of the llama family, which "
            "stores its attention in another order; use the model's safetensors directory"
        )
    inner, kv = config.heads * config.head_dim, config.kv_heads * config.head_dim
    shapes = {
        "q": (inner, config.hidden),
        "k": (kv, config.hidden),
        "v": (kv, config.hidden),
        "o": (config.hidden, inner),
        "gate": (config.feed_forward, config.hidden),
        "up": (config.feed_forward, config.hidden),
        "down": (config.hidden, config.feed_forward),
    }
    for name in adapter.names():
        layer, part = name.split(".")
        if int(layer) >= config.layers:
            raise AdapterUnfit(
                f"{adapter.where!r} changes layer {layer} of a model that has {config.layers}; "
                "it was made for another model"
            )
        if adapter.shape(name) != shapes[part]:
            raise AdapterUnfit(
                f"{adapter.where!r} changes {name!r} by {adapter.shape(name)} where the model has "
                f"{shapes[part]}; it was made for another model"
            )
