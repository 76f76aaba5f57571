"""The one door to encoders: the package's own, one of the catalogue, or one at an address.

The name of one at an address must be the user's own word (settings, a flag); whoever reads a name
in an index does not come here with it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from homespun.indexer.secrets.mask import mask_part
from homespun.models.errors import ModelMissing, RemoteRefused
from homespun.models.remote.vectors.encoder_name import is_address
from homespun.models.types import Encoder
from homespun.settings import settings_of

logger = logging.getLogger(__name__)


def open_encoder(
    name: str,
    *,
    threads: int = 0,
    workspace: Path | None = None,
    say: Callable[[str], None] = logger.warning,
) -> Encoder | None:
    """Return the encoder of a name, None for "none".

    Raises `ModelMissing` (with the command to run), `UnknownModel`, `UnsupportedModel`,
    `ModelDamaged`, `RemoteRefused`. What the files of `workspace` try to set of one at an address
    is ignored and said.
    """
    from homespun.indexer.embedding import static_encoder

    if name == "none":
        return None
    if is_address(name):
        return _at_an_address(name, workspace, say)
    if name == static_encoder.NAME:
        return static_encoder.StaticEncoder.load()
    from homespun.models.load import load_encoder

    return load_encoder(name, threads=threads)


def encoder_at_hand(
    name: str, *, workspace: Path | None = None, say: Callable[[str], None]
) -> Encoder | None:
    """Open the encoder; where it is not on this machine return None, and say so.

    Raises what `open_encoder` raises but `ModelMissing` and `RemoteRefused`.
    """
    try:
        return open_encoder(name, workspace=workspace, say=say)
    except RemoteRefused as refused:
        say(f"no vectors were computed: {refused}; search goes by words alone")
        return None
    except ModelMissing:
        say(
            f"no vectors were computed, the encoder {name!r} is not on this machine: search goes "
            f"by words alone; get it with `homespun models fetch {name}` and index again"
        )
        return None


def _at_an_address(name: str, workspace: Path | None, say: Callable[[str], None]) -> Encoder:
    from homespun.models.remote.vectors.open import open_remote_encoder
    from homespun.models.remote.vectors.options import SECTION, EncoderOptions

    options = settings_of(EncoderOptions, SECTION, workspace=workspace, say=say)
    return open_remote_encoder(name, options, mask=mask_part, say=say)
