"""What an editor gets for its commands: why, sources, search, adapters, report."""

from __future__ import annotations

import asyncio
import json
import threading
from types import SimpleNamespace

import pytest

from homespun.server.commands import inspect, search
from homespun.server.report_page import HEAD
from tests.support import rpc

pytestmark = pytest.mark.e2e

CLIENT = "# The shop.\n\n\ndef connect(address):\n    return address\n"


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    folder = tmp_path_factory.mktemp("workspace") / "shop"
    folder.mkdir()
    (folder / "client.py").write_text(CLIENT, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def client(shop):
    """The real completer, which says what it is told to, in a folder with an index."""
    says = {"says": "home)\n\n", "flags": {"retrieve_deadline_ms": 60_000}}
    client = rpc.Client(env={"FAKE_SERVER": json.dumps(says)})
    client.initialize(rootUri=shop.as_uri(), initializationOptions={"index": {"encoder": "none"}})
    client.wait_until_ready()
    yield client
    client.kill()


def test_a_search_leaves_the_event_loop_alone(monkeypatch):
    threads = []
    monkeypatch.setattr(search, "answer", lambda *_: threads.append(threading.current_thread()))
    backend = SimpleNamespace(folder_of=lambda uri: None, folders=list)
    asyncio.run(inspect.search(SimpleNamespace(backend=backend), "connect"))
    [thread] = threads
    assert thread is not threading.main_thread()


def asked(client, name, *arguments):
    return client.command(name, *arguments)["result"]


def test_before_the_first_request_nothing_was_asked_for(client):
    told = asked(client, "homespun.why")
    assert (told["shown"], told["reason"]) == (False, "no-request")


def test_why_tells_of_the_last_request_and_of_a_suggestion_by_its_id(client, shop):
    uri = (shop / "app.py").as_uri()
    client.open(uri, "from client import connect\n\nhouse = connect()\n")
    [item] = client.complete(uri, 2, 16)
    [identifier] = item["command"]["arguments"]
    told = asked(client, "homespun.why")
    assert told["shown"]
    assert told["details"]["id"] == identifier
    assert told["details"]["text"] == item["insertText"]
    [source] = told["details"]["sources"]
    assert source["uri"] == (shop / "client.py").as_uri()
    assert source["preview"] == "def connect(address):"
    assert asked(client, "homespun.showSources") == [source]
    other = (shop / "client.py").as_uri()
    client.open(other, "def connect(address):\n    return address\n")
    assert client.complete(other, 1, 14) == []
    silent = asked(client, "homespun.why")
    assert (silent["shown"], silent["reason"]) == (False, "inside-word")
    assert "the cursor stands in the middle of a word" in silent["sentence"]
    assert asked(client, "homespun.why", identifier) == told
    assert asked(client, "homespun.why", "x")["reason"] == "unknown-suggestion"
    assert asked(client, "homespun.why", {"a": 1})["reason"] == "unknown-suggestion"


def test_the_repository_is_searched_by_the_folder_of_a_document_or_all_of_it(client, shop):
    [hit] = asked(client, "homespun.search", "connect")["hits"]
    assert (hit["path"], hit["uri"]) == ("client.py", (shop / "client.py").as_uri())
    inside = {"uri": (shop / "app.py").as_uri(), "limit": 1}
    assert asked(client, "homespun.search", "connect", inside)["hits"] == [hit]
    outside = {"uri": "untitled:a.py"}
    assert asked(client, "homespun.search", "connect", outside)["hits"] == [hit]
    assert asked(client, "homespun.search")["message"].startswith("the query is empty")


def test_adapters_and_report_are_those_of_the_folder(client, shop):
    told = asked(client, "homespun.adapters")
    assert (told["serving"], told["setting"]) == ("none", "champion")
    assert [choice["id"] for choice in told["choices"]] == ["champion", "none", "base"]
    assert asked(client, "homespun.report")["uri"] is None
    page = shop / ".homespun" / "training" / "run-0001" / "report.html"
    page.parent.mkdir(parents=True)
    page.write_text(f"{HEAD}<title>report</title></head><body><p>better</p></body></html>")
    assert asked(client, "homespun.report") == {"uri": page.as_uri(), "message": ""}


def test_a_folder_without_an_index_says_why_it_is_not_searched(start, tmp_path):
    client = start()
    client.initialize(rootUri=(tmp_path / "gone").as_uri())
    told = asked(client, "homespun.search", "connect")
    assert told["hits"] == []
    assert "is no folder on this machine" in told["message"]


def test_a_model_that_is_missing_is_the_reason_with_the_way_out(start, tmp_path):
    client = start(FETCHED=str(tmp_path / "fetched"))
    client.initialize(initializationOptions={"completion": {"model": "missing"}})
    client.open("untitled:a.py", "value = ")
    client.wait_until(lambda: client.status()["state"] == "problem")
    assert client.complete("untitled:a.py", 0, 8) == []
    assert asked(client, "homespun.why")["sentence"] == (
        "Nothing: model 'missing' is not here; run `homespun models fetch missing`."
    )
