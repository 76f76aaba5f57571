"""What an attack borrows of the other tests: a raw client, a tiny model, a house to learn from."""

from __future__ import annotations

import json
from pathlib import Path

from tests.support import small_house, tiny
from tests.support.scratch import Scratch


def tiny_model(folder: Path) -> Path:
    """Write a tiny random model that has room for whole prompts."""
    tiny.save_tiny_qwen2(folder)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"max_position_embeddings": 4096}))
    return folder


def house(folder: Path) -> Path:
    """Write a repository that is large enough to be trained on."""
    return small_house.build(Scratch(folder)).folder
