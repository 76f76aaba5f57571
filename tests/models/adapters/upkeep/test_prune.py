"""What is kept of adapters: the newest, what serves, what a rollback needs, what is being read."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest

from homespun.locks import lock_file
from homespun.models.adapters.folder import is_being_read, reading
from homespun.models.adapters.registry import Registry
from homespun.models.adapters.upkeep.prune import (
    delete_copies,
    prune,
    surplus,
    surplus_copies,
)
from homespun.models.errors import AdapterBusy, AdapterDamaged, AdapterUnknown
from homespun.storage import write_private
from tests.support.hostile.settings_and_adapters import as_if_cloned, write_adapter

FACTS = {
    "base": "tiny",
    "base_sha256": "b" * 64,
    "general_sha256": "",
    "tokenizer_sha256": "c" * 64,
    "prompt_version": 2,
    "gate": {"promote": True, "headline": "better"},
}
READS = """
import sys
from pathlib import Path
from homespun.models.adapters.folder import reading
with reading(Path(sys.argv[1])):
    print("reading", flush=True)
    sys.stdin.read()
"""
PRUNES = """
import sys
from pathlib import Path
from homespun.models.adapters import registry
from homespun.models.adapters.upkeep.prune import prune
really = registry.os.replace
def slowly(source, target):
    really(source, target)
    print("renamed", flush=True)
    sys.stdin.read()
registry.os.replace = slowly
prune(registry.Registry(Path(sys.argv[1])), 0)
"""


@pytest.fixture
def draft(tmp_path):
    write_adapter(tmp_path / "draft")
    (tmp_path / "draft" / "manifest.json").unlink()
    return tmp_path / "draft"


@pytest.fixture
def registry(tmp_path):
    (tmp_path / "shop").mkdir()
    return Registry(tmp_path / "shop")


@pytest.fixture
def add(registry, draft):
    def add(count, **facts):
        return [registry.add(draft, FACTS | facts).id for _ in range(count)]

    return add


def known(registry):
    return {adapter.id: adapter.state for adapter in registry.adapters()}


def test_the_newest_stay_beside_the_champion_and_what_a_rollback_goes_back_to(registry, add):
    before, champion, *others = add(7)
    registry.promote(before)
    registry.promote(champion)
    told = surplus(registry, 2)
    assert [row.id for row in told] == others[:3]
    assert all(row.size_bytes > 1000 for row in told)
    assert len(known(registry)) == 7  # nothing was deleted yet
    assert prune(registry, 2) == told
    assert known(registry) == {
        before: "retired",
        champion: "champion",
        others[3]: "candidate",
        others[4]: "candidate",
    }
    assert not [entry for entry in registry.folder.iterdir() if entry.name.startswith(".")]
    assert registry.rollback().id == before
    assert prune(registry, 0) != []
    assert list(known(registry)) == [before]
    assert prune(registry, 0) == []


def test_newer_means_learned_later_whatever_the_number(registry, add):
    [late] = add(1, trained="2026-03-01T10:00:00+01:00")
    [early] = add(1, trained="2026-03-01T09:59:00+01:00")
    [old] = add(1, run="run-0001 2026-01-01T00:00:00+00:00")
    [undated] = add(1, trained="yesterday")
    assert [row.id for row in surplus(registry, 0)] == [undated, old, early, late]
    assert [row.id for row in prune(registry, 1)] == [undated, old, early]


def test_what_a_setting_names_stays_and_takes_nobodys_place(registry, add):
    named, *others = add(4)
    assert [row.id for row in prune(registry, 2, spared={named, "champion"})] == others[:1]
    assert set(known(registry)) == {named, *others[1:]}


def test_what_is_unknown_is_left_alone(registry, add):
    write_adapter(registry.folder / "evil-1")
    add(2)
    prune(registry, 0)
    assert known(registry) == {"evil-1": "unknown"}


def test_where_nobody_knows_what_serves_nothing_is_deleted(registry, add):
    add(3)
    registry.promote("shop-tree-1")
    registry.aliases_path.write_text("{")
    with pytest.raises(AdapterDamaged, match=r"aliases\.json"):
        prune(registry, 0)
    registry.promote("shop-tree-1")
    moved = Registry(registry.workspace.rename(registry.workspace.with_name("moved")))
    aliases = moved.aliases_path.read_bytes()
    with pytest.raises(AdapterUnknown, match="so none is removed; `homespun adapters promote ID`"):
        prune(moved, 0)
    assert moved.aliases_path.read_bytes() == aliases  # the question is still to be asked
    assert len(moved.adapters()) == 3


def test_a_clone_loses_nothing_by_it(registry, add):
    add(2)
    registry.promote("shop-tree-1")
    as_if_cloned(registry.workspace)
    with pytest.raises(AdapterUnknown, match="none is removed"):
        surplus(registry, 0)
    assert len(registry.adapters()) == 2


def test_what_another_process_reads_stays_until_it_has_read(registry, add):
    read, other = add(2)
    command = [sys.executable, "-P", "-c", READS, str(registry.folder / read)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"reading\n"
    with pytest.raises(AdapterBusy, match=f"{read}' is being read by another process"):
        registry.remove(read)
    assert [row.id for row in prune(registry, 0)] == [other]
    assert list(known(registry)) == [read]
    process.communicate(b"")
    assert [row.id for row in prune(registry, 0)] == [read]


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no kill -9 here")
def test_a_dead_reader_keeps_nothing(registry, add):
    [read] = add(1)
    command = [sys.executable, "-P", "-c", READS, str(registry.folder / read)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    process.stdout.readline()
    assert is_being_read(registry.folder / read)
    process.kill()
    process.communicate()
    assert [row.id for row in prune(registry, 0)] == [read]
    assert [entry.name for entry in registry.folder.iterdir() if "reading" in entry.name] == []


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no kill -9 here")
def test_whoever_is_killed_while_deleting_leaves_a_whole_registry(registry, add):
    _, champion, other = add(3)
    registry.promote(champion)
    command = [sys.executable, "-P", "-c", PRUNES, str(registry.workspace)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"renamed\n"
    process.kill()
    process.communicate()
    assert registry.damaged() == []
    assert known(registry) == {champion: "champion", other: "candidate"}
    prune(registry, 0)
    assert known(registry) == {champion: "champion"}
    assert sorted(entry.name for entry in registry.folder.iterdir()) == sorted(
        ["aliases.json", "lock", champion]
    )


def test_a_mark_of_an_adapter_is_not_one_of_another_whose_name_begins_so(registry, add):
    for identifier in add(1):
        longer = registry.folder / f"{identifier}-0123456789abcdef"
        with reading(registry.folder / identifier):
            assert is_being_read(registry.folder / identifier)
            assert not is_being_read(longer)
            assert not is_being_read(registry.folder / identifier[:-1])


def test_whoever_comes_a_moment_late_is_told(registry, add):
    [gone] = add(1)
    prune(registry, 0)
    with pytest.raises(AdapterDamaged, match=f"{gone}' was removed a moment ago"):
        with reading(registry.folder / gone):
            pass


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="modes do not bind here")
def test_what_may_only_be_read_is_read_without_a_mark(registry, add):
    [only] = add(1)
    registry.folder.chmod(0o500)
    try:
        with reading(registry.folder / only):
            assert not any("reading" in entry.name for entry in registry.folder.iterdir())
    finally:
        registry.folder.chmod(0o700)


def copy_of(name, *, workspace, sha256="", model="tiny"):
    """A merged copy as a conversion leaves it, but small."""
    folder = __import__("pathlib").Path(os.environ["HOMESPUN_HOME"]) / "models" / model / name
    folder.mkdir(parents=True)
    (folder / "decoder.weights").write_bytes(b"x" * 100)
    facts = {"name": model, "adapter": "a", "adapters": ["g", sha256], "workspace": workspace}
    write_private(folder / "manifest.json", json.dumps(facts))
    return folder


def test_merged_copies_that_serve_no_more_go_whatever_the_model(registry, add, draft, tmp_path):
    here, gone = str(registry.workspace), str(tmp_path / "gone")
    [champion] = add(1)
    registry.promote(champion)
    serving = copy_of("served-1", workspace=here, sha256=registry.get(champion).sha256)
    old = copy_of("served-2", workspace=here, sha256="0" * 64)
    elsewhere = copy_of("served-3", workspace=here, sha256="0" * 64, model="own/mine")
    orphan = copy_of("served-4", workspace=gone)
    others = copy_of("served-5", workspace=str(tmp_path), sha256="0" * 64)
    bare = copy_of("served-6", workspace="")
    found = surplus_copies(registry)
    assert {copy.directory for copy in found} == {old, elsewhere, orphan}
    assert min(copy.size_bytes for copy in found) > 100
    busy = lock_file(old.with_suffix(".lock"))
    with busy.acquire(timeout=0):  # somebody converts it at this moment
        assert {copy.directory for copy in delete_copies(found)} == {elsewhere, orphan}
    assert [f.is_dir() for f in (serving, old, others, bare)] == [True] * 4
    assert not elsewhere.exists()


def test_the_merged_copy_of_what_a_setting_names_stays(registry, add):
    [named] = add(1)
    copy_of("served-1", workspace=str(registry.workspace), sha256=registry.get(named).sha256)
    assert len(surplus_copies(registry)) == 1
    assert surplus_copies(registry, spared={named}) == []
