"""Following files, with the real watcher."""

from __future__ import annotations

import queue
import threading

import pytest

from homespun.indexer.config import IndexConfig
from homespun.indexer.embedding.encoders import open_encoder
from homespun.indexer.errors import IndexLocked
from homespun.indexer.index import Index
from homespun.indexer.storage.write_lock import write_lock
from homespun.indexer.watch import watch
from homespun.models.fakes import FakeEncoder
from tests.support.model_server import ModelServer, answer
from tests.support.vector_server import EMBEDDINGS, VectorServer

SECONDS = 60  # never waited for in full unless something is broken


class Watching:
    def __init__(self, root, *, encoder=None):
        self.root = root
        self.index = Index.open(
            root, IndexConfig(lock_wait_seconds=0), create=True, encoder=encoder
        )
        self.index.update()
        self.reports = queue.Queue()
        self.troubles = queue.Queue()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _run(self):
        watch(
            self.index,
            stop=self._stop,
            on_update=self.reports.put,
            on_trouble=self.troubles.put,
            debounce_ms=50,
        )

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *exc):
        self._stop.set()
        self._thread.join(SECONDS)
        assert not self._thread.is_alive()

    def until(self, condition):
        while not condition():
            self.reports.get(timeout=SECONDS)


@pytest.fixture
def repo(tmp_path):
    (tmp_path / "a.py").write_text("def first(): ...\n")
    return tmp_path


def test_changes_are_followed_until_stopped(repo):
    with Watching(repo) as watching:
        index = watching.index
        (repo / "a.py").write_text("def second(): ...\n")
        watching.until(lambda: index.definitions("second"))
        assert index.definitions("first") == []
        (repo / "new").mkdir()
        (repo / "new" / "b.py").write_text("def third(): ...\n")
        watching.until(lambda: index.definitions("third"))
        (repo / "new").rename(repo / "moved")
        watching.until(lambda: index.symbols_in("moved/b.py") and not index.symbols_in("new/b.py"))
        (repo / "a.py").unlink()
        watching.until(lambda: not index.definitions("second"))


def test_what_changed_before_the_watcher_listened_is_found(repo):
    watching = Watching(repo)
    (repo / "a.py").write_text("def second(): ...\n")
    with watching:
        watching.until(lambda: watching.index.definitions("second"))


def test_new_ignore_rules_count_at_once(repo):
    with Watching(repo) as watching:
        (repo / ".homespunignore").write_text("a.py\n")
        watching.until(lambda: not watching.index.definitions("first"))


def test_vectors_follow_each_update(repo):
    with Watching(repo, encoder=FakeEncoder()) as watching:
        (repo / "a.py").write_text("def second(): ...\n")
        watching.until(lambda: watching.index.definitions("second"))
        info = watching.index.info()
        assert info.vectors == info.chunks


def test_a_server_of_vectors_that_refuses_is_told_and_the_files_are_followed_all_the_same(repo):
    vectors = VectorServer()
    with ModelServer({EMBEDDINGS: answer({}, status=401)}).running() as server:
        with Watching(repo, encoder=open_encoder(f"openai:m@{server.url}")) as watching:
            index = watching.index
            assert "(401)" in str(watching.troubles.get(timeout=SECONDS))
            (repo / "b.py").write_text("def second(): ...\n")
            watching.until(lambda: index.definitions("second"))
            server.replies[EMBEDDINGS] = vectors.reply
            (repo / "c.py").write_text("def third(): ...\n")
            watching.until(lambda: index.definitions("third") and index.info().vectors == 3)


def test_what_changes_while_another_writes_is_not_forgotten(repo):
    with Watching(repo) as watching:
        with write_lock(repo / ".homespun", wait_seconds=SECONDS):
            (repo / "a.py").write_text("def second(): ...\n")
            assert isinstance(watching.troubles.get(timeout=SECONDS), IndexLocked)
        watching.until(lambda: watching.index.definitions("second"))
