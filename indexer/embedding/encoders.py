"""The one door to encoders: the one that comes with the package, or one of the catalogue."""

from __future__ import annotations

from collections.abc import Callable

from homespun.models.errors import ModelMissing
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


def encoder_at_hand(name: str, *, say: Callable[[str], None]) -> Encoder | None:
    """Open the encoder; where it is not on this machine return None, and say so.

    Raises what `open_encoder` raises but `ModelMissing`.
    """
    try:
        return open_encoder(name)
    except ModelMissing:
        say(
            f"no vectors were computed, the encoder {name!r} is not on this machine: search goes "
            f"by words alone; get it with `homespun models fetch {name}` and index again"
        )
        return None
