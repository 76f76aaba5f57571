from __future__ import annotations

import pytest

from tests.support import tiny


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
