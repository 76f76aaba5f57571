from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

_spec = importlib.util.spec_from_file_location("tiny", Path(__file__).with_name("tiny.py"))
tiny = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(tiny)
sys.modules.setdefault("homespun_tests_tiny", tiny)


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
