"""Settings of the indexer. One dataclass, one default each; the help string carries the unit.

`metadata["workspace"]` says what a workspace's own files may set: `homespun/settings.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from homespun.models.remote.vectors.encoder_name import is_address

CHUNKER_VERSION = 6  # raise it when chunks, headers or symbols of the same bytes change


@dataclass(frozen=True, slots=True)
class IndexConfig:
    """What is indexed, in pieces of which size, and by which encoder."""

    max_file_bytes: int = field(
        default=1_000_000,
        metadata={
            "help": "files above this size (bytes) are skipped without being read",
            "min": 1,
            "max": 100_000_000,
            "workspace": "lowers",
        },
    )
    exclude: tuple[str, ...] = field(
        default=(),
        metadata={
            "help": "further paths to skip: patterns as in .gitignore, from the root",
            "workspace": "adds",
        },
    )
    encoder: str = field(
        default="homespun-static-1",
        metadata={
            "help": 'the vector encoder: "homespun-static-1" comes with the package, others are '
            'fetched by their catalogue name; "none" searches by words alone; "openai:MODEL@URL" '
            "asks a server of yours for them, and its text goes there: no editor sets such a one",
            "yours": is_address,
            "private": True,  # the address may hold a key
        },
    )
    chunk_chars: int = field(
        default=1500,
        metadata={
            "help": "a chunk's target size (characters that are no white space)",
            "min": 100,
            "max": 100_000,
            "workspace": True,
        },
    )
    lock_wait_seconds: float = field(
        default=10.0,
        metadata={
            "help": "how long to wait for another process that writes the index (seconds)",
            "max": 86_400,
        },
    )
    siblings: tuple[str, ...] = field(
        default=(),
        metadata={
            "help": "repositories whose published definitions are looked up as well, e.g. "
            '"acme/auth"; they come from siblings_root',
            "workspace": "adds",
            "editor": "adds",
        },
    )
    siblings_root: str = field(
        default="",
        metadata={
            "help": "where their packs lie: a folder, s3://, gs:// or az://; nothing is asked "
            "without it, and no editor sets it",
            "yours": bool,
        },
    )
    siblings_offered: tuple[str, ...] = field(
        default=("*",),
        metadata={
            "help": "which of them may be named, by patterns such as acme/*; a workspace names "
            "siblings only among these, and no editor changes them",
            "yours": bool,
        },
    )
