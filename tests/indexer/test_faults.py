"""Whatever happens to a run or to the files: afterwards the index is as a fresh one would be.

`HOMESPUN_LONG_TESTS=1` takes many more moments and saves than a change needs.
"""

from __future__ import annotations

import itertools
import os
import random
import signal
import subprocess
import sys
import threading
import time
from datetime import timedelta

import pytest

from homespun.indexer import build
from homespun.indexer.config import IndexConfig
from homespun.indexer.errors import IndexLocked
from homespun.indexer.index import Index
from homespun.indexer.storage import lance, manifest, vector_table
from homespun.indexer.storage.lance import Store
from homespun.models.fakes import FakeEncoder

CONFIG = IndexConfig()
LONG = bool(os.environ.get("HOMESPUN_LONG_TESTS"))
OLD_NS = 1_600_000_000_000_000_000  # long ago: not a file that may still change
clock = itertools.count(OLD_NS, 1_000_000_000)


def put(root, path, text):
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8", newline="")
    mtime_ns = next(clock)
    os.utime(file, ns=(mtime_ns, mtime_ns))


def module(name, version=0):
    return f"def {name}_run(value):\n    return helper(value, {version})\n"


def contents(index):
    """Everything that a search can meet, by path."""
    snapshot = index._current.state.snapshot
    found = {}
    for path in index.paths():
        chunks = [snapshot.chunk(document) for document in snapshot.documents.get(path, ())]
        facts = index.symbols_in(path), index.imports(path), index.calls_in(path)
        found[path] = sorted(chunks, key=lambda chunk: chunk.start_line), *facts
    return found


def assert_fresh(root, tmp_path_factory, index=None):
    """The index on the disk, and the one at hand, hold what a new one of the same files would."""
    copy = tmp_path_factory.mktemp("fresh")
    for file in root.rglob("*"):
        if file.is_file() and not {".homespun", ".git"} & set(file.parts):
            put(copy, file.relative_to(root).as_posix(), file.read_text(encoding="utf-8"))
    fresh = Index.open(copy, CONFIG, create=True)
    fresh.update()
    wanted = contents(fresh)
    assert contents(Index.open(root, CONFIG)) == wanted
    if index is not None:
        assert contents(index) == wanted
    folder = build.folder_of(root)
    census = Store(folder / manifest.load(folder).store).census()
    assert census["files"].total() == len(wanted)
    assert census["chunks"].total() == sum(len(chunks) for chunks, *_ in wanted.values())


# --- kill -9

WRITER = """
import os, sys
from pathlib import Path
from homespun.indexer.storage.rest_client import leave_out_the_rest_client
leave_out_the_rest_client()
from homespun.indexer import build
from homespun.indexer.config import IndexConfig
from homespun.indexer.embedding import update
from homespun.indexer.index import Index
from homespun.models.fakes import FakeEncoder

build._BATCH_FILES = 2
build._OPTIMIZE_AFTER_VERSIONS = 12
update._BATCH_CHUNKS = 3

def work(line):
    # All of it counts: opening, updating, compacting, vectors.
    config = IndexConfig(lock_wait_seconds=60)
    index = Index.open(Path(sys.argv[1]), config, create=True, encoder=FakeEncoder())
    index.rebuild() if line == "rebuild" else index.update()
    index.embed()

print("ready", flush=True)
while line := sys.stdin.readline().strip():
    if not hasattr(os, "fork"):
        print(os.getpid(), flush=True)
        work(line)
        sys.stdin.readline()
        print("done", flush=True)
        continue
    # A new process takes a second to import everything; this one never opens an index itself.
    child = os.fork()
    if child == 0:
        work(line)
        os._exit(0)
    print(child, flush=True)
    sys.stdin.readline()  # until then the number stays the child's
    print("done" if os.waitpid(child, 0)[1] == 0 else "killed", flush=True)
"""


def start(root):
    return subprocess.Popen(
        [sys.executable, "-P", "-W", "ignore", "-c", WRITER, str(root)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def ask(process, line):
    """Have the writer begin; return the process that works."""
    process.stdin.write(line + "\n")
    process.stdin.flush()
    return int(process.stdout.readline())


def end(process):
    """Wait for the process that works; return how it ended."""
    process.stdin.write("ended?\n")
    process.stdin.flush()
    return process.stdout.readline().strip()


def change_at_random(root, dice):
    for _ in range(dice.randint(1, 5)):
        name = f"mod{dice.randint(0, 11)}"
        path = f"pkg/{name}.py"
        if dice.random() < 0.3:
            (root / path).unlink(missing_ok=True)
        else:
            put(root, path, module(name, dice.randint(0, 9**6)))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="a second for each process: too slow")
def test_kill_at_fifty_moments_leaves_an_index_like_a_fresh_one(tmp_path, tmp_path_factory):
    dice = random.Random(11)
    for n in range(8):
        put(tmp_path, f"pkg/mod{n}.py", module(f"mod{n}"))
    moments, at_work, longest = 500 if LONG else 50, 0, 0.3
    with start(tmp_path) as process:
        assert process.stdout.readline() == "ready\n"
        for moment in range(moments):
            change_at_random(tmp_path, dice)
            worker = ask(process, "rebuild" if dice.random() < 0.15 else "update")
            time.sleep(dice.uniform(0, longest))
            os.kill(worker, signal.SIGKILL)
            died_at_work = end(process) == "killed"
            at_work += died_at_work
            longest = min(longest * (1.3 if died_at_work else 0.7), 2.0)
            if moment % 10 == 9:
                index = Index.open(tmp_path, CONFIG, create=True)
                index.update()
                assert_fresh(tmp_path, tmp_path_factory, index)
        process.kill()
    assert at_work >= moments // 5
    index = Index.open(tmp_path, CONFIG, create=True, encoder=FakeEncoder())
    index.update()
    index.embed()
    assert_fresh(tmp_path, tmp_path_factory, index)
    assert index.info().vectors == index.info().chunks
    kept = {path.name for path in (tmp_path / ".homespun").iterdir()}
    stamps = manifest.load(tmp_path / ".homespun").stamps
    assert {name for name in kept if name.startswith("files.")} <= {stamps}
    assert not [name for name in kept if name.endswith(".tmp")]


def test_a_rebuild_that_died_leaves_no_rows_behind(tmp_path, tmp_path_factory):
    for n in range(4):
        put(tmp_path, f"pkg/mod{n}.py", module(f"mod{n}"))
    Index.open(tmp_path, CONFIG, create=True).update()
    # The manifest goes first; here the run dies before the tables are gone.
    manifest.remove(tmp_path / ".homespun")
    (store_folder,) = (tmp_path / ".homespun").glob("lance.*")
    (store_folder / "chunks.lance").rename(store_folder / "x.lance")
    index = Index.open(tmp_path, CONFIG, create=True)
    index.update()
    assert_fresh(tmp_path, tmp_path_factory, index)


# --- two processes


def test_two_processes_that_write_in_turn_lose_nothing(tmp_path, tmp_path_factory):
    for n in range(8):
        put(tmp_path, f"pkg/mod{n}.py", module(f"mod{n}"))
    ours = Index.open(tmp_path, IndexConfig(lock_wait_seconds=60), create=True)
    ours.update()
    with start(tmp_path) as theirs:
        assert theirs.stdout.readline() == "ready\n"
        for turn in range(6):
            put(tmp_path, f"pkg/mod{turn}.py", module(f"mod{turn}", 1))
            put(tmp_path, f"pkg/new{turn}.py", module(f"new{turn}"))
            ask(theirs, "update")
            # At the same time, and of a file that the other one takes as well.
            try:
                ours.update(paths=[f"pkg/mod{turn}.py"])
            except IndexLocked:
                pytest.fail("a minute is enough for a handful of files")
            assert end(theirs) == "done"
        ours.refresh()
        theirs.kill()
    assert_fresh(tmp_path, tmp_path_factory, ours)


# --- a reader while the store is compacted


def test_readers_find_everything_while_the_store_is_compacted(tmp_path, monkeypatch):
    monkeypatch.setattr(build, "_OPTIMIZE_AFTER_VERSIONS", 2)
    monkeypatch.setattr(lance, "_KEEP_VERSIONS", timedelta(seconds=2))
    for n in range(30):
        put(tmp_path, f"pkg/mod{n}.py", module(f"mod{n}"))
    writer = Index.open(tmp_path, CONFIG, create=True)
    writer.update()
    failures, done, opened = [], threading.Event(), []

    def read():
        try:
            while not done.is_set():
                reader = Index.open(tmp_path, CONFIG)
                assert reader.definitions("mod7_run")
                assert reader.search("mod7_run", limit=1)[0].path == "pkg/mod7.py"
                opened.append(reader.info().generation)
        except Exception as error:
            failures.append(error)

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    for n in range(10):
        put(tmp_path, "pkg/mod0.py", module("mod0", n + 1))
        writer.update(paths=["pkg/mod0.py"])
    done.set()
    for reader in readers:
        reader.join()
    assert failures == []
    assert len(set(opened)) > 1  # they have seen several states


# --- branches, renames


def git(root, *arguments):
    command = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", *arguments]
    subprocess.run(command, cwd=root, check=True, capture_output=True)


def test_a_checkout_of_a_thousand_files_embeds_changed_chunks_only(tmp_path, tmp_path_factory):
    files = 1000
    for n in range(files):
        put(tmp_path, f"pkg/p{n % 40}/mod{n}.py", module(f"mod{n}"))
    git(tmp_path, "init", "-q", "-b", "main")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-qm", "one")
    encoder = FakeEncoder()
    index = Index.open(tmp_path, CONFIG, create=True, encoder=encoder)
    index.update()
    assert index.embed() == files
    git(tmp_path, "checkout", "-q", "-b", "other")
    for n in range(files):
        # Most files get a comment in a chunk of their own size; a tenth of them another function.
        text = module(f"mod{n}", 1) if n % 10 == 0 else module(f"mod{n}")
        (tmp_path / f"pkg/p{n % 40}/mod{n}.py").write_text(text)
        (tmp_path / f"pkg/p{n % 40}/mod{n}.py").rename(tmp_path / f"pkg/p{n % 40}/moved{n}.py")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-qm", "two")
    encoder.calls.clear()
    report = index.update()
    assert (report.added, report.removed) == (files, files)
    assert index.embed() == files // 10
    for branch in ("main", "other"):
        git(tmp_path, "checkout", "-q", branch)
        index.update()
        assert index.embed() == 0
    assert sum(map(len, encoder.calls)) == files // 10
    assert index.info().vectors == files
    assert_fresh(tmp_path, tmp_path_factory, index)


def test_rename_delete_and_a_change_of_case_are_followed(tmp_path, tmp_path_factory):
    for name in ("first", "second", "third"):
        put(tmp_path, f"pkg/{name}.py", module(name))
    index = Index.open(tmp_path, CONFIG, create=True)
    index.update()
    (tmp_path / "pkg/first.py").rename(tmp_path / "pkg/renamed.py")
    (tmp_path / "pkg/second.py").unlink()
    (tmp_path / "pkg/third.py").rename(tmp_path / "pkg/Third.py")
    index.update()
    assert index.paths() == ["pkg/Third.py", "pkg/renamed.py"]
    assert [symbol.path for symbol in index.definitions("third_run")] == ["pkg/Third.py"]
    assert_fresh(tmp_path, tmp_path_factory, index)
    (tmp_path / "pkg/Third.py").rename(tmp_path / "pkg/third.py")
    index.update(paths=["pkg/Third.py", "pkg/third.py"])
    assert index.paths() == ["pkg/renamed.py", "pkg/third.py"]
    assert_fresh(tmp_path, tmp_path_factory, index)
    (tmp_path / "pkg").rename(tmp_path / "lib")
    index.update()
    assert index.paths() == ["lib/renamed.py", "lib/third.py"]


# --- version bloat


def test_many_saves_leave_a_bounded_number_of_files_and_bytes(tmp_path, monkeypatch):
    # Ten minutes of keeping old versions, scaled down to a second.
    monkeypatch.setattr(lance, "_KEEP_VERSIONS", timedelta(seconds=1))
    for n in range(20):
        put(tmp_path, f"pkg/mod{n}.py", module(f"mod{n}"))
    index = Index.open(tmp_path, CONFIG, create=True, encoder=FakeEncoder())
    index.update()
    index.embed()
    files, sizes = [], []
    for save in range(1000 if LONG else 120):
        put(tmp_path, "pkg/mod3.py", module("mod3", save))
        index.update(paths=["pkg/mod3.py"], care=save % 5 == 0)
        index.embed()
        found = [path for path in (tmp_path / ".homespun").rglob("*") if path.is_file()]
        files.append(len(found))
        sizes.append(sum(path.stat().st_size for path in found))
    half = len(files) // 2
    assert max(files[half:]) <= 1.5 * max(files[:half])
    assert max(sizes[half:]) <= 1.5 * max(sizes[:half])
    assert max(files) < 2_000
    assert index.definitions("mod3_run")[0].path == "pkg/mod3.py"


def test_vectors_of_texts_that_are_gone_do_not_pile_up(tmp_path, monkeypatch):
    monkeypatch.setattr(build, "_OPTIMIZE_AFTER_VERSIONS", 4)
    monkeypatch.setattr(vector_table, "_SPARE_VECTORS", 10)
    for n in range(5):
        put(tmp_path, f"pkg/mod{n}.py", module(f"mod{n}"))
    encoder = FakeEncoder()
    index = Index.open(tmp_path, CONFIG, create=True, encoder=encoder)
    for save in range(40):
        put(tmp_path, "pkg/mod3.py", module("mod3", save))
        index.update()
        index.embed()
    assert len(index._current.store.vector_keys("fake")) <= 5 + 10 + 4
    assert index.info().vectors == 5
    fresh = Index.open(tmp_path, CONFIG, encoder=FakeEncoder())
    assert (fresh.info().vectors, fresh.embed()) == (5, 0)
    put(tmp_path, "pkg/mod3.py", module("mod3", 38))
    index.update()
    assert index.embed() == 0  # the last ones are kept


# --- out of the root


def test_what_lies_outside_of_the_root_is_never_read(tmp_path):
    outside = tmp_path / "outside"
    put(outside, "private.py", "def private_thing(): ...\n")
    root = tmp_path / "root"
    put(root, "own.py", module("own"))
    (root / "link.py").symlink_to(outside / "private.py")
    (root / "folder").symlink_to(outside, target_is_directory=True)
    index = Index.open(root, CONFIG, create=True)
    index.update()
    index.update(
        paths=[
            "../outside/private.py",
            "pkg/../../outside/private.py",
            str(outside / "private.py"),
            "link.py",
            "folder/private.py",
        ]
    )
    assert index.paths() == ["own.py"]
    assert index.definitions("private_thing") == []
    assert index.search("private_thing", mode="lexical") == []


@pytest.mark.parametrize("with_git", [True, False])
def test_a_folder_that_becomes_a_link_to_the_outside_is_left_out(tmp_path, with_git):
    put(tmp_path, "outside/mod.py", "def private_thing(): ...\n")
    root = tmp_path / "root"
    put(root, "pkg/mod.py", module("mod"))
    if with_git:
        git(root, "init", "-q")
        git(root, "add", "-A")
    index = Index.open(root, CONFIG, create=True)
    index.update()
    (root / "pkg").rename(tmp_path / "before")
    (root / "pkg").symlink_to(tmp_path / "outside", target_is_directory=True)
    report = index.update(paths=["pkg/mod.py"])
    assert (report.removed, report.skipped) == (1, {"outside": 1})
    assert index.update().files == 0
    assert index.definitions("private_thing") == []
