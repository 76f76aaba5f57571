"""`openai:MODEL@URL`: an encoder at an address, as the setting `index.encoder` names it.

What an index keeps of it is another string, `openai:MODEL@SERVER#HASH`: it says whose vectors they
are and holds no path, where some services have a key. It is no address to ask: an index never is a
reason to send anything.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Any

from homespun.models.errors import RemoteRefused
from homespun.models.remote.wire.address import Address

_KIND = "openai:"
_NAME = re.compile(rf"{_KIND}(.+?)@([a-z]+://.*)")  # a URL may hold a second "@"
_MAX_MODEL_CHARS = 200


@dataclass(frozen=True, slots=True)
class EncoderName:
    """Which model is asked for vectors, and where."""

    model: str
    url: str

    def kept(self, address: Address, passage_prefix: str) -> str:
        """Return what an index calls its vectors: the same only where the same is asked."""
        said = "\0".join([self.model, address.base, address.path, passage_prefix])
        digest = hashlib.sha256(said.encode()).hexdigest()[:12]
        return f"{_KIND}{self.model}@{address.shown}#{digest}"


def is_address(name: Any) -> bool:  # noqa: ANN401 - a setting of any type
    """Tell whether a name of an encoder may say where text is to go: no name of a model does."""
    return isinstance(name, str) and (":" in name or "@" in name)


def encoder_name(name: str) -> EncoderName:
    """Take a name apart. Raises `RemoteRefused`, whose sentence does not show what is private."""
    match = _NAME.fullmatch(name)
    if match is None:
        raise RemoteRefused(
            "index.encoder is neither a name of `homespun models list` nor openai:MODEL@URL; write "
            "e.g. 'openai:nomic-embed-text@http://127.0.0.1:11434' into your own settings"
        )
    model, url = match.groups()
    if len(model) > _MAX_MODEL_CHARS or not model.isprintable():
        raise RemoteRefused(
            f"the model in index.encoder has {len(model)} characters, or such as nobody sees; "
            f"give a name of at most {_MAX_MODEL_CHARS}"
        )
    return EncoderName(model, url)
