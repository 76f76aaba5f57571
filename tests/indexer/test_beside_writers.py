"""What one process meets while another one makes, replaces or leaves behind an index, half done."""

from __future__ import annotations

import json
import threading

import pytest

from homespun.cli.main import main
from homespun.indexer import build
from homespun.indexer.config import IndexConfig
from homespun.indexer.errors import IndexLocked
from homespun.indexer.index import Index
from homespun.indexer.storage import vector_table
from homespun.models.fakes import FakeEncoder, FakeGenerator
from tests.support import prepared_process

PATIENT = IndexConfig(lock_wait_seconds=300)
HASTY = IndexConfig(lock_wait_seconds=0)

# A real writer that rests where the machine may leave any process for a while.
WRITER = """
import shutil, sys
from pathlib import Path
from homespun.indexer.storage.rest_client import leave_out_the_rest_client
leave_out_the_rest_client()
from homespun.indexer.config import IndexConfig
from homespun.indexer.index import Index
from homespun.indexer.storage import vector_table
from homespun.indexer.storage.lance import Store
from homespun.models.fakes import FakeEncoder

def rest():
    print("resting", flush=True)
    sys.stdin.readline()

def begin_a_table_and_rest(store, encoder, *arguments):
    # LanceDB makes a table's folder, writes the rows, and at last the version that makes it one.
    table = store._folder / f"{vector_table.name_of(encoder)}.lance"
    (table / "data").mkdir(parents=True)
    rest()
    shutil.rmtree(table)
    Store.add_vectors = add_vectors
    add_vectors(store, encoder, *arguments)

def wipe_and_rest(store):
    wipe(store)
    Store.wipe = wipe
    rest()

add_vectors, wipe = Store.add_vectors, Store.wipe
index = Index.open(Path(sys.argv[1]), IndexConfig(lock_wait_seconds=300), encoder=FakeEncoder())
if sys.argv[2] == "embeds":
    Store.add_vectors = begin_a_table_and_rest
else:
    Store.wipe = wipe_and_rest
    index.rebuild()
index.embed()
"""


@pytest.fixture
def repo(tmp_path):
    for name in ("first", "second"):
        (tmp_path / f"{name}.py").write_text(f"def {name}(value):\n    return other(value)\n")
    Index.open(tmp_path, PATIENT, create=True).update()
    return tmp_path


@pytest.fixture
def writer(repo, request):
    """A process that rests in the middle of what it does; a line on its stdin lets it go on."""
    with prepared_process.start(WRITER, str(repo), request.param, text=True) as process:
        assert process.stdout.readline() == "resting\n", process.stderr.read()
        yield process
        process.kill()


def go_on(writer):
    writer.stdin.write("\n")
    writer.stdin.flush()


class _Work:
    """A call on a thread of its own."""

    def __init__(self, call):
        self._call, self._answer = call, None
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self):
        try:
            self._answer = self._call()
        except Exception as error:
            self._answer = error

    def is_waiting(self):
        self._thread.join(1.5)  # long enough to give up where it does
        return self._thread.is_alive()

    def answer(self):
        self._thread.join()
        return self._answer


# --- a table of vectors in the making


@pytest.mark.parametrize("writer", ["embeds"], indirect=True)
def test_an_indexer_that_meets_a_table_in_the_making_waits_and_ends_well(repo, writer):
    second = Index.open(repo, PATIENT)
    second.use_encoder(FakeEncoder())
    embedding = _Work(second.embed)
    assert embedding.is_waiting()
    go_on(writer)
    assert embedding.answer() == 0, "every text has its vector already"
    assert second.info().vectors == 2
    assert writer.wait() == 0


@pytest.mark.parametrize("writer", ["embeds"], indirect=True)
def test_a_reader_of_a_table_in_the_making_goes_by_words_until_it_is_there(repo, writer):
    reader = Index.open(repo, HASTY, encoder=FakeEncoder())
    assert reader.search("second", limit=1)[0].path == "second.py"
    assert "cannot be read now, so search goes by words alone" in reader.why_not_dense()
    assert not reader.why_not_dense().count("rebuild")
    go_on(writer)
    assert writer.wait() == 0
    reader.refresh()
    assert (reader.why_not_dense(), reader.info().vectors) == ("", 2)


@pytest.mark.parametrize("writer", ["embeds"], indirect=True)
def test_a_table_that_a_killed_writer_left_half_made_is_made_anew(repo, writer, caplog):
    writer.kill()
    writer.wait()
    reader = Index.open(repo, PATIENT, encoder=FakeEncoder())
    assert "makes those anew that are damaged" in reader.why_not_dense()
    next_one = Index.open(repo, PATIENT, create=True)
    assert "rebuilt" not in " ".join(next_one.update().notes)
    next_one.use_encoder(FakeEncoder())
    assert next_one.embed() == 2
    assert "the vectors are computed anew: reading the index in" in caplog.text
    for index in (next_one, Index.open(repo, PATIENT, encoder=FakeEncoder())):
        assert (index.info().vectors, index.why_not_dense()) == (2, "")


def test_vectors_whose_bytes_are_damaged_are_computed_anew_and_words_stay(repo):
    Index.open(repo, PATIENT, encoder=FakeEncoder()).embed()
    (table,) = (repo / ".homespun").glob(f"lance.*/{vector_table.name_of('fake')}.lance")
    for path in (table / "data").iterdir():
        path.write_bytes(path.read_bytes()[:-50])
    index = Index.open(repo, PATIENT, encoder=FakeEncoder())
    assert index.search("first", limit=1)[0].path == "first.py"
    assert "rebuilt" not in " ".join(index.update().notes)
    assert index.embed() == 2
    assert Index.open(repo, PATIENT, encoder=FakeEncoder()).info().vectors == 2


def test_a_table_that_nobody_can_open_does_not_keep_the_store_from_being_cared_for(
    repo, monkeypatch
):
    monkeypatch.setattr(build, "_OPTIMIZE_AFTER_VERSIONS", 1)
    (store,) = (repo / ".homespun").glob("lance.*")
    (store / f"{vector_table.name_of('gone')}.lance" / "data").mkdir(parents=True)
    (repo / "first.py").write_text("def changed(): ...\n")
    index = Index.open(repo, PATIENT)
    assert index.update().notes[0].startswith("the index was rebuilt: ")
    (repo / "first.py").write_text("def again(): ...\n")
    assert "rebuilt" not in " ".join(index.update().notes)
    assert index.definitions("again")


# --- an index that is being made anew


@pytest.mark.parametrize("writer", ["rebuilds"], indirect=True)
def test_who_may_not_wait_says_who_writes_and_not_that_there_is_no_index(repo, writer):
    with pytest.raises(IndexLocked, match="cannot be read yet") as caught:
        Index.open(repo, HASTY)
    assert f"it is being written by process {writer.pid} " in str(caught.value)


@pytest.mark.parametrize("writer", ["rebuilds"], indirect=True)
def test_who_waits_reads_the_index_that_was_made_anew(repo, writer):
    opening = _Work(lambda: Index.open(repo, PATIENT))
    assert opening.is_waiting()
    go_on(writer)
    assert opening.answer().paths() == ["first.py", "second.py"]


@pytest.mark.parametrize("writer", ["rebuilds"], indirect=True)
def test_an_indexer_whose_index_is_made_anew_under_it_waits_and_ends_well(repo, writer):
    second = Index.open(repo, PATIENT, create=True)
    using = _Work(lambda: second.use_encoder(FakeEncoder()))
    assert using.is_waiting()
    go_on(writer)
    assert using.answer() is None
    second.embed()
    assert second.info().vectors == 2
    assert writer.wait() == 0


@pytest.mark.parametrize("writer", ["rebuilds"], indirect=True)
def test_a_completion_beside_a_rebuild_goes_on_and_says_what_is_true(
    repo, writer, capsys, monkeypatch
):
    fake = FakeGenerator("value)", context_tokens=8192)
    monkeypatch.setattr("homespun.models.load.load_generator", lambda *_, **__: fake)
    monkeypatch.setenv("HOMESPUN_INDEX_LOCK_WAIT_SECONDS", "0")
    assert main(["complete", str(repo / "first.py:2:12"), "--json"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["sources"] == []
    assert "being written by process" in err and "completing without retrieval" in err
    assert "homespun index" not in err


@pytest.mark.parametrize("writer", ["rebuilds"], indirect=True)
def test_a_search_beside_a_rebuild_says_what_is_true(repo, writer, capsys, monkeypatch):
    monkeypatch.setenv("HOMESPUN_INDEX_LOCK_WAIT_SECONDS", "0")
    assert main(["search", "first", "--path", str(repo)]) == 1
    err = capsys.readouterr().err
    assert "being written by process" in err and "try again when it is done" in err
    assert "homespun index" not in err
