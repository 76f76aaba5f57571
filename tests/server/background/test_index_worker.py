"""The index behind the server: built at the start, following saves, never in the way."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from homespun.indexer.config import IndexConfig
from homespun.indexer.errors import IndexLocked, StoreFull
from homespun.indexer.index import Index
from homespun.indexer.storage.write_lock import write_lock
from homespun.models.fakes import FakeEncoder
from homespun.server.background import factories, index_worker
from homespun.server.background.embedding_worker import PoliteEncoder, _EmbeddingClosed
from homespun.server.background.index_worker import FolderIndex
from homespun.server.background.status import Status
from homespun.server.commands import search
from homespun.server.commands.search import Searched
from homespun.server.options import ServerOptions
from tests.support import rpc
from tests.support.collecting_editor import CollectingEditor
from tests.support.vectors_read import note_vectors_read

pytestmark = pytest.mark.e2e


def write(folder, name, text):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def begin(client, folder, capabilities=None, **params):
    client.initialize(capabilities, rootUri=folder.as_uri(), **params)
    client.wait_until_ready()


def find(client, folder, word):
    """Complete in a document of the folder that asks for a definition."""
    uri = (folder / f"asks{len(client.answers)}.py").as_uri()
    client.open(uri, f"FIND {word} ")
    return client.complete_text(uri, 0, 5 + len(word))


def save(client, path):
    client.note("textDocument/didSave", {"textDocument": {"uri": path.as_uri()}})


@pytest.fixture
def shared(server):
    """Give a folder to the server of the whole module, for the length of a test."""
    given = []

    def change(*, added=(), removed=()):
        event = {"added": [*added], "removed": [*removed]}
        server.note("workspace/didChangeWorkspaceFolders", {"event": event})

    def share(folder):
        given.append({"uri": folder.as_uri(), "name": folder.name})
        change(added=given[-1:])
        server.wait_until_ready()
        return server

    yield share
    change(removed=given)


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.setenv("HOMESPUN_SERVER_REFRESH_SECONDS", "0.2")  # of servers that a test starts
    folder = tmp_path / "project"
    write(folder, "pkg/one.py", "def first():\n    return 1\n")
    return folder


def test_a_missing_index_is_built_in_the_background_and_used(start, project):
    client = start()
    begin(client, project)
    assert find(client, project, "first") == "pkg/one.py"
    assert (project / ".homespun").is_dir()


def test_a_save_is_visible_to_the_next_completions(shared, project):
    client = shared(project)
    path = write(project, "pkg/one.py", "def second():\n    return 2\n")
    save(client, path)
    client.wait_until(lambda: find(client, project, "second") == "pkg/one.py")
    assert find(client, project, "first") == ""


def test_an_open_document_is_indexed_only_once_it_is_saved(shared, project):
    client = shared(project)
    uri = (project / "pkg/one.py").as_uri()
    client.open(uri, "def first():\n    return 1\n")
    client.change(uri, 2, "def unsaved():\n    return 2\n")
    other = write(project, "pkg/other.py", "def other():\n    return 3\n")
    save(client, other)
    client.wait_until(lambda: find(client, project, "other") == "pkg/other.py")
    assert find(client, project, "unsaved") == ""
    assert find(client, project, "first") == "pkg/one.py"


def test_watched_files_are_followed_when_made_changed_and_removed_even_repeatedly(shared, project):
    client = shared(project)
    path = write(project, "new.py", "def fresh():\n    return 2\n")
    for kind in (1, 1, 2):
        changes = [{"uri": path.as_uri(), "type": kind}]
        client.note("workspace/didChangeWatchedFiles", {"changes": changes})
    client.wait_until(lambda: find(client, project, "fresh") == "new.py")
    path.unlink()
    changes = [{"uri": path.as_uri(), "type": 3}]
    client.note("workspace/didChangeWatchedFiles", {"changes": changes})
    client.wait_until(lambda: find(client, project, "fresh") == "")
    assert find(client, project, "first") == "pkg/one.py"


def test_a_removed_folder_takes_its_files_along(shared, project):
    client = shared(project)
    (project / "pkg/one.py").unlink()
    (project / "pkg").rmdir()
    changes = [{"uri": (project / "pkg").as_uri(), "type": 3}]
    client.note("workspace/didChangeWatchedFiles", {"changes": changes})
    client.wait_until(lambda: find(client, project, "first") == "")


@pytest.mark.parametrize(
    ("capabilities", "methods"),
    [
        ({}, []),
        (
            {"workspace": {"didChangeWatchedFiles": {"dynamicRegistration": True}}},
            ["workspace/didChangeWatchedFiles"],
        ),
        (
            {"workspace": {"didChangeConfiguration": {"dynamicRegistration": True}}},
            ["workspace/didChangeConfiguration"],
        ),
        ({"workspace": {"didChangeWatchedFiles": {"dynamicRegistration": False}}}, []),
    ],
)
def test_only_what_the_client_allows_is_registered(start, capabilities, methods):
    client = start()
    client.initialize(capabilities)
    client.wait_until_ready()
    registered = [
        registration["method"]
        for message in client.incoming
        if message["method"] == "client/registerCapability"
        for registration in message["params"]["registrations"]
    ]
    assert registered == methods


def _progress(client):
    kinds = []
    for message in client.incoming:
        if message["method"] == "window/workDoneProgress/create":
            kinds.append(("create", message["params"]["token"]))
        elif message["method"] == "$/progress":
            kinds.append((message["params"]["value"]["kind"], message["params"]["token"]))
    return kinds


def test_work_is_drawn_where_the_client_can_draw_it(start, project):
    client = start()
    begin(client, project, {"window": {"workDoneProgress": True}})
    client.wait_until(lambda: client.status() and _balanced(_progress(client)))
    titles = {
        message["params"]["value"]["title"]
        for message in client.incoming
        if message["method"] == "$/progress" and "title" in message["params"]["value"]
    }
    assert titles <= {
        "homespun: loading qwen2.5-coder-0.5b",
        "homespun: indexing project",
        "homespun: vectors of project",
    }
    for token in {token for _, token in _progress(client)}:
        kinds = [kind for kind, of in _progress(client) if of == token]
        assert kinds[0] == "create"
        # What is over before the client agrees to a token is never begun.
        assert kinds == ["create"] or (kinds[1] == "begin" and kinds[-1] == "end")


def _balanced(kinds):
    begun = [token for kind, token in kinds if kind == "begin"]
    ended = [token for kind, token in kinds if kind == "end"]
    return kinds and sorted(begun) == sorted(ended)


def test_nothing_is_drawn_where_the_client_cannot(shared, project):
    client = shared(project)
    assert find(client, project, "first") == "pkg/one.py"
    assert _progress(client) == []


def test_each_file_is_completed_with_the_index_of_its_own_folder(start, tmp_path):
    folders = []
    for name in ("left/inner", "left", "right"):
        write(tmp_path / name, f"{Path(name).name}.py", f"def {Path(name).name}(): pass\n")
        folders.append({"uri": (tmp_path / name).as_uri(), "name": name})
    client = start()
    client.initialize(rootUri=None, workspaceFolders=folders)
    client.wait_until_ready()
    assert find(client, tmp_path / "left", "left") == "left.py"
    assert find(client, tmp_path / "left", "right") == ""
    assert find(client, tmp_path / "right", "right") == "right.py"
    assert find(client, tmp_path / "left/inner", "inner") == "inner.py"
    assert find(client, tmp_path / "left/inner", "left") == ""


@pytest.mark.parametrize(
    ("name", "language", "place"),
    [
        pytest.param("project/pkg/ä b.py", "python", "pkg/ä b.py python True", id="inside"),
        pytest.param("elsewhere/x.ts", "typescriptreact", " tsx False", id="outside"),
        pytest.param("project/run", "shellscript", "run bash True", id="an editor's own name"),
    ],
)
def test_a_document_is_placed_in_its_folder_or_outside_of_all(
    shared, project, name, language, place
):
    client = shared(project)
    uri = (project.parent / name).as_uri()
    client.open(uri, "PLACE", language=language)
    assert client.complete_text(uri, 0, 5) == place


def test_folders_come_and_go(start, tmp_path):
    left, right = tmp_path / "left", tmp_path / "right"
    write(left, "left.py", "def left(): pass\n")
    write(right, "right.py", "def right(): pass\n")
    client = start()
    client.initialize(workspaceFolders=[{"uri": left.as_uri(), "name": "left"}])
    added = [{"uri": right.as_uri(), "name": "right"}]
    event = {"added": added, "removed": [{"uri": left.as_uri(), "name": "left"}]}
    client.note("workspace/didChangeWorkspaceFolders", {"event": event})
    client.wait_until_ready()
    client.wait_until(lambda: find(client, right, "right") == "right.py")
    assert [folder["root"] for folder in client.status()["folders"]] == [str(right)]


def test_the_sources_of_a_suggestion_can_be_asked_for(shared, project):
    client = shared(project)
    uri = (project / "asks.py").as_uri()
    client.open(uri, "FIND first ")
    [item] = client.complete(uri, 0, 10)
    place = {"path": "pkg/one.py", "start_line": 1, "end_line": 2, "score": 1.0}
    link = {"uri": (project / "pkg" / "one.py").as_uri(), "preview": "def first():"}
    expected = [place | link]
    [identifier] = item["command"]["arguments"]
    assert client.command("homespun.showSources", identifier)["result"] == expected
    assert client.command("homespun.showSources")["result"] == expected


def test_another_process_writes_and_the_server_follows(shared, project):
    client = shared(project)
    index = Index.open(project, IndexConfig(encoder="none"))
    write(project, "pkg/two.py", "def second(): pass\n")
    index.update()
    client.wait_until(lambda: find(client, project, "second") == "pkg/two.py")


def test_while_another_process_holds_the_lock_a_save_waits_and_is_not_lost(shared, project):
    client = shared(project)
    path = write(project, "pkg/two.py", "def second(): pass\n")
    with write_lock(project / ".homespun", wait_seconds=10):
        save(client, path)
        client.wait_until(lambda: "being written" in client.status()["folders"][0]["message"])
        assert find(client, project, "first") == "pkg/one.py"
    client.wait_until(lambda: find(client, project, "second") == "pkg/two.py")
    client.wait_until(lambda: client.status()["folders"][0]["message"] == "")


def test_an_index_that_is_removed_under_the_server_is_built_again(shared, project):
    client = shared(project)
    (project / ".homespun").rename(project.parent / "taken away")
    client.wait_until(lambda: (project / ".homespun" / "manifest.json").exists())
    client.wait_until(lambda: find(client, project, "first") == "pkg/one.py")


def test_reindex_looks_at_every_file(shared, project):
    client = shared(project)
    write(project, "pkg/two.py", "def second(): pass\n")
    client.command("homespun.reindex")
    client.wait_until(lambda: find(client, project, "second") == "pkg/two.py")


def test_a_folder_that_is_not_there_is_a_status(start, tmp_path):
    client = start()
    begin(client, tmp_path / "gone")
    [folder] = client.status()["folders"]
    assert folder["state"] == "off"
    assert "is no folder on this machine" in folder["message"]
    uri = (tmp_path / "gone/a.py").as_uri()
    client.open(uri, "abc")
    assert client.complete_text(uri, 0, 3) == "abc|"


def test_a_model_that_is_fetched_later_is_used_without_a_restart(start, tmp_path, monkeypatch):
    monkeypatch.setenv("FETCHED", str(tmp_path / "fetched"))
    client = start()
    client.initialize(initializationOptions={"completion": {"model": "missing"}})
    said = client.wait_for("window/showMessage")["message"]
    assert said == "model 'missing' is not here; run `homespun models fetch missing`"
    client.open("untitled:a.py", "abc")
    for _ in range(3):
        assert client.complete("untitled:a.py", 0, 3) == []
    assert client.status()["last"]["finish"] == "filtered:problem"
    (tmp_path / "fetched").touch()
    client.wait_until_ready()
    assert client.complete_text("untitled:a.py", 0, 3) == "abc|"
    assert [note["method"] for note in client.incoming].count("window/showMessage") == 1


def test_a_missing_model_leaves_no_progress_behind_and_draws_no_more(start, tmp_path, monkeypatch):
    monkeypatch.setenv("FETCHED", str(tmp_path / "fetched"))
    client = start()
    options = {"completion": {"model": "missing"}}
    client.initialize({"window": {"workDoneProgress": True}}, initializationOptions=options)
    client.wait_for("window/workDoneProgress/create")
    client.wait_for("window/showMessage")
    client.status()
    client.status()  # by now it would have begun
    assert _balanced(_progress(client))
    (tmp_path / "fetched").touch()
    client.wait_until_ready()
    assert [kind for kind, _ in _progress(client)].count("create") == 1


def test_vectors_follow_the_words(shared, project):
    client = shared(project)

    def vectors():
        index = Index.open(project, IndexConfig(), encoder=FakeEncoder())
        return index.info().vectors == index.info().chunks > 0

    client.wait_until(vectors)
    path = write(project, "pkg/two.py", "def second(): pass\n")
    save(client, path)
    client.wait_until(lambda: find(client, project, "second") == "pkg/two.py")
    client.wait_until(vectors)


# --- without a process


class _Recorded:
    """An index that records what it is asked to look at; its first update can fail."""

    def __init__(self, root, failure=None):
        self.root, self.failure = root, failure
        self.updates, self.seen = [], threading.Event()
        self.cared = threading.Event()

    def care(self):
        self.cared.set()

    def update(self, *, paths=None, progress=None, cancelled=None, care=True):
        from homespun.indexer.types import IndexReport

        if self.failure is not None:
            failure, self.failure = self.failure, None
            raise failure
        self.updates.append(paths)
        if paths is not None:
            self.seen.set()
        return IndexReport()

    def refresh(self):
        return False


@pytest.fixture
def folder_of(tmp_path):
    folders = []

    def make(index, editor):
        options = ServerOptions(save_debounce_ms=100, refresh_seconds=0.1)
        folders.append(
            FolderIndex(
                tmp_path,
                IndexConfig(encoder="none"),
                options=options,
                open_index=lambda root, config, *, create: index,
                load_encoder=lambda name, *, threads=0: FakeEncoder(),
                client=editor,
                completing=lambda: False,
            )
        )
        folders[-1].start()
        return folders[-1]

    yield make
    for folder in folders:
        folder.close()


def test_saves_in_a_burst_are_one_update_and_tools_folders_none(tmp_path, folder_of):
    for name in ("a.py", "b.py"):
        write(tmp_path, name, "x = 1\n")
    index = _Recorded(tmp_path)
    folder = folder_of(index, CollectingEditor())
    for _ in range(5):
        folder.changed(["b.py", ".homespun/manifest.json", ".git/index"])
        folder.changed(["a.py", "node_modules/x/y.js"])
    assert index.seen.wait(rpc.PATIENCE_SECONDS)
    assert index.updates == [None, ["a.py", "b.py"]]


def test_the_store_is_cared_for_when_no_save_follows(tmp_path, folder_of, monkeypatch):
    monkeypatch.setattr(index_worker, "_CARE_AFTER_SECONDS", 0.05)
    write(tmp_path, "a.py", "x = 1\n")
    index = _Recorded(tmp_path)
    folder = folder_of(index, CollectingEditor())
    folder.changed(["a.py"])
    assert index.seen.wait(rpc.PATIENCE_SECONDS)
    assert index.cared.wait(rpc.PATIENCE_SECONDS)


def test_a_full_disk_is_said_once_and_nothing_noted_is_lost(tmp_path, folder_of):
    write(tmp_path, "a.py", "x = 1\n")
    index, editor = (
        _Recorded(tmp_path, StoreFull("no space left in '/x'; free some")),
        CollectingEditor(),
    )
    folder = folder_of(index, editor)
    folder.changed(["a.py"])
    while not index.updates:
        time.sleep(0.02)
    assert index.updates == [None]  # every file, a.py with them
    assert editor.said == ["no space left in '/x'; free some"]


def test_that_another_process_makes_the_index_anew_is_said_until_it_is_done(tmp_path, folder_of):
    index = _Recorded(tmp_path)
    unreadable, sentence = threading.Event(), "the index in '/x' cannot be read yet"

    def refresh():
        if unreadable.is_set():
            raise IndexLocked(sentence)

    index.refresh = refresh
    folder = folder_of(index, CollectingEditor())
    for is_unreadable, message in ((True, sentence), (False, "")):
        unreadable.set() if is_unreadable else unreadable.clear()
        while folder.status != Status("ready", message):
            time.sleep(0.02)
    assert index.updates == [None], "nothing is built for that"


def test_an_encoder_gives_way_to_completions_and_to_the_end():
    inner, busy = FakeEncoder(), iter([True, True, False, False, False])
    polite = PoliteEncoder(inner, completing=lambda: next(busy), closing=lambda: False)
    texts = [f"text {number}" for number in range(20)]
    assert (polite.encode(texts) == FakeEncoder().encode(texts)).all()
    assert [len(call) for call in inner.calls] == [8, 8, 4]
    ending = PoliteEncoder(inner, completing=lambda: True, closing=lambda: True)
    with pytest.raises(_EmbeddingClosed):
        ending.encode(texts)


# --- the editor's search, with the encoder that comes with the package

QUERY = "remove a directory with everything below it"  # no word of the files
DELETES = "def rmtree(folder):\n    shutil.rmtree(folder)\n"
PARSES = "def load_json(text):\n    return json.loads(text)\n"


@pytest.fixture
def searched(tmp_path):
    """The kept index of a folder, and its searches as an editor asks them."""
    write(tmp_path, "cleaner.py", DELETES)
    write(tmp_path, "reader.py", PARSES)
    completing = []
    folder = FolderIndex(
        tmp_path,
        IndexConfig(),
        options=ServerOptions(save_debounce_ms=20),
        open_index=factories.open_index,
        load_encoder=factories.load_encoder,
        client=CollectingEditor(),
        completing=lambda: bool(completing),
    )
    folder.start()
    yield _Searched(folder, completing)
    folder.close()


class _Searched:
    def __init__(self, folder, completing):
        self.folder, self.completing = folder, completing

    def ask(self, query):
        index = self.folder.index
        return search.answer(query, None, [Searched(self.folder.root, index)])["hits"]

    def wait_for(self, path):
        """Wait until the query's best hit is in this file; return what it is made of."""
        end = time.monotonic() + rpc.PATIENCE_SECONDS
        while time.monotonic() < end:
            hits = self.ask(QUERY) if self.folder.index is not None else []
            if hits and hits[0]["path"] == path:
                return hits[0]["why"]
            time.sleep(0.02)
        raise AssertionError(f"{path} is not found")

    def wait_until_all_have_vectors(self, files):
        end = time.monotonic() + rpc.PATIENCE_SECONDS
        while time.monotonic() < end:
            info = self.folder.index.info() if self.folder.index is not None else None
            if info is not None and info.files == files and info.vectors == info.chunks:
                return
            time.sleep(0.02)
        raise AssertionError("vectors are missing")


def test_the_search_of_an_editor_finds_by_vectors_what_shares_no_word(searched, tmp_path):
    why = searched.wait_for("cleaner.py")
    assert why["dense"] > 0
    assert "lexical" not in why
    write(tmp_path, "cleaner.py", PARSES.replace("json", "toml"))
    write(tmp_path, "sweeper.py", DELETES.replace("rmtree(folder)", "rmtree(place)"))
    searched.folder.changed(["cleaner.py", "sweeper.py"])
    why = searched.wait_for("sweeper.py")
    assert why["dense"] > 0
    assert "lexical" not in why


def test_a_save_reads_no_vector_from_the_store(searched, tmp_path, monkeypatch):
    searched.wait_until_all_have_vectors(files=2)
    read = note_vectors_read(monkeypatch)
    for number in range(3):
        write(tmp_path, "reader.py", f"{PARSES}\n\nLIMIT = {number}\n")
        write(tmp_path, f"new{number}.py", DELETES.replace("folder", f"folder{number}"))
        searched.folder.changed(["reader.py", f"new{number}.py"])
        searched.wait_until_all_have_vectors(files=3 + number)
    assert read == []


def test_a_search_does_not_wait_for_completions_as_the_vectors_of_a_save_do(searched, tmp_path):
    searched.wait_until_all_have_vectors(files=2)
    searched.completing.append("for ever")
    inner = searched.folder.index._current.encoder
    assert not isinstance(inner, PoliteEncoder)
    assert searched.ask(QUERY)[0]["why"]["dense"] > 0
    write(tmp_path, "new.py", DELETES.replace("folder", "place"))
    searched.folder.changed(["new.py"])
    searched.wait_until_all_have_vectors(files=3)
