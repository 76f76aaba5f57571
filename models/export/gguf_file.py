"""EDGE gguf: a model as shipped, written as llama.cpp, Ollama and LM Studio read it, in Q8_0."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from homespun.models.convert.convert import has_head_of_its_own
from homespun.models.errors import UnsupportedModel
from homespun.models.export.folder import check_exportable
from homespun.models.types import FimTokens
from homespun.models.weights.draft_gguf import gguf_file
from homespun.models.weights.gguf import LAYER_NAMES, TOP_LEVEL_NAMES, file_name
from homespun.models.weights.source import TokenizerData, WeightSource
from homespun.models.weights.tokenizer import BpeTokenizer, byte_level_bpe
from homespun.progress import NoProgress, Progress
from homespun.storage import make_private_folder

_CONTROL, _NORMAL, _UNUSED = 3, 1, 5  # gguf.TokenType
_SAMPLE = "def total(items):\n    return sum(items)  # it's 1234\n\n\n\tname = 'é 漢字'\n"


def write_gguf(
    source: WeightSource,
    file: Path,
    *,
    name: str,
    fim: FimTokens,
    progress: Progress | None = None,
) -> Path:
    """Write the GGUF file of a model called `name`; return it.

    Raises `UnsupportedModel` for another family than qwen2.
    """
    import gguf

    check_exportable(source)
    _check_tokenizer(source.tokenizer_json())
    progress = progress or NoProgress()
    make_private_folder(file.parent)
    names = _names(source)
    progress.start(f"writing {file.name}", len(names), "tensors")
    with gguf_file(file, "qwen2") as writer:
        writer.add_name(name)
        writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q8_0)
        _add_shape(writer, source)
        _add_tokenizer(writer, source.tokenizer_json(), source.config.vocabulary, fim)
        for each in names:
            values = source.tensor(each)
            if values.ndim == 1:
                writer.add_tensor(file_name(each), values)
            else:
                kind = gguf.GGMLQuantizationType.Q8_0
                packed = gguf.quants.quantize(values, kind)
                writer.add_tensor(file_name(each), packed, raw_dtype=kind)
            progress.advance(1)
    progress.finish()
    return file


def _check_tokenizer(tokenizer: TokenizerData) -> None:
    """Raise `UnsupportedModel` for one that is not Qwen's, which is what the file says it is."""
    model = json.loads(tokenizer.json)["model"]
    as_read = BpeTokenizer(byte_level_bpe(model["vocab"], _merges(model)), {})
    if as_read.encode(_SAMPLE) != BpeTokenizer(tokenizer.json, {}).encode(_SAMPLE):
        raise UnsupportedModel(
            "the tokenizer of this model cuts text in another way than Qwen's, and llama.cpp would "
            "not; export it as safetensors"
        )


def _merges(model: Mapping[str, Any]) -> list[str]:
    return [each if isinstance(each, str) else " ".join(each) for each in model["merges"]]


def _names(source: WeightSource) -> list[str]:
    """Return the canonical names of the tensors that are written."""
    top = list(TOP_LEVEL_NAMES)
    if not has_head_of_its_own(source, source.tensor("embedding")):
        top.remove("head")  # llama.cpp takes the embedding then
    layers = range(source.config.layers)
    return [*top, *(f"{layer}.{part}" for layer in layers for part in LAYER_NAMES)]


def _add_shape(writer: Any, source: WeightSource) -> None:  # noqa: ANN401 - untyped library
    shape = source.config
    writer.add_block_count(shape.layers)
    writer.add_context_length(shape.context_tokens)
    writer.add_embedding_length(shape.hidden)
    writer.add_feed_forward_length(shape.feed_forward)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.kv_heads)
    writer.add_layer_norm_rms_eps(shape.norm_epsilon)
    writer.add_rope_freq_base(shape.rope_theta)


def _add_tokenizer(
    writer: Any,  # noqa: ANN401 - untyped library
    tokenizer: TokenizerData,
    vocabulary: int,
    fim: FimTokens,
) -> None:
    model = json.loads(tokenizer.json)["model"]
    names = {number: name for name, number in model["vocab"].items()}
    controls = {number: name for name, number in tokenizer.control.items()}
    tokens, kinds = [], []
    for number in range(vocabulary):
        kind = _CONTROL if number in controls else _NORMAL if number in names else _UNUSED
        tokens.append(controls.get(number) or names.get(number) or f"[PAD{number}]")
        kinds.append(kind)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list(tokens)
    writer.add_token_types(kinds)
    writer.add_token_merges(_merges(model))
    writer.add_add_bos_token(False)
    end = tokenizer.control[fim.end[0]]
    writer.add_eos_token_id(end)
    writer.add_pad_token_id(end)
    marks = {"pre": fim.prefix, "suf": fim.suffix, "mid": fim.middle}
    marks |= {"rep": fim.repo_name, "sep": fim.file_sep}
    for mark, control in marks.items():
        if control in tokenizer.control:
            number = tokenizer.control[control]
            writer.add_uint32(f"tokenizer.ggml.fim_{mark}_token_id", number)
