"""Original weights to the served form: int8 ONNX, written beside the target and renamed.

No torch: numpy dequantises and quantises, `onnx` writes the graph. A conversion that is killed
leaves a `*.building` folder that the next one removes.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import numpy as np

from homespun.models.convert.calibration import calibration_ids
from homespun.models.convert.decoder_graph import MAX_POSITIONS, write_decoder
from homespun.models.convert.encoder_graph import BertShape, write_encoder
from homespun.models.convert.onnx_writer import GraphWriter
from homespun.models.convert.parity import reference
from homespun.models.convert.quantize import UInt8, quantize_blocks, quantize_rows, restore_blocks
from homespun.models.convert.served_form import CONVERTER_VERSION, MANIFEST, file_sha256
from homespun.models.convert.smoothquant import SmoothedSource
from homespun.models.types import FimTokens
from homespun.models.weights.safetensors_file import SafetensorsFile
from homespun.models.weights.source import Float32, WeightSource
from homespun.models.weights.tokenizer import BpeTokenizer
from homespun.progress import Progress
from homespun.storage import copy_private, make_private_folder, write_private

_MARGIN_ROWS = 64  # final states that show the error of the screening output layer
_MARGIN_PIECE = 8192  # rows of the output layer at a time


def convert_decoder(
    source: WeightSource,
    target: Path,
    *,
    name: str,
    fim: FimTokens,
    source_sha256: str,
    bits: int,
    progress: Progress,
    facts: Mapping[str, object] | None = None,
) -> None:
    """Write the served form of a generator to `target`, replacing what was there.

    `facts` go into its manifest: which adapters are merged into `source`; then what the float32
    weights say goes there too, to compare the served form with.
    """
    config = source.config
    progress.start(f"convert {name}", config.layers + 2, "layers")
    with _building(target) as directory:
        tokenizer = source.tokenizer_json()
        write_private(directory / "tokenizer.json", tokenizer.json)
        # One table for both ends: original files often quantise the output layer apart, and the
        # tied table differs from it by 6e-4 on average.
        embedding = source.tensor("embedding")
        _write_table(directory, "embedding", embedding)
        head = source.tensor("head") if has_head_of_its_own(source, embedding) else embedding
        if head is not embedding:
            _write_table(directory, "head", head)
        screen = quantize_blocks(head)
        progress.advance(1)
        ids = calibration_ids(BpeTokenizer(tokenizer.json, tokenizer.control), fim)
        ids = ids[: config.context_tokens]
        with GraphWriter(directory, "decoder", bits=bits) as graph:
            smoothed = SmoothedSource(source, embedding[ids])
            write_decoder(graph, smoothed, screen=screen, layer_done=lambda: progress.advance(1))
        _write_manifest(
            directory,
            {
                "kind": "generator",
                "name": name,
                "source_sha256": source_sha256,
                "bits": bits,
                "fim": asdict(fim),
                "control": dict(tokenizer.control),
                "layers": config.layers,
                "hidden": config.hidden,
                "kv_heads": config.kv_heads,
                "head_dim": config.head_dim,
                "vocabulary": len(embedding),
                "has_head": head is not embedding,
                "screen_margin": _screen_margin(smoothed.final(), head, screen),
                "context_tokens": min(config.context_tokens, MAX_POSITIONS),
                **({"parity": reference(smoothed.final(), head, ids)} if facts else {}),
                **(facts or {}),
            },
        )
        progress.advance(1)
    progress.finish()


def convert_encoder(
    source: Path, target: Path, *, name: str, source_sha256: str, bits: int, progress: Progress
) -> None:
    """Write the served form of a sentence encoder (`model.safetensors`, `tokenizer.json`)."""
    progress.start(f"convert {name}", 1, "models")
    with _building(target) as directory:
        copy_private(source / "tokenizer.json", directory / "tokenizer.json")
        with GraphWriter(directory, "encoder", bits=bits) as graph:
            weights = SafetensorsFile(source / "model.safetensors")
            dimensions = write_encoder(graph, weights, BertShape())
        _write_manifest(
            directory,
            {
                "kind": "encoder",
                "name": name,
                "source_sha256": source_sha256,
                "bits": bits,
                "dimensions": dimensions,
            },
        )
        progress.advance(1)
    progress.finish()


def _write_table(directory: Path, name: str, weight: Float32) -> None:
    """Write `NAME.int8` and `NAME_scale.float32`, both raw; 8 bits always: no kernel adds them."""
    table, scale = quantize_rows(weight, bits=8)
    table.tofile(directory / f"{name}.int8")
    scale.tofile(directory / f"{name}_scale.float32")


def _screen_margin(hidden: Float32, head: Float32, screen: tuple[UInt8, Float32]) -> float:
    """Return how far below the best screened logit the really best token can be: ten errors.

    The error is the root mean square of what 4 bits change in the logits of some final states
    `hidden` `(tokens, hidden)`; measured gaps stay below four of them (docs/log.md).
    """
    some = hidden[:: max(1, len(hidden) // _MARGIN_ROWS)]
    total = 0.0
    for start in range(0, len(head), _MARGIN_PIECE):
        piece = slice(start, start + _MARGIN_PIECE)
        rounded = restore_blocks(screen[0][piece], screen[1][piece], columns=head.shape[1])
        total += float(np.sum(np.square(some @ (rounded - head[piece]).T), dtype=np.float64))
    return 10 * float(np.sqrt(total / (len(some) * len(head))))


def has_head_of_its_own(source: WeightSource, embedding: Float32) -> bool:
    """Tell whether the output layer really differs from the embedding.

    Qwen's GGUF files store a second, differently quantised copy of the tied matrix; a model that
    was trained untied has rows of another direction altogether.
    """
    if not source.has("head"):
        return False
    head = source.tensor("head")
    dot = float(np.vdot(head, embedding))
    norms = float(np.linalg.norm(head)) * float(np.linalg.norm(embedding))
    return dot < 0.99 * norms


@contextmanager
def _building(target: Path) -> Iterator[Path]:
    """Give a fresh folder beside the target; rename it into place when all went well."""
    directory = target.with_name(target.name + ".building")
    shutil.rmtree(directory, ignore_errors=True)
    make_private_folder(directory)
    try:
        yield directory
        shutil.rmtree(target, ignore_errors=True)
        os.replace(directory, target)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _write_manifest(directory: Path, facts: Mapping[str, object]) -> None:
    files = {
        path.name: {"bytes": path.stat().st_size, "sha256": file_sha256(path)}
        for path in sorted(directory.iterdir())
    }
    body = {"converter_version": CONVERTER_VERSION, **facts, "files": files}
    text = json.dumps(body, indent=1, sort_keys=True)
    write_private(directory / MANIFEST, text)
