"""What an attack borrows of the other tests: a raw client, a tiny model, a house to learn from."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path

TESTS = Path(__file__).parents[1]


def module(path: str):
    """Import a helper of the tests by its path below tests/; there is no `tests` package."""
    name = "of_the_attack_" + path.replace("/", "_").removesuffix(".py")
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, TESTS / path)
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


def tiny_model(folder: Path) -> Path:
    """Write a tiny random model that has room for whole prompts."""
    module("models/tiny.py").save_tiny_qwen2(folder)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"max_position_embeddings": 4096}))
    return folder


def house(folder: Path) -> Path:
    """Write a repository that is large enough to be trained on."""
    scratch = module("training/conftest.py").Scratch(folder)
    return module("training/small_house.py").build(scratch).folder
