"""From a name and settings to an encoder at an address; nothing is sent yet."""

from __future__ import annotations

from collections.abc import Callable

from homespun.models.remote.connect import connect
from homespun.models.remote.vectors.encoder import RemoteEncoder
from homespun.models.remote.vectors.encoder_name import encoder_name
from homespun.models.remote.vectors.options import ENCODES, EncoderOptions


def open_remote_encoder(
    name: str,
    options: EncoderOptions,
    *,
    mask: Callable[[str], str],
    say: Callable[[str], None],
) -> RemoteEncoder:
    """Return the encoder that `index.encoder` names as an address.

    Raises `RemoteRefused` for a name or settings that do not work, in words that hold no key.
    """
    named = encoder_name(name)
    client = connect(
        named.url,
        api_key_env=options.api_key_env,
        headers=options.headers,
        names=ENCODES,
        say=say,
    )
    return RemoteEncoder(client, named, options, mask=mask)
