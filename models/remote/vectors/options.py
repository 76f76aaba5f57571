"""Settings of an encoder at an address: one default each, here and nowhere else.

The section `encoder` of the user's `homespun.toml`, or `HOMESPUN_ENCODER_…` variables; the address
itself is `index.encoder`. As with `model.remote` no field is a workspace's to set, and the editor
is not asked.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from homespun.models.remote.wire.setting_names import SettingNames

SECTION = "encoder"
ENCODES = SettingNames(
    url="index.encoder",
    api_key_env="encoder.api_key_env",
    headers="encoder.headers",
    kind="the address in index.encoder",
    model="the model and the address in index.encoder",
    off="name an encoder on this machine in index.encoder",
)


@dataclass(frozen=True, slots=True)
class EncoderOptions:
    """How the server that `index.encoder` names is asked (section `encoder`)."""

    api_key_env: str = field(
        default="",
        metadata={
            "help": "name of the environment variable with the key, e.g. OPENAI_API_KEY",
            "private": True,
        },
    )
    headers: tuple[str, ...] = field(
        default=(),
        metadata={"help": 'more headers, each "Name: value"', "private": True},
    )
    timeout_ms: int = field(
        default=60_000,
        metadata={
            "help": "longest wait for the vectors of one request while the index is made; a "
            "Retry-After of the server is waited for beside it",
            "min": 100,
            "max": 600_000,
        },
    )
    query_timeout_ms: int = field(
        default=2000,
        metadata={
            "help": "longest wait for the vector of a query; after it words alone decide",
            "min": 50,
            "max": 60_000,
        },
    )
    batch: int = field(
        default=64,
        metadata={
            "help": "texts in one request at most; fewer where they or their vectors are large",
            "min": 1,
            "max": 2048,
        },
    )
    query_prefix: str | None = field(
        default=None,
        metadata={
            "help": "what stands before a query; unset it is what the model's family was trained "
            "with"
        },
    )
    passage_prefix: str | None = field(
        default=None,
        metadata={"help": "the same before a text of the index"},
    )
