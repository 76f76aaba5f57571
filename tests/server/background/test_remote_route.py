"""The language server with a server of the user's: who answers, what the status says, one click."""

from __future__ import annotations

import json

import pytest

from tests.models.remote.exchanges import llama
from tests.support.model_server import ModelServer, Reply

SHOWS_STATUS = {"experimental": {"homespun": {"status": True}}}
STAY_HERE = {
    "title": "Send nothing until the next start",
    "command": "homespun.stayHere",
    "arguments": [],
}
SAYS = json.dumps({"says": "local_answer\n"})


@pytest.fixture
def remote():
    with ModelServer(llama(" ", "remote_answer")).running() as server:
        yield server


@pytest.fixture
def begin(start):
    def begin(url="", *, state="ready", **more):
        settings = {"HOMESPUN_MODEL_REMOTE_URL": url, "HOMESPUN_MODEL_REMOTE_ROUTE": "remote"}
        client = start(FAKE_SERVER=SAYS, **((settings if url else {}) | more))
        client.initialize(SHOWS_STATUS)
        client.wait_until(lambda: client.status()["state"] == state)
        client.open("untitled:a.py", "answer = ")
        return client

    return begin


@pytest.mark.e2e
def test_the_server_answers_and_the_status_says_where_code_goes(begin, remote):
    client = begin(remote.url)
    client.wait_until(lambda: client.status()["remote"]["server"])
    status = client.status()
    assert (
        f"code goes, secrets masked, to a server on this machine, {remote.url}"
        in (status["message"])
    )
    assert (status["state"], status["fix"]) == ("ready", STAY_HERE)
    assert status["remote"]["address"] == remote.url
    assert client.complete_text("untitled:a.py", 0, 9) == "remote_answer"
    assert client.stop() == 0


@pytest.mark.e2e
def test_the_route_is_in_the_status_and_who_is_sure_sends_nothing(begin, remote):
    client = begin(
        remote.url,
        HOMESPUN_MODEL_REMOTE_ROUTE="escalate",
        HOMESPUN_MODEL_REMOTE_TOKENS_A_DAY="1000",
    )
    assert client.complete_text("untitled:a.py", 0, 9) == "local_answer"
    assert remote.to("/completion") == []
    status = client.status()
    assert (status["remote"]["route"], status["remote"]["spent"]) == ("escalate", "")
    assert "where the line of the model here is in doubt" in status["message"]


@pytest.mark.e2e
def test_a_day_whose_tokens_are_spent_is_in_the_status_and_the_model_here_answers(begin, remote):
    client = begin(remote.url, HOMESPUN_MODEL_REMOTE_TOKENS_A_DAY="10")
    assert client.complete_text("untitled:a.py", 0, 9) == "local_answer"
    client.wait_until(lambda: "the 10 tokens of today are spent" in client.status()["message"])
    assert remote.to("/completion") == []


@pytest.mark.e2e
def test_one_click_ends_it_until_the_next_start(begin, remote):
    client = begin(remote.url)
    assert client.complete_text("untitled:a.py", 0, 9) == "remote_answer"
    status = client.command("homespun.stayHere")["result"]
    assert (status["state"], status["message"], status["remote"]) == ("ready", "", None)
    before = len(remote.asked)
    assert client.complete_text("untitled:a.py", 0, 9) == "local_answer"
    assert len(remote.asked) == before


@pytest.mark.e2e
def test_a_server_that_does_not_answer_is_in_the_status_and_the_model_here_answers(begin, remote):
    remote.replies["/completion"] = Reply(waits=True)
    client = begin(remote.url, HOMESPUN_MODEL_REMOTE_TIMEOUT_MS="300")
    assert client.complete_text("untitled:a.py", 0, 9) == "local_answer"
    client.wait_until(lambda: "does not answer now" in client.status()["message"])
    assert "has not answered in time" in client.status()["remote"]["trouble"]


@pytest.mark.e2e
def test_settings_that_do_not_work_are_a_problem_and_the_model_here_answers(begin):
    client = begin("http://models.example.com", state="problem")
    assert "in the clear" in client.status()["message"]
    assert client.complete_text("untitled:a.py", 0, 9) == "local_answer"


@pytest.mark.e2e
def test_neither_a_workspace_nor_an_editor_sends_anything_anywhere(start, remote, tmp_path):
    table = f'[model.remote]\nroute = "remote"\nurl = "{remote.url}"\n'
    (tmp_path / "homespun.toml").write_text(table)
    (tmp_path / "a.py").write_text("answer = ")
    client = start(FAKE_SERVER=SAYS)
    own = {"route": "remote", "url": remote.url}
    options = {"model": {"remote": own}, "model.remote": own}
    client.initialize(SHOWS_STATUS, rootUri=tmp_path.as_uri(), initializationOptions=options)
    client.wait_until_ready()
    uri = (tmp_path / "a.py").as_uri()
    client.open(uri, "answer = ")
    assert client.complete_text(uri, 0, 9) == "local_answer"
    assert client.status()["remote"] is None
    assert remote.asked == []
