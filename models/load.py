"""The two doors of this room: a name or a path in, something that computes out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from homespun.models.convert.served_form import read_manifest
from homespun.models.engine.decoder import OnnxDecoder
from homespun.models.engine.encoder import OnnxEncoder
from homespun.models.errors import ModelDamaged, UnsupportedModel
from homespun.models.serve import decoder_form, ensure_served, serve
from homespun.models.types import MODEL_AS_SHIPPED, Encoder
from homespun.progress import Progress


def load_generator(
    name: str,
    *,
    adapter: str | Path = MODEL_AS_SHIPPED,
    workspace: Path | None = None,
    prompt_version: int | None = None,
    threads: int = 0,
    context_tokens: int = 4096,
    cache_mb: int = 256,
    progress: Progress | None = None,
) -> OnnxDecoder:
    """Load a catalogue name, a .gguf file or a safetensors directory; converts on first use.

    `adapter`, `workspace` and `prompt_version` are those of `homespun.models.serve.serve`; the
    generator's `adapter` says what is merged. `threads` 0 = one per physical core; `cache_mb` MiB
    bound what is kept of earlier prompts. Raises `ModelMissing` (with the command to run),
    `UnknownModel`, `UnsupportedModel`, `ModelDamaged`, `AdapterError`.
    """
    served = serve(
        name, progress, adapter=adapter, workspace=workspace, prompt_version=prompt_version
    )
    form = replace(decoder_form(served.directory), adapter=served.stack.label)
    return OnnxDecoder(form, threads=threads, context_tokens=context_tokens, cache_mb=cache_mb)


def load_encoder(name: str, *, threads: int = 0, progress: Progress | None = None) -> Encoder:
    """Load an encoder by catalogue name; raises like `load_generator`."""
    directory = ensure_served(name, progress)
    manifest = read_manifest(directory)
    if manifest is None:
        raise ModelDamaged(
            f"{str(directory)!r} has no readable manifest; run `homespun models fetch {name}`"
        )
    if manifest["kind"] != "encoder":
        raise UnsupportedModel(
            f"{name!r} is a {manifest['kind']}, not an encoder; "
            "set index.encoder to an encoder such as 'all-minilm-l6-v2', or to 'none'"
        )
    return OnnxEncoder(name, directory, dimensions=manifest["dimensions"], threads=threads)
