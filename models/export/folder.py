"""A model as shipped, written as transformers, vLLM and llama.cpp's converter read it.

What an adapter was merged into is the float weights that the served form was made of, so a server
with the exported folder and the model in this process differ by rounding only.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from homespun.models.convert.convert import has_head_of_its_own
from homespun.models.errors import UnsupportedModel
from homespun.models.types import FimTokens
from homespun.models.weights.safetensors import LAYER_PARTS
from homespun.models.weights.safetensors_file import file_head
from homespun.models.weights.source import Float32, TokenizerData, WeightSource, tensor_shape
from homespun.progress import NoProgress, Progress
from homespun.storage import (
    make_private_folder,
    open_private,
    replace,
    require_space,
    write_private,
)

_BYTES = 2  # of a bfloat16
_DRAFT = ".building"


def write_folder(
    source: WeightSource, target: Path, *, fim: FimTokens, progress: Progress | None = None
) -> Path:
    """Write config, tokenizer and bfloat16 safetensors to the folder `target`; return it.

    Raises `UnsupportedModel` for another family than qwen2, and `StorageFull`.
    """
    check_exportable(source)
    progress = progress or NoProgress()
    make_private_folder(target)
    tokenizer = source.tokenizer_json()
    ends = [tokenizer.control[name] for name in fim.end if name in tokenizer.control]
    is_tied = not has_head_of_its_own(source, source.tensor("embedding"))
    _write_tensors(source, target / "model.safetensors", is_tied=is_tied, progress=progress)
    files = {
        "config.json": _config(source, ends, is_tied=is_tied),
        "generation_config.json": {"eos_token_id": ends, "do_sample": False},
        "tokenizer.json": _tokenizer(tokenizer),
        "tokenizer_config.json": {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "model_max_length": source.config.context_tokens,
            "eos_token": fim.end[0],
            "pad_token": fim.end[0],
            "clean_up_tokenization_spaces": False,
        },
    }
    for name, body in files.items():
        write_private(target / name, json.dumps(body, ensure_ascii=False, indent=1))
    return target


def check_exportable(source: WeightSource) -> None:
    """Raise `UnsupportedModel` for a family that is not written."""
    if source.config.architecture != "qwen2":
        raise UnsupportedModel(
            f"a model of the family {source.config.architecture!r} is not exported; serve its "
            "original files"
        )


def names_of(source: WeightSource, *, is_tied: bool) -> Iterator[tuple[str, str]]:
    """Yield each tensor's name here and in transformers."""
    yield "embedding", "model.embed_tokens.weight"
    for layer in range(source.config.layers):
        for part, name in LAYER_PARTS.items():
            yield f"{layer}.{part}", f"model.layers.{layer}.{name}"
    yield "norm", "model.norm.weight"
    if not is_tied:
        yield "head", "lm_head.weight"


def _write_tensors(source: WeightSource, file: Path, *, is_tied: bool, progress: Progress) -> None:
    """Write a safetensors file, a tensor in memory at a time."""
    names = list(names_of(source, is_tied=is_tied))
    shapes = {there: tensor_shape(source.config, name) for name, there in names}
    require_space(file.parent, sum(_BYTES * math.prod(shape) for shape in shapes.values()))
    draft = file.with_name(file.name + _DRAFT)
    progress.start(f"writing {file.name}", len(names), "tensors")
    draft.unlink(missing_ok=True)
    with open_private(draft) as stream:
        stream.write(file_head(shapes, "BF16", {"format": "pt"}))
        for name, _ in names:
            stream.write(bfloat16(source.tensor(name)).tobytes())
            progress.advance(1)
    replace(draft, file)
    progress.finish()


def bfloat16(values: Float32) -> npt.NDArray[np.uint16]:
    """Return the upper halves of float32, rounded to the nearest, ties to even; same shape."""
    bits = np.ascontiguousarray(values, np.float32).view(np.uint32)
    rounded = bits + np.uint32(0x7FFF) + ((bits >> np.uint32(16)) & np.uint32(1))
    return (rounded >> np.uint32(16)).astype(np.uint16)


def _config(source: WeightSource, ends: list[int], *, is_tied: bool) -> Mapping[str, object]:
    shape = source.config
    return {
        "architectures": ["Qwen2ForCausalLM"],
        "model_type": "qwen2",
        "vocab_size": shape.vocabulary,
        "hidden_size": shape.hidden,
        "intermediate_size": shape.feed_forward,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.kv_heads,
        "max_position_embeddings": shape.context_tokens,
        "rms_norm_eps": shape.norm_epsilon,
        "rope_theta": shape.rope_theta,
        "rope_parameters": {"rope_type": "default", "rope_theta": shape.rope_theta},
        "hidden_act": "silu",
        "tie_word_embeddings": is_tied,
        "torch_dtype": "bfloat16",
        "eos_token_id": ends[0] if len(ends) == 1 else ends,
        "use_sliding_window": False,
        # Whose form this is. Without, they say of any tokenizer that it is Mistral's and broken.
        "transformers_version": "5.0.0",
    }


def _tokenizer(tokenizer: TokenizerData) -> Mapping[str, object]:
    """Return a `tokenizer.json` that knows the control tokens again."""
    body: dict[str, Any] = json.loads(tokenizer.json)
    body["added_tokens"] = [
        {
            "id": number,
            "content": name,
            "single_word": False,
            "lstrip": False,
            "rstrip": False,
            "normalized": False,
            "special": True,
        }
        for name, number in sorted(tokenizer.control.items(), key=lambda pair: pair[1])
    ]
    return body
