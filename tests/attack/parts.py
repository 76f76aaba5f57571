"""What an attack borrows of the other tests: a raw client, a tiny model, a house to learn from."""

from __future__ import annotations

from pathlib import Path

from tests.support import small_house, tiny
from tests.support.scratch import Scratch


def tiny_model(folder: Path) -> Path:
    """Write a tiny random model that has room for whole prompts."""
    return tiny.save_roomy_qwen2(folder)


def house(folder: Path) -> Path:
    """Write a repository that is large enough to be trained on."""
    return small_house.build(Scratch(folder)).folder
