"""An index whose vectors a server computes: nothing is sent twice, nothing is lost."""

from __future__ import annotations

import json
import signal
import subprocess
import sys

import numpy as np
import pytest

from homespun.indexer.config import IndexConfig
from homespun.indexer.embedding import update
from homespun.indexer.embedding.encoders import open_encoder
from homespun.indexer.index import Index
from homespun.models.errors import RemoteError, RemoteRefused
from homespun.models.fakes import FakeEncoder
from homespun.models.remote.vectors import encoder as remote_encoder
from homespun.models.remote.wire import client as wire_client
from homespun.settings import resolve, user_file
from tests.support.command import run_command
from tests.support.model_server import Reply, answer
from tests.support.scratch import write_files
from tests.support.vector_server import EMBEDDINGS, VectorServer

pytestmark = pytest.mark.usefixtures("patient")
CONFIG = IndexConfig()
FILES = {
    "basket.py": "class Basket:\n    def add_price(self, price): ...\n",
    "oven.py": "def bake_bread(minutes):\n    return minutes\n",
    "post.py": "def send_parcel(address):\n    return address\n",
    "lamp.py": "def switch_light(room):\n    return room\n",
}
REFUSED = "http://127.0.0.1:9"
TOKEN = "ghp_" + "9aB3kLmN0pQrStUvWxYz1C2d4E5f6G7h8I9j"[:36]


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch):
    monkeypatch.setattr(wire_client, "_FIRST_PAUSE_SECONDS", 0.001)


@pytest.fixture
def repo(tmp_path):
    root = tmp_path / "repo"
    write_files(root, FILES)
    return root


def opened(repo, url, model="m"):
    """The index with the encoder at an address, up to date but for its vectors."""
    encoder = open_encoder(f"openai:{model}@{url}")
    index = Index.open(repo, CONFIG, create=True, encoder=encoder)
    index.update()
    return index


def test_a_second_index_sends_nothing_and_a_change_its_own_text(repo, serving, capsys):
    server = VectorServer()
    url = serving(server.replies).url
    arguments = ("index", repo, "--encoder", f"openai:m@{url}")
    status, out, _ = run_command(capsys, *arguments)
    assert (status, len(server.texts)) == (0, len(FILES) + 1)  # and the one that tells the length
    assert f"{len(FILES)} vectors computed" in out
    assert f"note: {len(FILES)} texts went to {url}, without their secrets" in out
    asked = server.requests
    assert "went to" not in run_command(capsys, *arguments)[1]
    assert server.requests == asked
    (repo / "moved.py").write_text(FILES["lamp.py"])  # the same text, elsewhere
    (repo / "new.py").write_text("def pour_water(litres): ...\n")
    run_command(capsys, *arguments)
    assert server.texts[-1].startswith("pour_water")
    assert server.requests == asked + 1


def test_going_to_another_encoder_and_back_sends_nothing(repo, serving):
    server = VectorServer()
    url = serving(server.replies).url
    index = opened(repo, url)
    index.embed()
    asked = server.requests
    index.use_encoder(FakeEncoder())
    index.embed()
    again = opened(repo, url)
    assert again.embed() == 0
    assert again.info().vectors == len(FILES)
    assert server.requests == asked


def test_the_length_is_kept_with_the_index_and_search_asks_one_vector(repo, serving):
    server = VectorServer()
    http = serving(server.replies)
    opened(repo, http.url).embed()
    before = server.requests
    index = Index.open(repo, CONFIG, encoder=open_encoder(f"openai:m@{http.url}"))
    assert index.encoder_stamp.dimensions == 16
    assert server.requests == before
    hits = index.search("parcel address", mode="dense")
    assert (hits[0].path, "dense" in hits[0].why) == ("post.py", True)
    assert http.asked[-1].body["input"] == ["parcel address"]
    assert index.fallbacks.counts == {}


def test_the_same_vectors_in_this_process_find_the_same(repo, tmp_path, serving):
    server = VectorServer()
    index = opened(repo, serving(server.replies).url)
    index.embed()
    here = Index.open(repo, CONFIG, create=True, encoder=FakeEncoder(dimensions=16))
    here.update()
    by_address = [(hit.path, round(hit.score, 5)) for hit in index.search("send the bread")]
    here.embed()
    assert by_address == [(hit.path, round(hit.score, 5)) for hit in here.search("send the bread")]


@pytest.mark.model
def test_minilm_behind_an_address_is_minilm(repo, serving):
    local = open_encoder("all-minilm-l6-v2")
    encoder = open_encoder(f"openai:all-minilm-l6-v2@{serving(VectorServer(local).replies).url}")
    texts = list(FILES.values())
    # Batches of another size round a little differently.
    together = np.sum(encoder.encode(texts) * local.encode(texts), axis=1)
    assert together.min() > 0.9999
    assert float(encoder.encode_query("bake bread") @ local.encode(["bake bread"])[0]) > 0.9999


# --- where the server does not answer


def test_nobody_there_leaves_an_index_by_words_and_says_it_once(repo, serving, capsys, monkeypatch):
    monkeypatch.setenv("HOMESPUN_ENCODER_TIMEOUT_MS", "300")
    status, out, err = run_command(capsys, "index", repo, "--encoder", f"openai:m@{REFUSED}")
    assert status == 0
    (note,) = [line for line in out.splitlines() if line.startswith("note: 4 of 4 vectors")]
    assert "nothing answers at http://127.0.0.1:9; is the server running?" in note
    assert "the next `homespun index` goes on" in note
    status, out, err = run_command(capsys, "search", "bake bread", "--path", repo)
    assert (status, out.splitlines()[0].split(":")[0]) == (0, "oven.py")


def test_what_was_answered_before_a_failure_is_kept_and_the_next_run_goes_on(
    repo, serving, monkeypatch
):
    monkeypatch.setattr(update, "_ASKED_CHUNKS", 1)
    monkeypatch.setattr(remote_encoder, "_RETRIES", 0)
    server = VectorServer()
    server.faults = {n: answer({"error": "out of memory"}, status=500) for n in range(4, 20)}
    http = serving(server.replies)
    index = opened(repo, http.url)
    said = []
    assert index.embed(say=said.append) == 2  # the first request told the length
    assert "2 of 4 vectors have to wait" in said[0] and "out of memory" in said[0]
    assert opened(repo, http.url).info().vectors == 2
    server.faults = {}
    sent = len(server.texts)
    assert opened(repo, http.url).embed() == 2
    assert len(server.texts) == sent + 2


def test_without_somebody_to_tell_it_is_an_error(repo):
    index = Index.open(repo, CONFIG, create=True, encoder=open_encoder(f"openai:m@{REFUSED}"))
    index.update()
    with pytest.raises(RemoteError, match="nothing answers"):
        index.embed()


def test_another_model_behind_the_name_is_said_and_a_rebuild_takes_it(repo, serving):
    server = VectorServer()
    http = serving(server.replies)
    opened(repo, http.url).embed()
    (repo / "new.py").write_text("def pour_water(litres): ...\n")
    server.encoder = FakeEncoder(dimensions=24)
    index = opened(repo, http.url)
    said = []
    assert index.embed(say=said.append) == 0
    assert "vectors of 24 numbers for 'm'" in said[0] and "--rebuild" in said[0]
    hits = index.search("bake bread")
    assert hits[0].path == "oven.py" and "dense" not in hits[0].why
    index = Index.open(repo, CONFIG, create=True, encoder=open_encoder(f"openai:m@{http.url}"))
    index.rebuild()
    assert index.embed() == len(FILES) + 1
    assert index.encoder_stamp.dimensions == 24


def test_a_search_goes_on_by_words_and_says_it_once(repo, serving, monkeypatch):
    server = VectorServer()
    http = serving(server.replies)
    opened(repo, http.url).embed()
    http.replies[EMBEDDINGS] = Reply(waits=True)
    monkeypatch.setenv("HOMESPUN_ENCODER_QUERY_TIMEOUT_MS", "50")
    index = Index.open(repo, CONFIG, encoder=open_encoder(f"openai:m@{http.url}"))
    said = []
    index.fallbacks.say = said.append
    words = Index.open(repo, CONFIG).search("bake bread")
    assert index.search("bake bread") == words
    assert index.search("bake bread") == words
    assert len(said) == 1 and "has not answered in time" in said[0]
    assert sum(index.fallbacks.counts.values()) == 2


def test_a_secret_of_a_file_is_in_no_request(repo, serving):
    (repo / "client.py").write_text(f'def connect():\n    return Client(token="{TOKEN}")\n')
    http = serving(VectorServer().replies)
    index = opened(repo, http.url)
    index.embed()
    index.search(f'where is "{TOKEN}" used')
    sent = json.dumps([asked.body for asked in http.asked])
    assert "def connect" in sent
    assert TOKEN not in sent and TOKEN[4:24] not in sent


# --- killed in the middle

WRITER = """
import sys
from pathlib import Path
from homespun.indexer.storage.rest_client import leave_out_the_rest_client
leave_out_the_rest_client()
from homespun.indexer.config import IndexConfig
from homespun.indexer.embedding import update
from homespun.indexer.embedding.encoders import open_encoder
from homespun.indexer.index import Index

update._ASKED_CHUNKS = 1
update._ASKED_COMMIT_SECONDS = 0.0
encoder = open_encoder(f"openai:m@{sys.argv[2]}")
index = Index.open(Path(sys.argv[1]), IndexConfig(), create=True, encoder=encoder)
index.update()
index.embed()
"""


def test_a_run_that_is_killed_in_the_middle_loses_nothing_that_was_committed(repo, serving):
    server = VectorServer()
    server.faults = {4: Reply(waits=True)}  # the length, two texts, and then nothing any more
    http = serving(server.replies)
    command = [sys.executable, "-P", "-c", WRITER, str(repo), http.url]
    with subprocess.Popen(command) as process:
        assert http.is_waiting.wait(60)
        process.send_signal(signal.SIGKILL)
    sent = len(server.texts)
    index = opened(repo, http.url)
    assert index.info().vectors == 2
    assert index.embed() == 2
    assert len(server.texts) == sent + 2


# --- whose word it is


@pytest.mark.parametrize("file", ["homespun.toml", "pyproject.toml"])
def test_a_workspace_never_says_where_text_goes(file, repo, serving, capsys):
    http = serving(VectorServer().replies)
    head = "" if file == "homespun.toml" else "tool.homespun."
    (repo / file).write_text(
        f'[{head}index]\nencoder = "openai:m@{http.url}"\n'
        f'[{head}encoder]\napi_key_env = "AWS_SECRET_ACCESS_KEY"\npassage_prefix = "p"\n'
    )
    status, out, err = run_command(capsys, "index", repo)
    assert status == 0
    assert "setting 'index.encoder' in" in err and "only the user may set it" in err
    assert http.url not in err
    run_command(capsys, "search", "bake bread", "--path", repo)
    Index.open(repo).search("bake bread")
    assert http.asked == []


def test_a_workspace_does_not_change_how_the_users_own_server_is_asked(
    repo, serving, capsys, monkeypatch
):
    server = VectorServer()
    http = serving(server.replies)
    user_file().write_text(f'[index]\nencoder = "openai:m@{http.url}"\n')
    monkeypatch.setenv("STOLEN", "sk-of-another-service")
    (repo / "homespun.toml").write_text(
        '[encoder]\napi_key_env = "STOLEN"\nheaders = ["X-A: b"]\nquery_prefix = "evil "\n'
        f'[index]\nencoder = "openai:m@{REFUSED}"\n'
    )
    status, out, _ = run_command(capsys, "index", repo)
    assert status == 0 and server.texts
    assert "setting 'encoder.api_key_env' in" in out
    assert all("authorization" not in asked.headers for asked in http.asked)
    assert all("x-a" not in asked.headers for asked in http.asked)


@pytest.mark.parametrize("value", ["openai:m@https://evil.example", "m@evil", "openai:m"])
def test_an_editor_never_says_where_text_goes(value):
    resolved = resolve(IndexConfig, "index", workspace=None, editor={"encoder": value})
    assert resolved.value == IndexConfig()
    assert "may come with a clone" in resolved.faults[0]
    assert value not in resolved.faults[0]
    editor = {"encoder": "none"}
    assert resolve(IndexConfig, "index", workspace=None, editor=editor).value.encoder == "none"


def test_an_index_that_names_an_address_is_no_reason_to_send(repo, serving, capsys):
    server = VectorServer()
    http = serving(server.replies)
    run_command(capsys, "index", repo, "--encoder", f"openai:m@{http.url}")
    asked = server.requests
    status, out, err = run_command(capsys, "search", "bake bread", "--path", repo)
    assert status == 0 and out.startswith("oven.py")
    assert "nothing is sent and search goes by words alone" in err
    assert server.requests == asked
    other = serving(VectorServer().replies)
    user_file().write_text(f'[index]\nencoder = "openai:m@{other.url}"\n')
    status, out, err = run_command(capsys, "search", "bake bread", "--path", repo)
    assert "the index has vectors of" in err
    assert (server.requests, other.asked) == (asked, [])
    user_file().write_text(f'[index]\nencoder = "openai:m@{http.url}"\n')
    assert run_command(capsys, "search", "bake bread", "--path", repo)[2] == ""
    assert server.requests == asked + 1


def test_settings_that_do_not_work_leave_an_index_by_words(repo, capsys):
    status, out, err = run_command(capsys, "index", repo, "--encoder", "openai:m@http://h.example")
    assert status == 0
    assert "note: no vectors were computed: index.encoder is 'http://h.example'" in out
    with pytest.raises(RemoteRefused):
        open_encoder("openai:m@http://h.example")
