"""The files of a converted model and their manifest: what `convert` writes and the loaders read.

A served directory counts only with its `manifest.json`, which is written last.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from homespun.models.errors import ModelDamaged
from homespun.models.types import MODEL_AS_SHIPPED, FimTokens
from homespun.parsing import read_json

CONVERTER_VERSION = 4  # raise it whenever a converter writes something else
MANIFEST = "manifest.json"
_MAX_MANIFEST_BYTES = 16_000_000


@dataclass(frozen=True, slots=True)
class DecoderForm:
    """Where a served generator's files are and what shape they have."""

    name: str
    directory: Path
    fim: FimTokens
    control: Mapping[str, int]  # control token -> id
    layers: int
    hidden: int
    kv_heads: int
    head_dim: int
    vocabulary: int
    context_tokens: int
    has_head: bool  # False: the output layer is the embedding table
    screen_margin: float  # logits; how far the 4-bit output layer may be wrong
    adapter: str = MODEL_AS_SHIPPED  # what was merged into the weights, by name

    @property
    def graph_path(self) -> Path:
        """Return the ONNX graph."""
        return self.directory / "decoder.onnx"

    @property
    def embedding_path(self) -> Path:
        """Return the embedding table, `(vocabulary, hidden)` int8, raw."""
        return self.directory / "embedding.int8"

    @property
    def embedding_scale_path(self) -> Path:
        """Return the table's row scales, `(vocabulary,)` float32, raw."""
        return self.directory / "embedding_scale.float32"

    @property
    def head_path(self) -> Path:
        """Return the output layer, `(vocabulary, hidden)` int8, raw."""
        return self.directory / "head.int8" if self.has_head else self.embedding_path

    @property
    def head_scale_path(self) -> Path:
        """Return the output layer's row scales, `(vocabulary,)` float32, raw."""
        if self.has_head:
            return self.directory / "head_scale.float32"
        return self.embedding_scale_path

    def tokenizer_json(self) -> str:
        """Return the tokenizer without control tokens, in the `tokenizers` JSON format."""
        return (self.directory / "tokenizer.json").read_text(encoding="utf-8")


def read_manifest(directory: Path) -> dict[str, Any] | None:
    """Return the manifest, None when there is none or it is unreadable (then convert again)."""
    try:
        manifest = read_json(directory / MANIFEST, max_bytes=_MAX_MANIFEST_BYTES)
    except (OSError, ValueError):
        return None
    return manifest if isinstance(manifest, dict) else None


def is_current(
    directory: Path,
    source_sha256: str,
    *,
    bits: int | None = None,
    adapters: Sequence[str] = (),
) -> bool:
    """Tell whether a served directory is complete and made from these bytes by this converter.

    `adapters` are the hashes of what was merged into the original weights, in order.
    """
    manifest = read_manifest(directory)
    if manifest is None or manifest.get("converter_version") != CONVERTER_VERSION:
        return False
    if manifest.get("source_sha256") != source_sha256:
        return False
    if manifest.get("adapters", []) != list(adapters):
        return False
    if bits is not None and manifest.get("bits") != bits:
        return False
    sizes = {name: facts["bytes"] for name, facts in manifest.get("files", {}).items()}
    return all(_size(directory / name) == size for name, size in sizes.items())


def check_files(directory: Path) -> None:
    """Hash every served file. Raises `ModelDamaged` naming the first that is not as converted."""
    manifest = read_manifest(directory)
    if manifest is None:
        raise ModelDamaged(f"{str(directory)!r} has no readable {MANIFEST}; convert it again")
    for name, facts in manifest["files"].items():
        path = directory / name
        if _size(path) != facts["bytes"] or file_sha256(path) != facts["sha256"]:
            raise ModelDamaged(
                f"{str(path)!r} is damaged: its sha256 is not {facts['sha256']}; "
                "run `homespun models fetch` to convert it again"
            )


def file_sha256(path: Path) -> str:
    """Return the sha256 of a file, hex."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return -1
