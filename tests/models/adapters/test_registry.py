"""The registry: immutable folders, aliases moved by rename, several processes, any kill."""

from __future__ import annotations

import json
import mmap
import os
import signal
import subprocess
import sys
import time

import pytest

from homespun.models.adapters.compatibility import check_fits
from homespun.models.adapters.registry import Registry
from homespun.models.errors import AdapterDamaged, AdapterUnfit, AdapterUnknown
from tests.support.like_windows import like_windows
from tests.support.tiny import save_tiny_adapter

FACTS = {
    "base": "tiny",
    "base_sha256": "b" * 64,
    "general_sha256": "",
    "tokenizer_sha256": "c" * 64,
    "prompt_version": 2,
    "commit": "0123456789abcdef",
    "gate": {"promote": True, "headline": "better"},
}

ADDS = """
import json, sys
from pathlib import Path
from homespun.models.adapters.registry import Registry
registry = Registry(Path(sys.argv[1]))
while True:
    adapter = registry.add(Path(sys.argv[2]), json.loads(sys.argv[3]))
    registry.promote(adapter.id)
    print(adapter.id, flush=True)
"""


@pytest.fixture(scope="session")
def draft(tiny_qwen2, tmp_path_factory):
    """What a training leaves behind: the adapter and a report."""
    directory = tmp_path_factory.mktemp("draft")
    save_tiny_adapter(tiny_qwen2[1], directory)
    (directory / "report.html").write_text("<p>better</p>")
    return directory


@pytest.fixture
def registry(tmp_path):
    (tmp_path / "My Shop").mkdir()
    return Registry(tmp_path / "My Shop")


def aliases(registry):
    return json.loads(registry.aliases_path.read_text())


def test_a_workspace_without_adapters_has_no_champion_and_no_folder(registry):
    assert registry.adapters() == []
    assert registry.champion() is None
    assert not (registry.workspace / ".homespun").exists()


def test_an_added_adapter_is_a_candidate_with_the_draft_files_and_their_hashes(registry, draft):
    adapter = registry.add(draft, FACTS)
    assert (adapter.id, adapter.state) == ("my-shop-01234567-1", "candidate")
    assert adapter.manifest["prompt_version"] == 2
    assert set(adapter.manifest["files"]) == {
        "README.md",
        "adapter_config.json",
        "adapter_model.safetensors",
        "report.html",
    }
    for name in adapter.manifest["files"]:
        assert (adapter.directory / name).read_bytes() == (draft / name).read_bytes()
    registry.check(adapter, everything=True)
    assert registry.champion() is None
    assert (registry.workspace / ".homespun" / ".gitignore").read_text() == "*\n"


def test_identifiers_are_never_used_again(registry, draft):
    first = registry.add(draft, FACTS)
    second = registry.add(draft, FACTS | {"commit": ""})
    assert (first.id, second.id) == ("my-shop-01234567-1", "my-shop-tree-2")
    registry.remove(second.id)
    assert registry.add(draft, FACTS).id == "my-shop-01234567-3"


def test_a_draft_that_is_no_whole_lora_is_not_added(registry, tmp_path):
    (tmp_path / "draft").mkdir()
    (tmp_path / "draft" / "adapter_model.bin").write_bytes(b"\x80\x04")
    with pytest.raises(AdapterDamaged):
        registry.add(tmp_path / "draft", FACTS)
    assert registry.adapters() == []


def test_facts_that_say_not_what_it_was_made_for_are_refused(registry, draft):
    with pytest.raises(ValueError, match=r"lack \['base_sha256'\]"):
        registry.add(draft, {**FACTS, "base_sha256": ""})
    assert registry.adapters() == []


def test_promotion_moves_the_alias_and_retires_the_one_before(registry, draft):
    first, second = registry.add(draft, FACTS), registry.add(draft, FACTS)
    registry.promote(first.id)
    registry.promote(second.id)
    registry.promote(second.id)  # again changes nothing
    assert {a.id: a.state for a in registry.adapters()} == {
        first.id: "retired",
        second.id: "champion",
    }
    assert registry.champion().id == second.id
    assert registry.previous().id == first.id


def test_rollback_goes_back_once_and_then_to_the_model_as_shipped(registry, draft):
    first, second = registry.add(draft, FACTS), registry.add(draft, FACTS)
    registry.promote(first.id)
    registry.promote(second.id)
    assert registry.rollback().id == first.id
    assert registry.get(second.id).state == "retired"
    assert registry.rollback() is None
    assert registry.champion() is None
    with pytest.raises(AdapterUnknown, match="nothing to roll back"):
        registry.rollback()


def test_rollback_to_a_folder_that_was_deleted_goes_to_the_model_as_shipped(registry, draft):
    import shutil

    first, second = registry.add(draft, FACTS), registry.add(draft, FACTS)
    registry.promote(first.id)
    registry.promote(second.id)
    shutil.rmtree(first.directory)
    assert registry.rollback() is None


def test_the_champion_cannot_be_removed_others_can(registry, draft):
    first, second = registry.add(draft, FACTS), registry.add(draft, FACTS)
    registry.promote(first.id)
    registry.promote(second.id)
    with pytest.raises(AdapterUnknown, match="is the champion and cannot be removed"):
        registry.remove(second.id)
    registry.remove(first.id)
    assert [adapter.id for adapter in registry.adapters()] == [second.id]
    assert registry.previous() is None
    assert not first.directory.exists()
    assert registry.champion().id == second.id


@pytest.mark.parametrize("name", ["other-1", "../outside", "", "lock", "aliases.json"])
def test_an_unknown_identifier_is_told_the_known_ones(registry, draft, name, tmp_path):
    (tmp_path / "outside").mkdir()
    adapter = registry.add(draft, FACTS)
    for action in (registry.get, registry.promote, registry.remove):
        with pytest.raises(AdapterUnknown, match=f"known: {adapter.id}"):
            action(name)


def test_a_changed_file_is_named(registry, draft):
    adapter = registry.add(draft, FACTS)
    weights = adapter.directory / "adapter_model.safetensors"
    data = bytearray(weights.read_bytes())
    data[-3] ^= 1
    weights.write_bytes(data)
    with pytest.raises(AdapterDamaged, match=r"adapter_model\.safetensors.*damaged: its sha256"):
        registry.check(adapter)


def test_a_changed_report_is_no_reason_not_to_serve(registry, draft):
    adapter = registry.add(draft, FACTS)
    (adapter.directory / "report.html").write_text("<p>worse</p>")
    registry.check(adapter)
    with pytest.raises(AdapterDamaged, match=r"report\.html"):
        registry.check(adapter, everything=True)


def test_a_folder_without_a_readable_manifest_is_left_out_with_a_sentence(registry, draft):
    first, second = registry.add(draft, FACTS), registry.add(draft, FACTS)
    (second.directory / "manifest.json").write_text("{")
    assert [adapter.id for adapter in registry.adapters()] == [first.id]
    (sentence,) = registry.damaged()
    assert second.id in sentence
    with pytest.raises(AdapterDamaged, match="not a readable manifest"):
        registry.get(second.id)


def test_a_champion_whose_folder_is_gone_is_a_sentence(registry, draft):
    import shutil

    adapter = registry.add(draft, FACTS)
    registry.promote(adapter.id)
    shutil.rmtree(adapter.directory)
    with pytest.raises(AdapterDamaged, match="whose folder is gone"):
        registry.champion()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"champion": 3, "previous": null, "states": {}}'])
def test_damaged_aliases_are_a_sentence_and_promotion_writes_them_anew(registry, draft, text):
    adapter = registry.add(draft, FACTS)
    registry.aliases_path.write_text(text)
    with pytest.raises(AdapterDamaged, match=r"aliases\.json.*promote ID"):
        registry.champion()
    registry.promote(adapter.id)
    assert registry.champion().id == adapter.id


@pytest.mark.parametrize(
    ("here", "sentence"),
    [
        ({"base_sha256": "d" * 64}, "base weights with sha256 bbbbbbbbbbbb…, but here it is dddd"),
        ({"general_sha256": "e" * 64}, "a general adapter with sha256 none, but here"),
        ({"tokenizer_sha256": "f" * 64}, "a tokenizer with sha256"),
        ({"prompt_version": 3}, "prompt version 2, but here it is 3"),
    ],
)
def test_an_adapter_made_for_something_else_is_refused(registry, draft, here, sentence):
    adapter = registry.add(draft, FACTS)
    same = {name: FACTS[name] for name in ("base_sha256", "general_sha256", "tokenizer_sha256")}
    check_fits(adapter, **same, prompt_version=2)
    with pytest.raises(AdapterUnfit, match=f"{adapter.id}' was made for {sentence}"):
        check_fits(adapter, **(same | here))


def test_two_processes_lose_nothing(registry, draft):
    command = ADDS.replace("while True", "for _ in range(4)")
    arguments = [str(registry.workspace), str(draft), json.dumps(FACTS)]
    started = [
        subprocess.Popen(
            [sys.executable, "-P", "-c", command, *arguments], stdout=subprocess.DEVNULL
        )
        for _ in range(2)
    ]
    assert [process.wait(60) for process in started] == [0, 0]
    adapters = registry.adapters()
    assert sorted(int(a.id.rpartition("-")[2]) for a in adapters) == list(range(1, 9))
    assert [a.id for a in adapters if a.state == "champion"] == [aliases(registry)["champion"]]
    assert sum(a.state == "retired" for a in adapters) == 7


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no kill -9 here")
def test_whoever_is_killed_leaves_a_whole_registry(registry, draft):
    first = registry.add(draft, FACTS)
    registry.promote(first.id)
    arguments = [str(registry.workspace), str(draft), json.dumps(FACTS)]
    for round_number in range(6):
        process = subprocess.Popen(
            [sys.executable, "-P", "-c", ADDS, *arguments], stdout=subprocess.PIPE, text=True
        )
        process.stdout.readline()
        time.sleep(0.007 * round_number)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()
        assert registry.damaged() == []
        champion = registry.champion()
        registry.check(champion, everything=True)
        for adapter in registry.adapters():
            registry.check(adapter, everything=True)
    last = registry.add(draft, FACTS)  # clears what was left half-built
    assert not [entry for entry in registry.folder.iterdir() if entry.name.startswith(".")]
    registry.promote(last.id)
    assert registry.champion().id == last.id


def test_like_windows_adapters_come_and_go_while_one_is_mapped(registry, draft, tmp_path):
    with like_windows(tmp_path) as refused:
        first = registry.add(draft, FACTS)
        registry.promote(first.id)
        second = registry.add(draft, FACTS)
        weights = second.directory / "adapter_model.safetensors"
        with weights.open("rb") as stream:
            mapped = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
        registry.promote(second.id)
        registry.remove(first.id)
        mapped.close()
    assert [each.id for each in registry.adapters()] == [second.id]
    assert [path.name for path in registry.folder.iterdir() if path.is_dir()] == [second.id]
    assert refused == []
