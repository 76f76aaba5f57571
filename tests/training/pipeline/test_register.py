"""After a training the registry keeps the newest adapters, as many as the user says."""

from __future__ import annotations

import pytest

from homespun.models.adapters.registry import Registry
from homespun.progress import NoProgress
from homespun.training.pipeline.register import keep_the_newest
from tests.support.hostile.settings_and_adapters import write_adapter

FACTS = {"base_sha256": "b" * 64, "tokenizer_sha256": "c" * 64, "prompt_version": 2}


class Said(NoProgress):
    def __init__(self):
        self.sentences = []

    def say(self, sentence):
        self.sentences.append(sentence)


@pytest.fixture
def registry(tmp_path):
    write_adapter(tmp_path / "draft")
    (tmp_path / "draft" / "manifest.json").unlink()
    (tmp_path / "shop").mkdir()
    registry = Registry(tmp_path / "shop")
    for _ in range(4):
        registry.add(tmp_path / "draft", FACTS)
    registry.promote("shop-tree-1")
    return registry


def test_older_adapters_are_deleted_and_it_is_said(registry, monkeypatch):
    monkeypatch.setenv("HOMESPUN_ADAPTERS_KEEP", "1")
    monkeypatch.setenv("HOMESPUN_COMPLETION_ADAPTER", "shop-tree-2")  # serves by its name
    progress = Said()
    keep_the_newest(registry.workspace, progress)
    assert [a.id for a in registry.adapters()] == ["shop-tree-1", "shop-tree-2", "shop-tree-4"]
    [sentence] = progress.sentences
    assert sentence == "older adapters are deleted, 1 are kept (adapters.keep): shop-tree-3"


def test_what_cannot_be_deleted_ends_no_training(registry, monkeypatch):
    monkeypatch.setenv("HOMESPUN_ADAPTERS_KEEP", "1")
    registry.aliases_path.write_text("{")
    progress = Said()
    keep_the_newest(registry.workspace, progress)
    assert len([entry for entry in registry.folder.iterdir() if entry.is_dir()]) == 4
    [sentence] = progress.sentences
    assert sentence.startswith("no older adapter is deleted: ")
