"""From a model's name to its served form; converts when the form is missing or out of date.

Never downloads: that is `homespun.models.download.fetch.fetch`, which the user asks for by name.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from homespun import paths
from homespun.locks import lock_file
from homespun.models import catalogue
from homespun.models.adapters.compatibility import check_fits
from homespun.models.adapters.folder import reading
from homespun.models.adapters.stack import Stack, stack
from homespun.models.convert.quantize import int8_products_are_exact
from homespun.models.convert.served_form import (
    DecoderForm,
    file_sha256,
    is_current,
    read_manifest,
)
from homespun.models.download.fetch import local_source
from homespun.models.errors import ModelDamaged, ModelMissing, UnsupportedModel
from homespun.models.types import MODEL_AS_SHIPPED, FimTokens
from homespun.models.weights.gguf import GgufSource
from homespun.models.weights.lora import MergedSource
from homespun.models.weights.safetensors import SafetensorsSource
from homespun.models.weights.source import WeightSource
from homespun.progress import NoProgress, Progress
from homespun.storage import make_private_folder

_QWEN_FIM = FimTokens(
    prefix="<|fim_prefix|>",
    suffix="<|fim_suffix|>",
    middle="<|fim_middle|>",
    repo_name="<|repo_name|>",
    file_sep="<|file_sep|>",
    end=("<|endoftext|>",),
)


@dataclass(frozen=True, slots=True)
class _Original:
    """Original weights on this machine."""

    name: str
    kind: str  # "generator" or "encoder"
    path: Path  # a GGUF file or a directory with safetensors
    sha256: str
    folder: Path  # where the served forms are
    fim: FimTokens

    @property
    def is_in_catalogue(self) -> bool:
        return self.name in catalogue.names()


@dataclass(frozen=True, slots=True)
class ServedForm:
    """A served form that is there and up to date."""

    directory: Path
    stack: Stack  # what was merged into it


@dataclass(frozen=True, slots=True)
class Identity:
    """What an adapter for a model is made for; part of its manifest."""

    base: str
    base_sha256: str
    general_sha256: str  # "" where no general adapter is part of the model
    tokenizer_sha256: str

    def facts(self) -> dict[str, object]:
        """Return the facts under the names of an adapter's manifest."""
        return asdict(self)


def ensure_served(
    name: str,
    progress: Progress | None = None,
    *,
    adapter: str | Path = MODEL_AS_SHIPPED,
    workspace: Path | None = None,
) -> Path:
    """Return the served directory of a catalogue name or path; `serve` says the rest."""
    return serve(name, progress, adapter=adapter, workspace=workspace).directory


def serve(
    name: str,
    progress: Progress | None = None,
    *,
    adapter: str | Path = MODEL_AS_SHIPPED,
    workspace: Path | None = None,
    prompt_version: int | None = None,
) -> ServedForm:
    """Return the served form of a catalogue name or path, converting first if need be.

    `adapter` is "none" (the model as shipped), "base" (without its general adapter), "champion"
    (the one that is promoted in `workspace`, else as shipped), an identifier there, or the path of
    an unregistered adapter's folder. A registered one must have been made for these weights, this
    tokenizer and, where it is given, this `prompt_version`, and its files are hashed each time.

    Raises `ModelMissing` when the original is not on this machine, `WrongHash` when it is not the
    pinned one, `UnsupportedModel`, `ModelDamaged`, and for what is wrong with an adapter
    `AdapterUnknown`, `AdapterDamaged`, `AdapterUnfit`.
    """
    original = _find(name)
    if original.kind == "encoder":
        return ServedForm(_ensure(original, _NO_STACK, progress, workspace), _NO_STACK)
    wanted = stack(
        adapter,
        model=name if original.is_in_catalogue else "",
        base_sha256=original.sha256,
        workspace=workspace,
    )
    if wanted.adapter is None:
        return ServedForm(_ensure(original, wanted, progress, workspace), wanted)
    with reading(wanted.adapter.directory):
        _check_adapter(wanted, original, prompt_version)
        directory = _ensure(original, wanted, progress, workspace)
        _check_tokenizer(wanted, original, directory)
    return ServedForm(directory, wanted)


def identity(name: str, progress: Progress | None = None) -> Identity:
    """Return what an adapter trained on this model is made for; converts like `serve`."""
    served = serve(name, progress)
    return Identity(
        base=name,
        base_sha256=_find(name).sha256,
        general_sha256=served.stack.general_sha256,
        tokenizer_sha256=_tokenizer_sha256(served.directory),
    )


def float_weights(name: str, progress: Progress | None = None) -> WeightSource:
    """Return what an adapter is trained on: a generator as shipped, before it is rounded to int8.

    Raises like `serve`; a catalogue model's original is hashed first.
    """
    original = _find(name)
    if original.kind != "generator":
        raise UnsupportedModel(
            f"{name!r} is an {original.kind} and cannot be trained to complete text; give the "
            "name of a generator, see `homespun models list`"
        )
    if original.is_in_catalogue:
        local_source(original.name, progress)  # only pinned bytes are ever trained on
    model = name if original.is_in_catalogue else ""
    wanted = stack(MODEL_AS_SHIPPED, model=model, base_sha256=original.sha256)
    return _weights(original, wanted)


def fim_of(name: str) -> FimTokens:
    """Return how a model that is on this machine is asked to fill in."""
    return _find(name).fim


def served_folder(name: str) -> Path:
    """Return the folder of all served forms of a model that is on this machine."""
    return _find(name).folder


def served_target(name: str, *, adapter: str | Path, workspace: Path | None) -> Path:
    """Return where the served form with an adapter belongs, made or not. Raises like `serve`."""
    original = _find(name)
    model = name if original.is_in_catalogue else ""
    wanted = stack(adapter, model=model, base_sha256=original.sha256, workspace=workspace)
    return original.folder / wanted.folder_name(original.sha256)


_NO_STACK = Stack(MODEL_AS_SHIPPED, (), None, "", is_shipped=True)


def _ensure(
    original: _Original, wanted: Stack, progress: Progress | None, workspace: Path | None
) -> Path:
    """Return the directory of a stack's served form, made under a lock where it is not current."""
    bits = 8 if int8_products_are_exact() else 7
    target = original.folder / wanted.folder_name(original.sha256)
    make_private_folder(target.parent)
    with lock_file(target.with_suffix(".lock")):
        if not is_current(target, original.sha256, bits=bits, adapters=wanted.hashes):
            if original.is_in_catalogue:
                local_source(original.name, progress)  # only pinned bytes are ever converted
            is_of_workspace = bool(wanted.layers) and not wanted.is_shipped
            facts = {
                "adapters": wanted.hashes,
                "adapter": wanted.label,
                "workspace": str(workspace.resolve()) if workspace and is_of_workspace else "",
            }
            _convert(original, wanted, target, bits, facts, progress or NoProgress())
    return target


def _check_adapter(wanted: Stack, original: _Original, prompt_version: int | None) -> None:
    """Refuse what was made for something else before anything is converted."""
    assert wanted.adapter is not None  # the caller asked
    check_fits(
        wanted.adapter,
        base_sha256=original.sha256,
        general_sha256=wanted.general_sha256,
        prompt_version=prompt_version,
    )
    wanted.layers[-1].check()


def _check_tokenizer(wanted: Stack, original: _Original, directory: Path) -> None:
    assert wanted.adapter is not None  # the caller asked
    check_fits(
        wanted.adapter,
        base_sha256=original.sha256,
        general_sha256=wanted.general_sha256,
        tokenizer_sha256=_tokenizer_sha256(directory),
    )


def _tokenizer_sha256(directory: Path) -> str:
    manifest = read_manifest(directory)
    if manifest is None:
        raise ModelDamaged(f"{str(directory)!r} has no readable manifest; use the model again")
    return str(manifest["files"]["tokenizer.json"]["sha256"])


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
        adapter=manifest.get("adapter", MODEL_AS_SHIPPED),
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
        folder=paths.served_dir(name).parent,
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
    folder = paths.home() / "models" / "own" / f"{path.stem}-{sha256[:12]}"
    return _Original(str(path), "generator", path, sha256, folder, _QWEN_FIM)


def _convert(
    original: _Original,
    wanted: Stack,
    target: Path,
    bits: int,
    facts: Mapping[str, object],
    progress: Progress,
) -> None:
    # What writes graphs takes a third of a second to import, and a start seldom converts.
    from homespun.models.convert.convert import convert_decoder, convert_encoder

    if original.kind == "encoder":
        convert_encoder(
            original.path,
            target,
            name=original.name,
            source_sha256=original.sha256,
            bits=bits,
            progress=progress,
        )
        return
    convert_decoder(
        _weights(original, wanted),
        target,
        name=original.name,
        fim=original.fim,
        source_sha256=original.sha256,
        bits=bits,
        progress=progress,
        facts=facts,
    )


def _weights(original: _Original, wanted: Stack) -> WeightSource:
    """Open the original weights with the stack's adapters added."""
    is_file = original.path.is_file()
    source: WeightSource = (
        GgufSource(original.path) if is_file else SafetensorsSource(original.path)
    )
    if wanted.layers:
        source = MergedSource(source, [layer.open() for layer in wanted.layers])
    return source
