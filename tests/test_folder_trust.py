"""What stands in a folder's `.homespun` is believed only where this machine has put it there."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys

import pytest

from homespun.cli.main import main
from homespun.errors import FolderRefused
from homespun.indexer.config import IndexConfig
from homespun.indexer.errors import IndexDamaged
from homespun.indexer.index import Index
from homespun.models.fakes import FakeEncoder, FakeGenerator
from tests.support import rpc
from tests.support.hostile import workspace_folders as hostile

CONFIG = IndexConfig(encoder="none")
posix = pytest.mark.skipif(os.name != "posix", reason="links and modes of POSIX")


def everything(folder):
    """Every entry below a folder, with its kind, mode and content."""
    found = {}
    for path in sorted(folder.rglob("*")):
        status = path.lstat()
        content = path.read_bytes() if stat.S_ISREG(status.st_mode) else b""
        found[path.relative_to(folder).as_posix()] = (status.st_mode, content)
    return found


@pytest.fixture
def root(tmp_path):
    return hostile.build_repository(tmp_path / "work" / "shop")


@pytest.fixture
def outside(tmp_path):
    return hostile.build_outside(tmp_path / "outside")


# --- links


@posix
@pytest.mark.parametrize("name", list(hostile.LINKED))
def test_a_folder_that_leads_elsewhere_is_refused_and_nothing_there_is_touched(
    root, outside, name, capsys
):
    hostile.LINKED[name](root, outside)
    before = everything(outside)
    (root.parent / "q.json").write_text('[{"query": "fetch", "relevant": ["client.py"]}]')
    for words in (
        ["index", str(root)],
        ["index", str(root), "--rebuild"],
        ["search", "fetch", "--path", str(root)],
        ["dataset", str(root)],
        ["train", str(root)],
        ["train", str(root), "--resume"],
        ["eval", "retrieval", str(root.parent / "q.json"), "--path", str(root), "--accept"],
    ):
        assert main(words) == 1, words
        err = capsys.readouterr().err
        sentence = err.strip().splitlines()[-1]
        assert "nothing is read from it and nothing written to it" in sentence, (words, err)
        assert str(root / ".homespun") in sentence
        assert "Traceback" not in err
    assert everything(outside) == before


@posix
@pytest.mark.parametrize("name", ["the folder", "lock.json", "deep"])
def test_a_completion_goes_on_without_what_was_refused(root, outside, name, capsys, monkeypatch):
    fake = FakeGenerator("url, session)", context_tokens=8192)
    monkeypatch.setattr("homespun.models.load.load_generator", lambda *_, **__: fake)
    hostile.LINKED[name](root, outside)
    before = everything(outside)
    assert main(["complete", str(root / "app.py:3:7"), "--json"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["sources"] == []
    assert "completing without retrieval" in err and "nothing is read from it" in err
    assert everything(outside) == before


@posix
@pytest.mark.parametrize("name", ["the folder", "lock.json", ".gitignore, dangling"])
def test_the_server_completes_without_retrieval_and_says_why(root, outside, name):
    hostile.LINKED[name](root, outside)
    before = everything(outside)
    client = rpc.Client()
    try:
        client.initialize(rootUri=root.as_uri())
        client.wait_until(lambda: client.status()["folders"][0]["state"] == "problem")
        [folder] = client.status()["folders"]
        assert "nothing is read from it and nothing written to it" in folder["message"]
        uri = (root / "app.py").as_uri()
        client.open(uri, "abc")
        assert client.complete_text(uri, 0, 3) == "abc|"
        (root / ".homespun").unlink() if name == "the folder" else shutil.rmtree(root / ".homespun")
        client.command("homespun.reindex")
        client.wait_until(lambda: client.status()["folders"][0]["state"] == "ready")
    finally:
        client.kill()
    assert everything(outside) == before


@posix
def test_a_link_that_comes_while_an_index_is_open_leads_nowhere(root, outside):
    index = Index.open(root, CONFIG, create=True)
    index.update()
    (root / ".homespun").rename(root / "aside")
    hostile.build_linked_folder(root, outside)
    before = everything(outside)
    (root / "client.py").write_text("def other(): ...\n")
    for work in (index.update, index.rebuild, index.refresh):
        with pytest.raises(FolderRefused, match="is a link"):
            work()
    assert everything(outside) == before


@posix
@pytest.mark.parametrize("name", ["lock.json", "manifest.json", ".gitignore"])
def test_a_link_inside_that_comes_while_an_index_is_open_is_replaced(root, outside, name):
    index = Index.open(root, CONFIG, create=True)
    index.update()
    before = everything(outside)
    (root / ".homespun" / name).unlink()
    hostile.build_linked(name, "lock.json")(root, outside)
    (root / "client.py").write_text("def other(): ...\n")
    assert index.update().changed in (0, 1)
    assert index.definitions("other")
    assert everything(outside) == before


@pytest.mark.parametrize("name", ["manifest.json", "lock.json", "lock", ".gitignore"])
def test_a_folder_in_the_place_of_a_file_is_one_sentence_or_mended(root, name, capsys):
    (root / ".homespun" / name / "inside").mkdir(parents=True)
    status = main(["index", str(root)])
    err = capsys.readouterr().err
    assert "Traceback" not in err and "Errno" not in err
    assert status == (0 if name == "manifest.json" else 1), err


# --- an index that came with the folder


@pytest.mark.parametrize("name", list(hostile.BROUGHT))
def test_an_index_that_this_machine_did_not_make_is_never_read(root, tmp_path, name):
    hostile.BROUGHT[name](root, tmp_path / "scratch")
    with pytest.raises(IndexDamaged, match=r"was not made on this machine .*homespun index"):
        Index.open(root, CONFIG)
    index = Index.open(root, CONFIG, create=True)
    assert index.search("fetch") == []
    report = index.update()
    assert "the index was rebuilt: " in report.notes[0]
    assert "was not made on this machine" in report.notes[0]
    assert (report.added, report.unchanged) == (2, 0)
    for each in (index, Index.open(root, CONFIG)):
        assert {hit.path for hit in each.search("fetch")} == {"client.py", "app.py"}
        assert all(hostile.POISON not in hit.text for hit in each.search("fetch session timeout"))
    assert not any(hostile.POISON.encode() in path.read_bytes() for path in files_of(root))
    assert "rebuilt" not in " ".join(index.update().notes)


def files_of(root):
    return [path for path in (root / ".homespun").rglob("*") if path.is_file()]


def test_a_reader_says_in_one_sentence_that_an_index_is_not_of_this_machine(
    root, tmp_path, capsys, monkeypatch
):
    fake = FakeGenerator("url, session)", context_tokens=8192)
    monkeypatch.setattr("homespun.models.load.load_generator", lambda *_, **__: fake)
    hostile.build_poisoned_index(root, tmp_path / "scratch")
    assert main(["search", "fetch", "--path", str(root)]) == 1
    out, err = capsys.readouterr()
    assert "was not made on this machine" in err and hostile.POISON not in out + err
    assert main(["complete", str(root / "app.py:3:7"), "--json"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["sources"] == []
    assert "was not made on this machine" in err and hostile.POISON not in out


def test_an_index_of_our_own_that_git_tracks_is_made_anew_once(root, tmp_path):
    Index.open(root, CONFIG, create=True).update()
    hostile.commit_by_force(root)
    index = Index.open(root, CONFIG, create=True)
    first, second = index.update(), index.update()
    assert any("rebuilt: git tracks its files" in note for note in first.notes)
    assert first.added == 2
    assert not any("rebuilt" in note for note in second.notes)
    assert any("`git rm -r --cached .homespun`" in note for note in second.notes)
    assert Index.open(root, CONFIG).info().files == 2


def test_no_path_of_the_tables_can_be_told_beforehand(root, tmp_path):
    other = hostile.build_repository(tmp_path / "other")
    names = []
    for folder in (root, other):
        index = Index.open(folder, CONFIG, create=True, encoder=FakeEncoder())
        index.update()
        index.embed()
        inside = folder / ".homespun"
        names.append({path.relative_to(inside).as_posix() for path in files_of(folder)})
    guessable = {".gitignore", "CACHEDIR.TAG", "lock", "lock.json", "manifest.json"}
    assert names[0] & names[1] == guessable


def test_what_a_pull_can_put_into_the_folder_is_not_read(root):
    """The names that can be guessed, each with something else in it: rebuilt, or without effect."""
    index = Index.open(root, CONFIG, create=True)
    index.update()
    inside = root / ".homespun"
    (inside / "lance" / "chunks.lance" / "_versions").mkdir(parents=True)
    (inside / "lance" / "chunks.lance" / "_versions" / "1.manifest").write_bytes(b"theirs")
    (inside / "lock.json").write_text('{"pid": 1, "command": "x", "since": "\\u001b[2J"}')
    assert Index.open(root, CONFIG).search("fetch")
    (inside / "manifest.json").write_text('{"format": 3, "tables": {}, "files": {}}')
    report = Index.open(root, CONFIG, create=True).update()
    assert report.added == 2
    assert not (inside / "lance").exists()


def test_stamps_that_were_changed_are_noticed(root):
    for n in range(300):
        (root / f"m{n}.py").write_text(f"def name{n}(): ...\n")
    Index.open(root, CONFIG, create=True).update()
    (stamps,) = (root / ".homespun").glob("files.*.json")
    stamps.write_text(stamps.read_text().replace("m7.py", "m8.py"))
    with pytest.raises(IndexDamaged, match="was changed"):
        Index.open(root, CONFIG)
    assert Index.open(root, CONFIG, create=True).update().added == 302


def test_rebuild_takes_the_vectors_away_too(root):
    index = Index.open(root, CONFIG, create=True, encoder=FakeEncoder())
    index.update()
    assert index.embed() == 2
    (before,) = (root / ".homespun").glob("lance*")
    index.rebuild()
    (after,) = (root / ".homespun").glob("lance*")
    assert after.name != before.name
    assert index.embed() == 2


def test_the_rebuild_of_the_editor_begins_from_nothing(root):
    client = rpc.Client()
    try:
        client.initialize(rootUri=root.as_uri())
        client.wait_until(lambda: list((root / ".homespun").glob("lance*")))
        client.wait_until_ready()
        (before,) = (root / ".homespun").glob("lance*")
        client.command("homespun.reindex")
        client.wait_until(lambda: not before.exists())
        client.wait_until(lambda: client.status()["folders"][0]["state"] == "ready")
        assert Index.open(root, CONFIG).info().files == 2
    finally:
        client.kill()


# --- whose eyes


@posix
def test_nobody_else_can_read_what_a_private_file_says(root, monkeypatch):
    """A file of mode 600 does not become readable by being indexed, learned from or judged."""
    (root / "client.py").chmod(0o600)
    before = os.umask(0)
    try:
        for words in (
            ["index", str(root)],
            ["dataset", str(root)],
            ["index", str(root), "--rebuild"],
        ):
            main(words)
    finally:
        os.umask(before)
    assert readable_by_others(root / ".homespun") == []
    assert (root / ".homespun" / "CACHEDIR.TAG").exists()
    # What is copied out of the folder, by a backup or a hand, stays closed where we wrote it.
    own = [path for path in files_of(root) if "lance." not in path.as_posix()]
    assert own and all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in own)


def readable_by_others(folder, *, is_open=True):
    """Files below a folder that another user could read, by the modes on the way."""
    found = []
    for path in (folder, *folder.iterdir()) if folder.is_dir() else (folder,):
        mode = stat.S_IMODE(path.lstat().st_mode)
        if path == folder and path.is_dir():
            is_open = bool(mode & 0o011)
        elif path.is_dir():
            found += readable_by_others(path) if is_open else []
        elif is_open and mode & 0o044:
            found.append(path)
    return found


@posix
def test_a_folder_that_was_open_to_all_is_closed_by_the_next_run(root):
    Index.open(root, CONFIG, create=True).update()
    (root / ".homespun").chmod(0o755)
    Index.open(root, CONFIG, create=True).update()
    assert stat.S_IMODE((root / ".homespun").stat().st_mode) == 0o700


# --- two at once


def test_indexers_that_start_at_once_all_end_well_with_one_index(tmp_path):
    count = 3
    for attempt in range(2):
        root = hostile.build_repository(tmp_path / f"attempt{attempt}")
        for n in range(40):
            (root / f"m{n}.py").write_text(f"def name{n}(value):\n    return other(value, {n})\n")
        running = [
            subprocess.Popen(
                [sys.executable, "-P", "-m", "homespun.cli", "index", str(root), "--wait"],
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            for _ in range(count)
        ]
        said = [process.communicate(timeout=300)[0] for process in running]
        assert [process.returncode for process in running] == [0] * count, said
        index = Index.open(root, IndexConfig(), encoder=None)
        assert (index.info().files, index.info().chunks) == (42, 42)
        assert vector_keys(root) == 42, "a vector for each text, and only one"
        assert not any("rebuilt" in text for text in said), said


def vector_keys(root):
    from homespun.indexer.embedding.static_encoder import NAME
    from homespun.indexer.storage.lance import Store

    (folder,) = (root / ".homespun").glob("lance.*")
    keys = [key for some, _ in Store(folder).vectors(NAME) for key in some]
    assert len(keys) == len(set(keys))
    return len(keys)
