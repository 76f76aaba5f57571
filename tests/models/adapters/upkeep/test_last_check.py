"""The kept result of a check counts for this adapter, in this place, on this machine."""

from __future__ import annotations

import json
import shutil
from datetime import datetime, timedelta

import pytest

from homespun.models.adapters.registry import Registry
from homespun.models.adapters.upkeep.last_check import keep_check, last_check, stamp_of


@pytest.fixture
def registry(tmp_path):
    registry = Registry(tmp_path / "shop")
    registry.folder.mkdir(parents=True)
    return registry


def test_a_check_is_kept_for_its_adapter(registry):
    assert (last_check(registry, "a-1"), stamp_of(registry)) == (None, None)
    keep_check(registry, "a-1", "stale")
    found = last_check(registry, "a-1")
    assert (found.adapter, found.outcome) == ("a-1", "stale")
    assert datetime.now().astimezone() - found.when < timedelta(minutes=10)
    assert last_check(registry, "a-2") is None
    before = stamp_of(registry)
    keep_check(registry, "a-1", "fresh")
    assert stamp_of(registry) != before
    assert last_check(registry, "a-1").outcome == "fresh"


def test_what_a_clone_brings_is_no_check(registry, tmp_path):
    keep_check(registry, "a-1", "fresh")
    path = registry.folder / "last-check.json"
    shutil.copytree(registry.workspace, tmp_path / "copied")
    assert last_check(Registry(tmp_path / "copied"), "a-1") is None  # the seal holds for a place
    body = json.loads(path.read_text())
    path.write_text(json.dumps(body | {"outcome": "stale"}))
    assert last_check(registry, "a-1") is None


@pytest.mark.parametrize("text", ["", "{", "[]", '{"adapter": "a-1"}', "9" * 20_000, "[" * 5_000])
def test_what_cannot_be_read_is_no_check(registry, text):
    (registry.folder / "last-check.json").write_text(text)
    assert last_check(registry, "a-1") is None


def test_a_workspace_without_adapters_keeps_nothing(tmp_path):
    keep_check(Registry(tmp_path), "a-1", "fresh")
    assert list(tmp_path.iterdir()) == []
