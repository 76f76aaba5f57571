"""The pipeline: only what has changed, and nothing lost or doubled however a run ends."""

from __future__ import annotations

import itertools
import os
import random
import sys
import time
from pathlib import Path

import pytest

from homespun.errors import FolderRefused
from homespun.indexer import build
from homespun.indexer.config import IndexConfig
from homespun.indexer.index import Index
from homespun.indexer.storage import manifest
from homespun.indexer.storage.lance import Store
from tests.support import prepared_process
from tests.support.parser_child import stand_in

CONFIG = IndexConfig()
OLD_NS = 1_600_000_000_000_000_000  # long ago: not a file that may still change
clock = itertools.count(OLD_NS, 1_000_000_000)


def put(root, path, text, *, mtime_ns=None):
    mtime_ns = next(clock) if mtime_ns is None else mtime_ns
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8", newline="")
    os.utime(file, ns=(mtime_ns, mtime_ns))


def module(name, version=0):
    body = "".join(
        f"def {name}_{n}(value):\n    return helper_{n}(value, {version})\n\n\n" for n in range(6)
    )
    return f"import os\n\n\n{body}class {name.title()}:\n    limit = {version}\n"


@pytest.fixture
def repo(tmp_path):
    for n in range(6):
        put(tmp_path, f"pkg/mod{n}.py", module(f"mod{n}"))
    return tmp_path


def rows(root):
    """Everything that the index of `root` holds, in comparable form."""
    folder = build.folder_of(root)
    current = manifest.load(folder)
    hashes = {path: stamp.hash for path, stamp in current.indexed.items()}
    found = Store(folder / current.store).read(current.tables, hashes)
    words = [
        [found.tokens.terms[i] for i in found.tokens.ids[start:end]]
        for start, end in zip(found.tokens.offsets, found.tokens.offsets[1:], strict=False)
    ]
    return hashes, found.chunks, found.text_hashes, words, found.symbols, found.imports


def all_rows_of_the_tables(root):
    folder = build.folder_of(root)
    return Store(folder / manifest.load(folder).store).census()


def counts(report):
    return report.added, report.changed, report.removed, report.unchanged


def reread(monkeypatch):
    """Record which files are read."""
    read = []
    original = build.walk.read

    def recording(root, path, config):
        read.append(path)
        return original(root, path, config)

    monkeypatch.setattr(build.walk, "read", recording)
    return read


def test_a_tree_of_several_batches_whose_times_alone_have_changed_is_looked_at_again(
    repo, monkeypatch
):
    monkeypatch.setattr(build, "_BATCH_FILES", 2)
    index = Index.open(repo, CONFIG, create=True)
    index.update()
    for n in range(6):
        put(repo, f"pkg/mod{n}.py", module(f"mod{n}", version=int(n == 5)))
    assert counts(index.update()) == (0, 1, 0, 5)


def test_a_batch_of_files_without_any_chunk_is_indexed_like_the_others(tmp_path, monkeypatch):
    for name, text in (("a.py", "alpha = 1\n"), ("b.py", "\n"), ("c.py", "gamma = 1\n")):
        put(tmp_path, name, text)
    monkeypatch.setattr(build, "_BATCH_FILES", 1)
    index = Index.open(tmp_path, CONFIG, create=True)
    index.update()
    assert [hit.path for hit in index.search("gamma", mode="lexical")] == ["c.py"]
    assert [hit.path for hit in index.search("alpha", mode="lexical")] == ["a.py"]


def test_a_first_run_takes_everything(repo):
    report = Index.open(repo, CONFIG, create=True).update()
    assert counts(report) == (6, 0, 0, 0)
    assert (report.files, report.partial, report.embedded) == (6, 0, 0)
    assert report.chunks >= 6
    assert report.symbols == 6 * 7  # six functions and a class in each file


def test_the_index_folder_keeps_itself_out_of_git_and_of_the_index(repo):
    index = Index.open(repo, CONFIG, create=True)
    index.update()
    assert (repo / ".homespun" / ".gitignore").read_text() == "*\n"
    assert index.update().files == 6


def test_nothing_is_read_again_when_nothing_changed(repo, monkeypatch):
    index = Index.open(repo, CONFIG, create=True)
    index.update()
    generation = index.info().generation
    read = reread(monkeypatch)
    assert counts(index.update()) == (0, 0, 0, 6)
    assert read == []
    assert index.info().generation == generation


def test_a_touched_file_is_read_but_its_content_decides(repo, monkeypatch):
    index = Index.open(repo, CONFIG, create=True)
    index.update()
    put(repo, "pkg/mod1.py", module("mod1"))
    read = reread(monkeypatch)
    assert counts(index.update()) == (0, 0, 0, 6)
    assert counts(index.update()) == (0, 0, 0, 6)
    assert read == ["pkg/mod1.py"]


def test_a_file_that_changed_within_its_time_stamp_is_still_noticed(repo):
    index = Index.open(repo, CONFIG, create=True)
    young = time.time_ns() + 60 * 10**9  # when it is read, too, on however slow a machine
    put(repo, "pkg/mod1.py", module("mod1", 1), mtime_ns=young)
    index.update()
    put(repo, "pkg/mod1.py", module("mod1", 2), mtime_ns=young)
    assert counts(index.update()) == (0, 1, 0, 5)


def test_change_addition_and_removal_leave_the_rows_of_a_fresh_index(repo, tmp_path_factory):
    index = Index.open(repo, CONFIG, create=True)
    index.update()
    put(repo, "pkg/mod0.py", module("mod0", 7))
    put(repo, "new.py", module("new"))
    (repo / "pkg/mod1.py").unlink()
    (repo / "pkg/mod2.py").rename(repo / "pkg/moved.py")
    assert counts(index.update()) == (2, 1, 2, 3)
    assert rows(repo) == fresh_rows(repo, tmp_path_factory)


def fresh_rows(repo, tmp_path_factory):
    copy = tmp_path_factory.mktemp("fresh")
    for file in repo.rglob("*"):
        if file.is_file() and ".homespun" not in file.parts:
            put(copy, file.relative_to(repo).as_posix(), file.read_text(encoding="utf-8"))
    Index.open(copy, CONFIG, create=True).update()
    return rows(copy)


def test_an_update_of_named_paths_looks_at_nothing_else(repo, monkeypatch):
    index = Index.open(repo, CONFIG, create=True)
    index.update()
    put(repo, "pkg/mod0.py", module("mod0", 1))
    put(repo, "pkg/mod1.py", module("mod1", 1))
    (repo / "pkg/mod2.py").unlink()
    read = reread(monkeypatch)
    assert counts(index.update(paths=["pkg/mod0.py", "pkg/mod2.py"])) == (0, 1, 1, 4)
    assert read == ["pkg/mod0.py"]
    assert counts(index.update()) == (0, 1, 0, 4)


def test_a_named_path_that_is_ignored_stays_out(repo):
    (repo / ".gitignore").write_text("*.log.py\n")
    index = Index.open(repo, CONFIG, create=True)
    index.update()
    put(repo, "x.log.py", module("x"))
    put(repo, "y.py", module("y"))
    assert counts(index.update(paths=["x.log.py", "y.py", "not/there.py"])) == (1, 0, 0, 7)


def test_what_cannot_be_parsed_is_counted_with_its_reason_each_time(repo):
    (repo / "data.py").write_bytes(b"\x00\x01" * 100)
    put(repo, "broken.py", "def f(:\n    return 1\n")
    index = Index.open(repo, CONFIG, create=True)
    for _ in range(2):
        report = index.update()
        assert (report.files, report.partial) == (7, 1)
        assert report.skipped == {"binary": 1}
        assert report.skipped_examples == {"binary": ["data.py"]}


def test_a_file_that_turns_binary_leaves_the_index(repo):
    index = Index.open(repo, CONFIG, create=True)
    index.update()
    (repo / "pkg/mod0.py").write_bytes(b"\x00\x01" * 100)
    report = index.update()
    assert (report.removed, report.skipped) == (1, {"binary": 1})
    assert index.symbols_in("pkg/mod0.py") == []


def test_an_empty_folder_gives_an_empty_index(tmp_path):
    index = Index.open(tmp_path, CONFIG, create=True)
    report = index.update()
    assert (report.files, report.chunks) == (0, 0)
    assert any("no git repository" in note for note in report.notes)
    assert index.search("anything") == []


def test_other_chunk_sizes_rebuild_the_index_and_say_so(repo):
    Index.open(repo, CONFIG, create=True).update()
    report = Index.open(repo, IndexConfig(chunk_chars=200), create=True).update()
    assert counts(report) == (6, 0, 0, 0)
    assert report.notes[0].endswith("the settings have changed (chunk_chars was 1500, is 200)")
    assert all_rows_of_the_tables(repo)["chunks"].total() == report.chunks


def test_a_cancelled_run_keeps_what_it_has_done(repo, monkeypatch):
    monkeypatch.setattr(build, "_BATCH_FILES", 2)
    index = Index.open(repo, CONFIG, create=True)
    asked = iter([False, False, False, True, True, True])
    report = index.update(cancelled=lambda: next(asked))
    assert report.files == 3
    assert "stopped before the end" in " ".join(report.notes)
    assert counts(index.update()) == (3, 0, 0, 3)


# --- runs that die


DYING = """
import os, sys, threading
from pathlib import Path
from homespun.indexer.storage.rest_client import leave_out_the_rest_client
leave_out_the_rest_client()
from homespun.indexer import build
from homespun.indexer.config import IndexConfig
from homespun.indexer.index import Index
from homespun.indexer.storage.lance import Store

build._BATCH_FILES = 3
where = sys.argv[2]
if where == "before-manifest":
    build.manifest.save = lambda folder, current: os._exit(9)
if where == "between-tables":
    replace_in, chunks_are_in = Store._replace_in, threading.Event()
    def dying(self, name, outdated, added):
        if name == "symbols":
            chunks_are_in.wait()
            os._exit(9)
        replace_in(self, name, outdated, added)
        if name == "chunks":
            chunks_are_in.set()
    Store._replace_in = dying
index = Index.open(Path(sys.argv[1]), IndexConfig(lock_wait_seconds=60), create=True)
print("ready", flush=True)
sys.stdin.readline()
index.update()
print("done", flush=True)
"""


def start(repo, where="anywhere"):
    return prepared_process.start(DYING, str(repo), where, text=True)


def let_go(process):
    assert process.stdout.readline() == "ready\n"
    process.stdin.write("\n")
    process.stdin.flush()


@pytest.mark.parametrize("where", ["before-manifest", "between-tables"])
def test_a_run_that_dies_while_it_writes_changes_nothing_for_readers(repo, tmp_path_factory, where):
    Index.open(repo, CONFIG, create=True).update()
    before = rows(repo)
    put(repo, "pkg/mod0.py", module("mod0", 1))
    (repo / "pkg/mod1.py").unlink()
    with start(repo, where) as process:
        let_go(process)
        assert process.wait() == 9
    assert rows(repo) == before
    report = Index.open(repo, CONFIG, create=True).update()
    assert any("interrupted run was repaired" in note for note in report.notes)
    assert rows(repo) == fresh_rows(repo, tmp_path_factory)
    assert all_rows_of_the_tables(repo)["chunks"].total() == report.chunks


SMALL_DISK = """
import resource, signal, sys
from pathlib import Path
from homespun.indexer.storage.rest_client import leave_out_the_rest_client
leave_out_the_rest_client()
from homespun.indexer.config import IndexConfig
from homespun.indexer.errors import StoreFull
from homespun.indexer.index import Index

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
index = Index.open(Path(sys.argv[1]), IndexConfig())
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), int(sys.argv[2])))
try:
    index.update()
except StoreFull as error:
    print(error)
    print(len(index.search("mod0")))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no limit on the size of files to set")
@pytest.mark.parametrize("most_bytes", [0, 100, 20_000])
def test_where_writing_fails_the_sentence_says_so_and_the_old_index_stays(repo, most_bytes):
    Index.open(repo, CONFIG, create=True).update()
    before = rows(repo)
    noise = random.Random(1).choices("abcdefghijklmnopqrstuvwxyz_ ", k=400_000)
    lines = ["".join(noise[n : n + 80]) for n in range(0, len(noise), 80)]
    put(repo, "big.txt", "\n".join(lines))
    words = (str(repo), str(most_bytes))
    with prepared_process.start(SMALL_DISK, *words, text=True) as process:
        sentence, found = process.stdout.read().splitlines()
    assert str(repo / ".homespun") in sentence
    assert "free some space" in sentence
    assert int(found) > 0
    assert rows(repo) == before
    assert counts(Index.open(repo, CONFIG, create=True).update()) == (1, 0, 0, 6)


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / ".homespun").write_text("a file is in the way")
    with pytest.raises(FolderRefused, match="is no folder"):
        Index.open(tmp_path, CONFIG, create=True)


def test_the_report_of_a_named_path_counts_only_its_own_skips(repo):
    (repo / "data.py").write_bytes(b"\x00\x01" * 100)
    index = Index.open(repo, CONFIG, create=True)
    index.update()
    assert index.update(paths=["pkg/mod0.py"]).skipped == {}
    assert index.update(paths=["data.py"]).skipped == {"binary": 1}


def test_paths_are_kept_relative_with_slashes(repo):
    Index.open(repo, CONFIG, create=True).update()
    assert sorted(rows(repo)[0]) == [f"pkg/mod{n}.py" for n in range(6)]
    assert Path(".homespun") not in [Path(path) for path in rows(repo)[0]]


RAISING = """
def parse_file(path, source, config):
    if path == "bad.py":
        raise ValueError("query on rubble")
    return parse_for_real(path, source, config)
"""


def test_a_parser_that_raises_costs_one_file_only(tmp_path, monkeypatch):
    stand_in(monkeypatch, RAISING)
    for name in ("bad.py", "good.py"):
        (tmp_path / name).write_text("def f():\n    return 1\n", encoding="utf-8")
    report = Index.open(tmp_path, IndexConfig(encoder="none"), create=True).update()
    assert (report.files, report.skipped) == (1, {"unparsable": 1})
