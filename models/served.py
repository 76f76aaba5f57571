"""From a model's name to its served form; converts when the form is missing or out of date.

Never downloads: that is `homespun.models.download.fetch`, which the user asks for by name.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from homespun.models import catalogue, paths
from homespun.models.convert import convert_decoder, convert_encoder
from homespun.models.download import local_source
from homespun.models.errors import ModelDamaged, ModelMissing, UnsupportedModel
from homespun.models.gguf_source import GgufSource
from homespun.models.quantize import int8_products_are_exact
from homespun.models.safetensors_source import SafetensorsSource
from homespun.models.served_form import (
    DecoderForm,
    file_sha256,
    is_current,
    read_manifest,
)
from homespun.models.types import FimTokens, NoProgress, Progress
from homespun.models.weights import WeightSource

_QWEN_FIM = FimTokens(
    prefix="<|fim_prefix|>",
    suffix="<|fim_suffix|>",
    middle="<|fim_middle|>",
    repo_name="<|repo_name|>",
    file_sep="<|file_sep|>",
)


@dataclass(frozen=True, slots=True)
class _Original:
    """Original weights on this machine."""

    name: str
    kind: str  # "generator" or "encoder"
    path: Path  # a GGUF file or a directory with safetensors
    sha256: str
    served: Path
    fim: FimTokens


def ensure_served(name: str, progress: Progress | None = None) -> Path:
    """Return the served directory of a catalogue name or path, converting first if need be.

    Raises `ModelMissing` when the original is not on this machine, `WrongHash` when it is not the
    pinned one, `UnsupportedModel`, `ModelDamaged`.
    """
    original = _find(name)
    bits = 8 if int8_products_are_exact() else 7
    original.served.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(str(original.served.with_suffix(".lock"))):
        if not is_current(original.served, original.sha256, bits=bits):
            if original.name in catalogue.names():
                local_source(original.name, progress)  # only pinned bytes are ever converted
            _convert(original, bits, progress or NoProgress())
    return original.served


def decoder_form(directory: Path) -> DecoderForm:
    """Read a served generator's manifest. Raises `ModelDamaged`, `UnsupportedModel`."""
    manifest = read_manifest(directory)
    if manifest is None:
        raise ModelDamaged(
            f"{str(directory)!r} has no readable manifest; run `homespun models fetch` again"
        )
    if manifest["kind"] != "generator":
        raise UnsupportedModel(
            f"{manifest['name']!r} is an {manifest['kind']} and cannot complete text; "
            "set completion.model to a generator"
        )
    fim = dict(manifest["fim"]) | {"end": tuple(manifest["fim"]["end"])}
    return DecoderForm(
        name=manifest["name"],
        directory=directory,
        fim=FimTokens(**fim),
        control=manifest["control"],
        layers=manifest["layers"],
        hidden=manifest["hidden"],
        kv_heads=manifest["kv_heads"],
        head_dim=manifest["head_dim"],
        vocabulary=manifest["vocabulary"],
        context_tokens=manifest["context_tokens"],
        has_head=manifest["has_head"],
        screen_margin=manifest["screen_margin"],
    )


def _find(name: str) -> _Original:
    path = Path(name).expanduser()
    if name not in catalogue.names() and path.exists():
        return _users_own(path.resolve())
    entry = catalogue.get(name)
    directory = paths.source_dir(name)
    missing = [file.name for file in entry.files if not (directory / file.name).is_file()]
    if missing:
        raise ModelMissing(
            f"model {name!r} is not on this machine ({missing[0]} is missing); "
            f"run `homespun models fetch {name}`"
        )
    weights = entry.files[0]
    return _Original(
        name=name,
        kind=entry.kind,
        path=directory / weights.name if entry.kind == "generator" else directory,
        sha256=weights.sha256,
        served=paths.served_dir(name),
        fim=entry.fim or _QWEN_FIM,
    )


def _users_own(path: Path) -> _Original:
    """Take a GGUF file or safetensors directory outside the catalogue, known by its bytes."""
    if path.is_dir():
        digest = hashlib.sha256()
        for file in sorted(path.glob("*.safetensors")):
            digest.update(bytes.fromhex(file_sha256(file)))
        sha256 = digest.hexdigest()
    elif path.suffix == ".gguf":
        sha256 = file_sha256(path)
    else:
        raise UnsupportedModel(
            f"{str(path)!r} is neither a .gguf file nor a directory with safetensors; "
            "pickled weights (.bin, .pt) are never loaded"
        )
    served_path = paths.home() / "models" / "own" / f"{path.stem}-{sha256[:12]}" / "served"
    return _Original(str(path), "generator", path, sha256, served_path, _QWEN_FIM)


def _convert(original: _Original, bits: int, progress: Progress) -> None:
    if original.kind == "encoder":
        convert_encoder(
            original.path,
            original.served,
            name=original.name,
            source_sha256=original.sha256,
            bits=bits,
            progress=progress,
        )
        return
    is_file = original.path.is_file()
    source: WeightSource = (
        GgufSource(original.path) if is_file else SafetensorsSource(original.path)
    )
    convert_decoder(
        source,
        original.served,
        name=original.name,
        fim=original.fim,
        source_sha256=original.sha256,
        bits=bits,
        progress=progress,
    )
