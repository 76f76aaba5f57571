"""What a place gives back. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Stored:
    """An object's bytes, and the mark by which it is known again."""

    data: bytes
    etag: str


@dataclass(frozen=True, slots=True)
class Listed:
    """An object in a listing."""

    name: str  # below the repository
    modified: float  # seconds since 1970
