"""The one door to encoders: the one that comes with the package, or one of the catalogue."""

from __future__ import annotations

from homespun.models.types import Encoder


def open_encoder(name: str, *, threads: int = 0) -> Encoder | None:
    """Return the encoder of a name, None for "none".

    Raises `ModelMissing` (with the command to run), `UnknownModel`, `UnsupportedModel`,
    `ModelDamaged`.
    """
    from homespun.indexer.embedding import static_encoder

    if name == "none":
        return None
    if name == static_encoder.NAME:
        return static_encoder.StaticEncoder.load()
    from homespun.models.load import load_encoder

    return load_encoder(name, threads=threads)
