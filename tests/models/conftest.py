from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest


def _beside(name):
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    sys.modules.setdefault(f"homespun_tests_{name}", module)
    return module


tiny = _beside("tiny")
_beside("near_ties")


@pytest.fixture(scope="session")
def tiny_qwen2(tmp_path_factory):
    """(directory, torch model): tied embeddings, two query heads per key-value head."""
    directory = tmp_path_factory.mktemp("tiny-qwen2")
    return directory, tiny.save_tiny_qwen2(directory)


@pytest.fixture(scope="session")
def tiny_untied(tmp_path_factory):
    """The same with an output layer of its own and multi-head attention."""
    directory = tmp_path_factory.mktemp("tiny-untied")
    return directory, tiny.save_tiny_qwen2(directory, tie=False, kv_heads=4)
