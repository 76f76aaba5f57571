"""From the messages of an editor to the log of what was accepted."""

from __future__ import annotations

from homespun.server.acceptance.log import read

URI = "untitled:a.py"


def begin(start, **more):
    client = start(HOMESPUN_SERVER_ACCEPTANCE_LOG="1")
    client.initialize({"general": {"positionEncodings": ["utf-16"]}}, **more)
    client.wait_until_ready()
    return client


def test_what_was_accepted_is_in_the_log_when_the_server_has_ended(start):
    client = begin(start)
    client.open(URI, "abcdef")
    [item] = client.complete(URI, 0, 3)
    client.change(URI, 2, (0, 3, 0, 3, item["insertText"]))
    client.command(item["command"]["command"], *item["command"]["arguments"])
    client.change(URI, 3, "abcabc|de")  # the whole document: "f" and the old end are gone
    found = client.command("homespun.acceptance", 7)["result"]
    assert (found["pending"], found["groups"][0]["shown"]) == (1, 0)
    client.stop()
    (record,) = read().records
    assert (record.outcome, record.accepted, record.steps) == ("accepted", 7, ("all",))
    assert (record.language, record.kind, record.sources) == ("python", "line", 0)
    assert (record.id,) == tuple(item["command"]["arguments"])


def test_lengths_that_a_client_tells_are_in_its_units(start):
    client = begin(start, clientInfo={"name": "Neovim"})
    client.open(URI, "ab😋cd")
    [item] = client.complete(URI, 0, 4)
    assert item["insertText"] == "ab😋|cd"
    client.change(URI, 2, (0, 4, 0, 4, "ab😋"))
    client.note("textDocument/didPartiallyAcceptCompletion", {"item": item, "acceptedLength": 4})
    client.stop()
    (record,) = read().records
    assert (record.outcome, record.accepted, record.typed) == ("partial", 3, 0)


def test_nothing_is_logged_where_the_setting_says_so(start):
    client = begin(start, initializationOptions={"server": {"acceptanceLog": False}})
    client.open(URI, "abcdef")
    [item] = client.complete(URI, 0, 3)
    client.change(URI, 2, (0, 3, 0, 3, item["insertText"]))
    client.stop()
    assert read().records == []
