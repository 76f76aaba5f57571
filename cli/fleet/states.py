"""What can be asked of a repository of a fleet, and how it can end."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from homespun.cli.fleet.repositories import FleetRepository

Action = Literal["index", "train"]
Status = Literal["done", "unchanged", "failed"]


@dataclass(frozen=True, slots=True)
class FleetJob:
    """One repository and what is to be done with it: all that a process elsewhere needs."""

    repository: FleetRepository
    action: Action
    work: Path  # clones and their locks
    publish: str = ""  # where its pack goes, "": nowhere
    what: str = "definitions"  # of a pack
    arguments: tuple[str, ...] = ()  # for the command
    timeout_seconds: float = 3600.0  # of the command, and of git
    tries: int = 2  # where a process is killed
    again: bool = False  # also what is unchanged
    done_revision: str = ""  # what an earlier outcome with the same arguments is of
