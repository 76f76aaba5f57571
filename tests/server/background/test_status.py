"""What the editor is told of how the server is, and what mends it."""

from __future__ import annotations

import asyncio
import itertools
import json
import sys

import pytest

from homespun.models.errors import AdapterUnfit, ModelDamaged, ModelMissing, UnknownModel, WrongHash
from homespun.server.background.status import REBUILD, RESUME, Fix, Status, model_fix, overall
from homespun.server.background.status_notifier import StatusNotifier
from tests.support import rpc

SHOWS_STATUS = {"experimental": {"homespun": {"status": True}}}
FETCH = {"title": "Fetch the model (491 MB)", "command": "homespun.fetchModel", "arguments": []}
AGAIN = {"title": "Try again", "command": "homespun.fetchModel", "arguments": []}
MISSING = "model 'qwen2.5-coder-0.5b' is not here; run `homespun models fetch qwen2.5-coder-0.5b`"


def told(client):
    """Return what the server has notified so far."""
    return [m["params"] for m in client.incoming if m["method"] == "homespun/status"]


def shown(client):
    """Return the messages that the editor had to show so far."""
    return [m["params"]["message"] for m in client.incoming if m["method"] == "window/showMessage"]


def wait_for_state(client, state):
    return client.wait_for("homespun/status", lambda status: status["state"] == state)


@pytest.fixture
def without_model(start, tmp_path):
    """A server whose model is not there until the test has it fetched."""

    def begin(capabilities=SHOWS_STATUS, **environment):
        paths = {"FETCHED": str(tmp_path / "fetched"), "FETCH": str(tmp_path / "told")}
        client = start(**paths, **environment)
        client.initialize(capabilities)
        return client

    return begin


# -- the status of the whole

READY, LOADING = Status("ready"), Status("loading model", "loading b")
PAUSED = Status("paused", "paused until resumed", fix=RESUME)
BROKEN = Status("problem", "no space left", fix=REBUILD)


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ({}, READY),
        ({"model": Status("ready", "the adapter is damaged")}, "the adapter is damaged"),
        ({"model": LOADING, "indexes": [BROKEN]}, LOADING),
        ({"model": LOADING, "off": True}, "off"),
        ({"model": LOADING, "off": True, "pause": PAUSED}, PAUSED),
        ({"indexes": [READY, Status("starting")]}, Status("indexing")),
        ({"indexes": [Status("indexing", percent=40), BROKEN]}, BROKEN),
        ({"indexes": [READY, Status("indexing", percent=40)]}, Status("indexing", percent=40)),
        (
            {"indexes": [Status("indexing", percent=70), Status("indexing", "anew", percent=40)]},
            Status("indexing", "anew", percent=40),
        ),
        (
            {"indexes": [Status("indexing", percent=70), Status("starting")]},
            Status("indexing", percent=0),
        ),
    ],
    ids=repr,
)
def test_the_whole_is_what_the_user_wants_then_what_completions_wait_for(parts, expected):
    found = overall(**{"off": False, "pause": None, "model": READY, "indexes": [], **parts})
    assert expected in (found, found.state, found.message)


@pytest.mark.parametrize(
    ("name", "error", "title"),
    [
        ("qwen2.5-coder-0.5b", ModelMissing("x"), "Fetch the model (491 MB)"),
        ("qwen2.5-coder-0.5b", WrongHash("x"), "Fetch the model (491 MB)"),
        (
            "qwen2.5-coder-0.5b",
            ModelDamaged("x"),
            "Check the model's files and load it again",
        ),
        ("qwen2.5-coder-0.5b", AdapterUnfit("x"), None),
        ("qwen2.5-coder-0.5b", OSError("x"), None),
        ("/models/my.gguf", ModelMissing("x"), None),
        ("no-such-model", UnknownModel("x"), None),
    ],
    ids=repr,
)
def test_a_model_that_can_be_fetched_has_a_fix(name, error, title):
    fix = model_fix(name, error)
    assert fix == (Fix(title, "homespun.fetchModel") if title else None)


# -- what is counted and how often it is told


def notified(*states):
    """Have a notifier see states, all before it may speak again, and return what it sends."""
    sent, current = [], {"state": "first"}

    async def run():
        loop = asyncio.get_running_loop()
        notifier = StatusNotifier(
            post=loop.call_soon_threadsafe, describe=lambda: {**current}, send=sent.append
        )
        notifier.changed()  # before the start: nobody wants it
        notifier.start()
        while not sent:
            await asyncio.sleep(0.01)
        for state in states:
            current["state"] = state
            notifier.changed()
            await asyncio.sleep(0)
        await asyncio.sleep(0.6)
        notifier.stop()
        current["state"] = "after the end"
        notifier.changed()
        await asyncio.sleep(0.3)

    asyncio.run(run())
    return [status["state"] for status in sent]


def test_a_burst_of_changes_is_told_by_its_last_state_and_nothing_twice():
    assert notified("a", "b", "c") == ["first", "c"]
    assert notified("a", "b", "first") == ["first"]


# -- over the wire


@pytest.mark.e2e
def test_a_client_that_wants_it_is_told_of_every_state(start):
    client = start()
    client.initialize(SHOWS_STATUS, initializationOptions={"completion": {"model": "b"}})
    ready = wait_for_state(client, "ready")
    assert ready == {
        "state": "ready",
        "message": "",
        "percent": None,
        "fix": None,
        "pausedUntil": None,
        "model": "b",
        "adapter": "none",
        "adapterAge": None,
        "remote": None,
        "folders": [],
    }
    assert all(before != after for before, after in itertools.pairwise(told(client)))
    answer = client.status()
    assert {name: answer[name] for name in ready} == ready


@pytest.mark.e2e
def test_the_index_of_a_folder_is_part_of_it(start, tmp_path):
    (tmp_path / "a.py").write_text("x = 1\n", encoding="utf-8")
    client = start()
    client.initialize(SHOWS_STATUS, rootUri=tmp_path.as_uri())
    folder = {"root": str(tmp_path), "state": "ready", "message": "", "percent": None, "fix": None}
    client.wait_for("homespun/status", lambda status: status["folders"] == [folder])


@pytest.mark.e2e
def test_no_other_client_is_told(start):
    client = start()
    client.initialize({"experimental": {"homespun": {"status": "yes"}}})
    client.wait_until_ready()
    client.command("homespun.pause")
    client.status()
    assert told(client) == []


@pytest.mark.e2e
def test_completion_that_is_switched_off_is_a_state(start):
    client = start()
    client.initialize(initializationOptions={"completion": {"enabled": False}})
    status = client.status()
    assert status["state"] == "off"
    assert "the setting completion.enabled" in status["message"]


@pytest.mark.e2e
def test_the_index_that_cannot_be_made_is_a_problem_and_rebuilding_it_the_fix(start, tmp_path):
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / ".homespun").write_text("a file where a folder belongs", encoding="utf-8")
    client = start(HOMESPUN_SERVER_REFRESH_SECONDS="3600")
    client.initialize(SHOWS_STATUS, rootUri=folder.as_uri())
    problem = wait_for_state(client, "problem")
    fix = {"title": "Rebuild the index", "command": "homespun.reindex", "arguments": []}
    assert problem["fix"] == problem["folders"][0]["fix"] == fix
    (folder / ".homespun").unlink()
    client.command(fix["command"], *fix["arguments"])
    wait_for_state(client, "ready")  # though it would have rested for an hour
    assert shown(client) == []


# -- fetching the model


@pytest.mark.e2e
def test_a_missing_model_is_fetched_by_its_fix_and_used(without_model, tmp_path):
    client = without_model({**SHOWS_STATUS, "window": {"workDoneProgress": True}})
    missing = wait_for_state(client, "problem")
    assert (missing["message"], missing["fix"]) == (MISSING, FETCH)
    begun = client.command(missing["fix"]["command"])["result"]
    assert (begun["state"], begun["fix"]) == ("loading model", None)
    half = client.wait_for("homespun/status", lambda status: status["percent"] == 50)
    assert half["state"] == "loading model"
    assert half["message"] == "fetching qwen2.5-coder-0.5b: model.gguf from the hub"
    client.open("untitled:a.py", "abc")
    assert client.complete("untitled:a.py", 0, 3) == []
    assert client.status()["last"]["finish"] == "filtered:loading-model"
    (tmp_path / "told").touch()
    wait_for_state(client, "ready")
    assert client.complete_text("untitled:a.py", 0, 3) == "abc|"
    begins = [m["params"]["value"] for m in client.incoming if m["method"] == "$/progress"]
    titles = {value["title"] for value in begins if value["kind"] == "begin"}
    assert "homespun: fetching qwen2.5-coder-0.5b" in titles
    assert shown(client) == []  # the status says it


@pytest.mark.e2e
def test_a_download_that_fails_is_a_problem_and_can_be_tried_again(without_model, tmp_path):
    client = without_model()
    wait_for_state(client, "problem")
    (tmp_path / "told").write_text("the hub could not be reached", encoding="utf-8")
    client.command("homespun.fetchModel")
    failed = client.wait_for("homespun/status", lambda status: status["fix"] == AGAIN)
    assert (failed["state"], failed["message"]) == ("problem", "the hub could not be reached")
    (tmp_path / "told").touch()
    client.command(AGAIN["command"])
    wait_for_state(client, "ready")


@pytest.mark.e2e
def test_nothing_is_fetched_unless_the_user_says_so(without_model, tmp_path):
    (tmp_path / "told").touch()
    client = without_model({})
    client.wait_for("window/showMessage")
    assert client.status()["fix"] == FETCH
    assert not (tmp_path / "fetched").exists()
    assert shown(client) == [MISSING]


@pytest.mark.e2e
def test_fetching_twice_is_one_download_and_the_end_of_the_server_ends_it(without_model):
    client = without_model(FAKE_SERVER=json.dumps({"log_level": "info"}))
    wait_for_state(client, "problem")
    client.command("homespun.fetchModel")
    client.wait_for("homespun/status", lambda status: status["percent"] == 50)
    again = client.command("homespun.fetchModel")["result"]
    assert again["percent"] == 50
    assert client.stop() == 0
    log = client.log()
    assert log.count("fetching qwen2.5-coder-0.5b stops; what has arrived is kept") == 1
    assert "Traceback" not in log


@pytest.mark.e2e
def test_a_model_that_serves_is_not_fetched(server):
    assert server.command("homespun.fetchModel")["result"]["state"] == "ready"


@pytest.mark.e2e
def test_the_shipped_command_that_may_open_no_connection_says_so(start, tmp_path):
    command = [sys.executable, "-P", "-m", "homespun.cli", "serve", "--stdio"]
    client = start(command, HOMESPUN_HOME=str(tmp_path), HOMESPUN_OFFLINE="1")
    client.initialize(SHOWS_STATUS)
    assert wait_for_state(client, "problem")["fix"] == FETCH
    client.command("homespun.fetchModel")
    failed = client.wait_for("homespun/status", lambda status: status["fix"] == AGAIN)
    assert "HOMESPUN_OFFLINE is set, so no connection was opened" in failed["message"]
    assert client.stop() == 0


# -- pausing


@pytest.mark.e2e
def test_a_pause_answers_nothing_until_it_is_resumed(start):
    client = start()
    client.initialize(SHOWS_STATUS)
    client.wait_until_ready()
    paused = client.command("homespun.pause")["result"]
    assert (paused["state"], paused["message"]) == ("paused", "paused until resumed")
    assert paused["pausedUntil"] is None
    assert paused["fix"] == {"title": "Resume", "command": "homespun.resume", "arguments": []}
    client.open("untitled:a.py", "abc")
    assert client.complete("untitled:a.py", 0, 3, kind=1) == []
    assert client.complete("untitled:a.py", 0, 3, kind=2) == []
    status = client.status()
    assert (status["last"]["finish"], status["prepared"]) == ("filtered:paused", 0)
    wait_for_state(client, "paused")
    assert client.command("homespun.resume")["result"]["state"] == "ready"
    client.wait_until(lambda: client.status()["prepared"] == 1)
    assert client.complete_text("untitled:a.py", 0, 3) == "abc|"


@pytest.mark.e2e
def test_a_pause_ends_by_itself(start):
    client = start()
    client.initialize(SHOWS_STATUS)
    wait_for_state(client, "ready")
    assert client.command("homespun.pause", 60)["result"]["state"] == "paused"
    wait_for_state(client, "paused")
    client.incoming.clear()
    client.command("homespun.pause", 0.001)  # the last one counts
    wait_for_state(client, "ready")


@pytest.mark.e2e
def test_what_the_model_is_answering_when_a_pause_begins_is_broken_off(start):
    client = start()
    client.initialize()
    client.wait_until_ready()
    client.open("untitled:a.py", "SLOW")
    asked = client.send("textDocument/inlineCompletion", rpc.inline("untitled:a.py", 0, 4))
    client.command("homespun.pause")
    assert client.wait(asked)["result"] == {"items": []}


@pytest.mark.e2e
@pytest.mark.parametrize("minutes", [0, -5, "ten", True, [1], 1e300], ids=repr)
def test_a_senseless_length_of_a_pause_is_a_sentence(server, minutes):
    answer = server.command("homespun.pause", minutes)["result"]
    assert answer["state"] == "ready"
    assert answer["message"].startswith("a pause takes minutes above 0")
    assert answer["message"].endswith(f"not {json.loads(json.dumps(minutes))!r}")
