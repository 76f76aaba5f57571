"""Open files stand in the way, as on Windows: what is written anew is written all the same.

A simulation (`tests/support/like_windows.py`); what LanceDB does by itself is not simulated.
"""

from __future__ import annotations

import mmap
import os
import threading

import pytest

from homespun import storage
from homespun.indexer.config import IndexConfig
from homespun.indexer.index import Index
from homespun.training.dataset.output import CARD, DatasetFolder
from tests.support.like_windows import like_windows

HELD_SECONDS = 0.08  # shorter than a rename is tried for


def code(name, lines):
    return "".join(f"def {name}_{n}(value):\n    return value * {n}\n\n\n" for n in range(lines))


@pytest.fixture
def repo(tmp_path):
    (tmp_path / "one.py").write_text(code("one", 6))
    (tmp_path / "two.py").write_text(code("two", 6))
    return tmp_path


@pytest.mark.parametrize("how", ["open", "mapped"])
@pytest.mark.parametrize("act", ["replace", "rename"])
def test_the_simulation_refuses_what_windows_refuses(tmp_path, how, act):
    target, draft = tmp_path / "target", tmp_path / "draft"
    target.write_text("old")
    draft.write_text("new")
    with like_windows(tmp_path) as refused, target.open("rb") as stream:
        held = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) if how == "mapped" else None
        if held is not None:
            stream.close()
        with pytest.raises((PermissionError, FileExistsError)):
            getattr(os, act)(draft, target)
        with pytest.raises(PermissionError):
            target.unlink()
        if held is not None:
            held.close()
        stream.close()
        os.replace(draft, target)
        draft.write_text("newer")
        with pytest.raises(FileExistsError):
            os.rename(draft, target)
    assert target.read_text() == "new"
    assert len(refused) == 3


def test_a_file_is_written_anew_once_its_reader_is_done(tmp_path):
    target = tmp_path / "settings.json"
    storage.write_private(target, "old")
    reader = target.open("rb")
    threading.Timer(HELD_SECONDS, reader.close).start()
    with like_windows(tmp_path) as refused:
        storage.write_private(target, "new")
    assert refused
    assert target.read_text() == "new"
    assert list(tmp_path.iterdir()) == [target]


def test_who_keeps_a_file_open_for_good_leaves_the_old_one_and_no_draft(tmp_path):
    target = tmp_path / "settings.json"
    storage.write_private(target, "old")
    with like_windows(tmp_path), target.open("rb"), pytest.raises(PermissionError):
        storage.write_private(target, "new")
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_an_index_is_made_searched_changed_and_made_anew_beside_its_readers(repo):
    with like_windows(repo) as refused:
        index = Index.open(repo, IndexConfig(encoder="none"), create=True)
        index.update()
        reader = Index.open(repo, IndexConfig(encoder="none"))
        assert [hit.path for hit in reader.search("one_3", limit=1)] == ["one.py"]
        (repo / "two.py").unlink()
        (repo / "three.py").write_text(code("three", 6))
        index.update()
        reader.refresh()
        assert sorted(reader.paths()) == ["one.py", "three.py"]
        index.rebuild()
        reader.refresh()
        assert [hit.path for hit in reader.search("three_3", limit=1)] == ["three.py"]
    assert refused == []


def test_a_dataset_takes_the_place_of_the_one_before(tmp_path):
    out = tmp_path / "dataset"
    for number in range(2):
        folder = DatasetFolder(out)
        with like_windows(tmp_path) as refused:
            folder.begin(f"key {number}")
            (folder.draft / CARD).write_text(f'{{"key": "key {number}", "sha256": {{}}}}')
            folder.finish(CARD)
        assert refused == []
    assert folder.finished("key 1") is not None
    assert [path.name for path in tmp_path.iterdir()] == ["dataset"]
