"""Where state lives: below `HOMESPUN_HOME`, and in a folder of each repository."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

WORKSPACE_FOLDER = ".homespun"  # in a repository: its index, adapters and trainings


def home() -> Path:
    """Return the directory of all state outside repositories; it may not exist yet."""
    override = os.environ.get("HOMESPUN_HOME", "")
    return Path(override) if override else Path(platformdirs.user_cache_dir("homespun"))


def state_home() -> Path:
    """Return the directory of what must outlive a cleared cache; it may not exist yet.

    It holds the machine's key and what the user has said that he trusts.
    """
    override = os.environ.get("HOMESPUN_HOME", "")
    return Path(override) if override else Path(platformdirs.user_state_dir("homespun"))


def source_dir(name: str) -> Path:
    """Return where the original files of a catalogue model are kept."""
    return home() / "models" / name / "source"


def served_dir(name: str) -> Path:
    """Return where the converted form of a catalogue model is kept."""
    return home() / "models" / name / "served"
