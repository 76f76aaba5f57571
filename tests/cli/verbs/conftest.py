"""A workspace with a tiny model, and adapters for it."""

from __future__ import annotations

import pytest

from homespun.models.adapters.registry import Registry
from homespun.models.serve import identity
from homespun.server.prompt.render import PROMPT_VERSION
from tests.support.tiny import save_tiny_adapter, save_tiny_qwen2

PASSED = {"promote": True, "headline": "better than what you have"}


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """A tiny model and the draft of an adapter for it."""
    directory = tmp_path_factory.mktemp("weights")
    model = save_tiny_qwen2(directory / "model")
    for seed in range(2):
        save_tiny_adapter(model, directory / str(seed), seed=seed)
    return directory


@pytest.fixture
def registry(tmp_path, monkeypatch, tiny):
    (tmp_path / "shop" / ".git").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "shop")
    monkeypatch.setenv("HOMESPUN_COMPLETION_MODEL", str(tiny / "model"))
    return Registry(tmp_path / "shop")


@pytest.fixture
def add(registry, tiny):
    def add(number=0, **facts):
        made_for = {**identity(str(tiny / "model")).facts(), "prompt_version": PROMPT_VERSION}
        return registry.add(tiny / str(number), {**made_for, "gate": PASSED, **facts})

    return add
