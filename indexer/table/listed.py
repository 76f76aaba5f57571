"""What is to be built into a table."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class NamedRepository:
    """One repository, and where it lies."""

    name: str  # "acme/auth"
    path: Path
    revision: str = ""  # the commit that must be checked out there, "" for whatever is
