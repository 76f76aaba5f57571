"""A list becomes a table: whatever happens meanwhile, readers see each chunk once."""

from __future__ import annotations

import dataclasses
import signal
import subprocess
import sys
import threading
import time

import pytest

from homespun.indexer.config import IndexConfig
from homespun.indexer.errors import TableRefused
from homespun.indexer.index import Index
from homespun.indexer.storage.rows import text_hash
from homespun.indexer.table import build as building
from homespun.indexer.table import care, registry
from homespun.indexer.table.build import build
from homespun.indexer.table.listed import NamedRepository
from homespun.indexer.table.place import TablePlace
from homespun.indexer.table.schema import CHUNKS, REPOS
from tests.indexer.table.contents import lying, rows_of, seen


def test_its_rows_are_those_of_the_repositories_own_indexes(built, repositories, encoder):
    wanted = []
    for one in repositories:
        index = Index.open(one.path, IndexConfig(), create=True, encoder=encoder)
        index.update()
        index.embed()
        snapshot = index.state.snapshot
        keys = {}
        for key, vectors in index._current.store.vectors(encoder.name):
            keys.update(zip(key, vectors.tolist(), strict=True))
        for path in index.paths():
            for document in snapshot.documents.get(path, ()):
                chunk = snapshot.chunk(document)
                vector = [round(value, 5) for value in keys[text_hash(chunk)]]
                wanted.append((one.name, *dataclasses.astuple(chunk), vector))
    place = TablePlace(built)
    names = [field.name for field in dataclasses.fields(chunk)]
    found = [
        (row["repository"], *(row[name] for name in names), [round(v, 5) for v in row["vector"]])
        for row in place.table(CHUNKS).search().to_arrow().to_pylist()
    ]
    assert len(found) == 6
    assert sorted(map(str, found)) == sorted(map(str, wanted))


def test_what_has_not_changed_is_not_built_again(built, repositories, encoder):
    before = rows_of(built)
    (repositories[1].path / "shop/pay.py").write_text("def pay(card):\n    return card.debit()\n")
    report = build(TablePlace(built), repositories, encoder)
    assert (report.built, report.unchanged) == (["acme/shop"], ["acme/auth", "acme/docs"])
    after = rows_of(built)
    assert after["acme/auth"] == before["acme/auth"]
    assert after["acme/shop"].build > before["acme/shop"].build
    texts = [row[10] for row in seen(built)]
    assert any("debit" in text for text in texts)
    assert not any("charge" in text for text in texts)


def test_a_repository_that_is_gone_from_the_list_leaves(built, repositories, encoder):
    report = build(TablePlace(built), repositories[:2], encoder, keep_others=True)
    assert (report.gone, len(rows_of(built))) == ([], 3)
    report = build(TablePlace(built), repositories[:2], encoder)
    assert report.gone == ["acme/docs"]
    assert {row[0] for row in seen(built)} == {"acme/auth", "acme/shop"}


def test_one_that_cannot_be_read_stays_as_it_was_and_is_in_the_report(built, repositories, encoder):
    before = seen(built)
    nowhere = NamedRepository("acme/shop", repositories[1].path / "nowhere")
    report = build(TablePlace(built), [repositories[0], nowhere, repositories[2]], encoder)
    assert list(report.failed) == ["acme/shop"]
    assert "is no directory" in report.failed["acme/shop"]
    assert seen(built) == before


def test_secrets_are_masked_before_there_are_rows(uri, repositories, encoder):
    key = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
    (repositories[0].path / "auth/keys.py").write_text(f'TOKEN = "{key}"\n')
    build(TablePlace(uri, create=True), repositories, encoder)
    assert any("TOKEN" in str(row) for row in seen(uri))
    assert not any(key in str(row) or key.lower() in str(row) for row in seen(uri))


# --- writers that die, meet, or try again

WRITER = """
import os, signal, sys
from pathlib import Path
from homespun.indexer.embedding.static_encoder import StaticEncoder
from homespun.indexer.table import build as building, registry
from homespun.indexer.table.listed import NamedRepository
from homespun.indexer.table.place import TablePlace

uri, point, count, *pairs = sys.argv[1:]
building._APPENDED_CHUNKS = 1
left = int(count)

def die_at(module, name, place):
    real = getattr(module, name)
    def shim(*args, **more):
        global left
        if place == "before":
            left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        found = real(*args, **more)
        if place == "after":
            left -= 1
            if left < 0:
                os.kill(os.getpid(), signal.SIGKILL)
        return found
    setattr(module, name, shim)

module, name, place = {
    "append": (building, "retried", "before"),
    "appended": (building, "retried", "after"),
    "naming": (building, "name_build", "before"),
    "named": (building, "name_build", "after"),
    "indexing": (building, "ensure_indexes", "before"),
}[point]
die_at(module, name, place)
listed = [NamedRepository(*pair.split("=", 1)) for pair in pairs]
listed = [NamedRepository(one.name, Path(one.path)) for one in listed]
building.build(TablePlace(uri, create=True), listed, StaticEncoder.load())
"""


def killed(uri, repositories, point, count):
    """Build in another process, which is killed when it comes to a point for the nth time."""
    pairs = [f"{one.name}={one.path}" for one in repositories]
    done = subprocess.run(
        [sys.executable, "-P", "-W", "ignore", "-c", WRITER, uri, point, str(count), *pairs],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == -9, done.stderr


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="there is no SIGKILL here")
@pytest.mark.parametrize(
    ("point", "count"),
    [("append", 1), ("appended", 0), ("appended", 3), ("naming", 0), ("naming", 1), ("named", 1)]
    + [("indexing", 0)],
)
def test_a_writer_that_is_killed_leaves_nothing_that_is_seen(
    tmp_path, uri, repositories, encoder, point, count
):
    alone = str(tmp_path / "alone")
    build(TablePlace(alone, create=True), repositories, encoder)
    wanted = seen(alone)
    killed(uri, repositories, point, count)
    if REPOS in TablePlace(uri)._names:
        whole = {name for name in rows_of(uri)}
        assert seen(uri) == [row for row in wanted if row[0] in whole]
    build(TablePlace(uri), repositories, encoder)
    assert seen(uri) == wanted
    build(
        *(TablePlace(uri), repositories, encoder),
        optimizing=True,
        clock=lambda: time.time() + 2 * care.SWEEP_SECONDS,
    )
    assert seen(uri) == wanted
    assert lying(uri) == len(wanted)


def test_an_append_that_arrived_twice_makes_the_attempt_void(
    uri, repositories, encoder, monkeypatch
):
    real, calls = registry.retried, []

    def twice(place, write):
        calls.append(write)
        if len(calls) == 1:
            write()  # its answer was lost, so it is tried again
        return real(place, write)

    monkeypatch.setattr(building, "retried", twice)
    build(TablePlace(uri, create=True), repositories, encoder)
    rows = seen(uri)
    assert len(rows) == len(set(rows)) == 6
    assert lying(uri) > 6


def test_a_place_where_rows_are_always_lost_is_said_and_nothing_is_named(
    uri, repositories, encoder, monkeypatch
):
    monkeypatch.setattr(building, "retried", lambda place, write: None)
    with pytest.raises(TableRefused, match="had 0 rows of 'acme/auth' where 3 were written"):
        build(TablePlace(uri, create=True), repositories, encoder)
    assert rows_of(uri) == {}


def test_two_that_build_at_once_end_as_one_would(tmp_path, uri, repositories, encoder):
    alone = str(tmp_path / "alone")
    build(TablePlace(alone, create=True), repositories, encoder)
    TablePlace(uri, create=True).table(CHUNKS, create=True)
    together, troubles = threading.Barrier(3), []

    def write():
        try:
            place = TablePlace(uri, create=True)
            together.wait()
            build(place, repositories, encoder)
        except BaseException as error:
            troubles.append(error)

    threads = [threading.Thread(target=write) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert troubles == []
    assert seen(uri) == seen(alone)
    place = TablePlace(uri)
    build(place, repositories, encoder, optimizing=True)
    assert place.table(REPOS).count_rows() == 3  # one row a repository, whoever met
    assert seen(uri) == seen(alone)


def test_rows_that_say_the_same_twice_become_one(built, repositories, encoder):
    repos = TablePlace(built).table(REPOS)
    repos.add(repos.search().to_arrow())
    wanted = rows_of(built)
    build(TablePlace(built), repositories, encoder)
    assert (rows_of(built), repos.count_rows()) == (wanted, 6)
    build(TablePlace(built), repositories, encoder, optimizing=True)
    repos.checkout_latest()
    assert (rows_of(built), repos.count_rows()) == (wanted, 3)


def test_of_two_builds_the_one_that_began_later_counts(built, repositories, encoder):
    place = TablePlace(built)
    repos = place.table(REPOS)
    now = rows_of(built)["acme/auth"]
    older = dataclasses.replace(now, build=registry.new_build(1_000.0), revision="older")
    registry.name_build(place, repos, older)
    assert rows_of(built)["acme/auth"] == now
    later = dataclasses.replace(now, build=registry.new_build(9_999_999_999.0), revision="later")
    registry.name_build(place, repos, later)
    assert rows_of(built)["acme/auth"] == later
    assert repos.count_rows() == 3


def test_the_sweep_leaves_what_another_writer_may_be_writing(built, repositories, encoder):
    place = TablePlace(built)
    chunks = place.table(CHUNKS)
    rows = chunks.search().to_arrow()
    young = registry.new_build(time.time())
    column = rows.schema.get_field_index("build")
    chunks.add(rows.set_column(column, "build", [[young] * len(rows)]))
    assert build(place, repositories, encoder, optimizing=True).swept == 0
    assert lying(built) == 12
    later = time.time() + 2 * care.SWEEP_SECONDS
    assert build(place, repositories, encoder, optimizing=True, clock=lambda: later).swept == 1
    assert lying(built) == 6


def test_an_attempt_that_the_sweep_may_take_for_dead_is_not_named(uri, repositories, encoder):
    times = iter(range(0, 10**9, int(care.SWEEP_SECONDS)))
    with pytest.raises(TableRefused, match="3 times"):
        build(TablePlace(uri, create=True), repositories, encoder, clock=lambda: float(next(times)))
