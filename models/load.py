"""The two doors of this room: a name or a path in, something that computes out."""

from __future__ import annotations

from homespun.models.decoder import OnnxDecoder
from homespun.models.encoder import OnnxEncoder
from homespun.models.errors import ModelDamaged, UnsupportedModel
from homespun.models.served import decoder_form, ensure_served
from homespun.models.served_form import read_manifest
from homespun.models.types import Encoder, Generator, Progress


def load_generator(
    name: str,
    *,
    threads: int = 0,
    context_tokens: int = 4096,
    cache_mb: int = 256,
    progress: Progress | None = None,
) -> Generator:
    """Load a catalogue name, a .gguf file or a safetensors directory; converts on first use.

    `threads` 0 = one per physical core; `cache_mb` MiB bound what is kept of earlier prompts.
    Raises `ModelMissing` (with the command to run),
    `UnknownModel`, `UnsupportedModel`, `ModelDamaged`.
    """
    form = decoder_form(ensure_served(name, progress))
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
