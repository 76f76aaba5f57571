"""The server with an encoder at an address of the user: it says so, and one click ends it."""

from __future__ import annotations

import time

import pytest

from homespun.indexer.config import IndexConfig
from homespun.server.background import embedding_worker, factories
from homespun.server.background.index_worker import FolderIndex
from homespun.server.options import ServerOptions
from tests.server.background.test_remote_route import SHOWS_STATUS, STAY_HERE
from tests.support import rpc
from tests.support.collecting_editor import CollectingEditor
from tests.support.model_server import ModelServer, Reply, answer
from tests.support.running_openai import RunningServer
from tests.support.vector_server import EMBEDDINGS, VectorServer

pytestmark = pytest.mark.e2e
SOURCE = "def bake_bread(oven):\n    return oven\n"


@pytest.fixture
def vectors():
    return VectorServer()


@pytest.fixture
def http(vectors):
    with ModelServer(vectors.replies).running() as server:
        yield server


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "oven.py").write_text(SOURCE)
    return tmp_path


def test_the_status_says_where_code_goes_and_one_click_ends_it(start, folder, http, vectors):
    client = start(HOMESPUN_INDEX_ENCODER=f"openai:m@{http.url}")
    client.initialize(SHOWS_STATUS, rootUri=folder.as_uri())
    client.wait_until_ready()
    client.wait_until(lambda: vectors.texts)
    client.wait_until(lambda: http.url in client.status()["message"])
    status = client.status()
    assert f"code goes, secrets masked, to {http.url} for its vectors" in status["message"]
    assert status["fix"] == STAY_HERE
    assert status["folders"][0]["vectors"] == {"address": http.url, "trouble": ""}
    client.wait_until(lambda: any("bake_bread" in text for text in vectors.texts))
    status = client.command("homespun.stayHere")["result"]
    assert (status["message"], "vectors" in status["folders"][0]) == ("", False)
    asked = len(http.asked)
    hits = client.command("homespun.search", "bake bread")["result"]["hits"]
    assert hits[0]["path"] == "oven.py"
    assert "dense" not in hits[0]["why"]
    client.note("workspace/didChangeConfiguration", {"settings": {"index": {"chunkChars": 900}}})
    client.wait_until_ready()
    assert len(http.asked) == asked
    assert client.stop() == 0


def test_neither_a_workspace_nor_an_editor_sends_anything_anywhere(start, folder, http):
    name = f"openai:m@{http.url}"
    (folder / "homespun.toml").write_text(f'[index]\nencoder = "{name}"\n')
    client = start()
    options = {"index": {"encoder": name}, "encoder": {"timeoutMs": 5}}
    client.initialize(SHOWS_STATUS, rootUri=folder.as_uri(), initializationOptions=options)
    client.wait_until_ready()
    client.command("homespun.search", "bake bread")
    assert client.status()["message"] == ""
    assert http.asked == []


@pytest.fixture
def following(folder, http):
    editor = CollectingEditor()
    made = FolderIndex(
        folder,
        IndexConfig(encoder=f"openai:m@{http.url}"),
        options=ServerOptions(save_debounce_ms=20),
        open_index=factories.open_index,
        load_encoder=factories.load_encoder,
        client=editor,
        completing=lambda: False,
    )
    made.editor = editor
    yield made
    made.close()


def wait_until(holds):
    end = time.monotonic() + rpc.PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_server_that_fails_is_asked_less_and_less_and_its_return_is_noticed(
    following, http, vectors, monkeypatch
):
    monkeypatch.setattr(embedding_worker, "_RETRY_SECONDS", 0.01)
    following._vectors._retry_seconds = 0.01
    http.replies[EMBEDDINGS] = answer({"error": "bad"}, status=401)
    following.start()
    wait_until(lambda: len(http.asked) > 3)
    assert following._vectors._retry_seconds > 0.04
    assert "does not let us in (401)" in following.describe_vectors()["vectors"]["trouble"]
    assert sum("401" in sentence for sentence in following.editor.said) == 1
    assert any("its text goes there" in sentence for sentence in following.editor.said)
    http.replies[EMBEDDINGS] = vectors.reply
    wait_until(lambda: vectors.texts and following.describe_vectors()["vectors"]["trouble"] == "")
    assert following._vectors._retry_seconds == 0.01


def test_the_end_of_the_server_does_not_wait_for_an_answer(following, http, monkeypatch):
    monkeypatch.setenv("HOMESPUN_ENCODER_TIMEOUT_MS", "600000")
    http.replies[EMBEDDINGS] = Reply(waits=True)
    following.start()
    assert http.is_waiting.wait(rpc.PATIENCE_SECONDS)
    following.close()
    wait_until(lambda: not following.busy())
    assert http.left.wait(rpc.PATIENCE_SECONDS)


def test_a_server_for_other_programs_says_it_on_its_terminal(folder, http, vectors, tmp_path):
    name = f"openai:m@{http.url}"
    server = RunningServer(folder, tmp_path / "log", HOMESPUN_INDEX_ENCODER=name)
    try:
        wait_until(lambda: any("bake_bread" in text for text in vectors.texts))
        sentence = f"code of the folder goes, secrets masked, to {http.url} for its vectors"
        server.until(lambda: sentence in "".join(server.said))
    finally:
        server.close()
