"""The wire: what is asked in which way, and that each request gets exactly the answer it is due."""

from __future__ import annotations

import asyncio
import io
import json

import pytest

from homespun.server.commands.registry import COMMANDS
from homespun.server.lsp.protocol import TriggerKinds
from tests.support import rpc

pytestmark = pytest.mark.e2e

REQUEST = "textDocument/inlineCompletion"


def test_the_capabilities_are_announced_without_being_asked_for(start):
    answer = start().initialize({})["result"]["capabilities"]
    assert answer["inlineCompletionProvider"] == {}
    assert answer["positionEncoding"] == "utf-16"
    assert answer["textDocumentSync"] == {
        "openClose": True,
        "change": 2,
        "save": {"includeText": False},
    }
    assert answer["executeCommandProvider"]["commands"] == list(COMMANDS)
    assert answer["workspace"]["workspaceFolders"] == {
        "supported": True,
        "changeNotifications": True,
    }


def test_an_item_replaces_nothing_and_carries_its_command(server, uri):
    server.open(uri, "def add(a, b):\n    return \n")
    [item] = server.complete(uri, 1, 11)
    assert item["insertText"] == "rn |\n"
    assert item["range"] == rpc.span(1, 11, 1, 11)
    assert item["command"]["command"] == "homespun.accepted"
    assert item["command"]["title"] == "Suggestion accepted"
    [identifier] = item["command"]["arguments"]
    assert server.command("homespun.accepted", identifier)["result"] is None


def test_the_real_completer_answers_behind_the_wire(start):
    client = start(FAKE_SERVER=json.dumps({"says": "a + b\n\ndef next_one():\n"}))
    client.initialize()
    client.wait_until_ready()
    client.open("untitled:a.py", "def add(a, b):\n    return \n")
    assert client.complete_text("untitled:a.py", 1, 11) == "a + b"
    assert client.complete("untitled:a.py", 0, 1) == []
    assert client.status()["last"]["finish"] == "filtered:cursor-moved"
    client.change("untitled:a.py", 2, (0, 0, 0, 0, "x"))
    assert client.complete("untitled:a.py", 0, 1) == []
    assert client.status()["last"]["finish"] == "filtered:inside-word"


def test_typing_along_a_suggestion_asks_the_model_once(start):
    client = start(FAKE_SERVER=json.dumps({"says": "add(a, b)\n\ndef next_one():\n"}))
    client.initialize()
    client.wait_until_ready()
    uri = "untitled:a.py"
    client.open(uri, "def both(a, b):\r\n    return \r\n")
    assert client.complete_text(uri, 1, 11) == "add(a, b)"
    client.change(uri, 2, (1, 11, 1, 11, "a"))
    assert client.complete_text(uri, 1, 12) == "dd(a, b)"
    client.change(uri, 3, (1, 12, 1, 12, "dd"), (1, 14, 1, 14, "()"))  # a bracket closed by itself
    assert client.complete_text(uri, 1, 15) == "a, b"
    status = client.status()
    assert (status["answered"], status["recalled"]) == (3, 2)
    assert status["last"]["recalled"] is True
    assert status["last"]["finish"] == "newline"
    assert set(status["last"]["timings_ms"].values()) == {0.0}
    client.change(uri, 4, (1, 15, 1, 15, "x"))
    client.complete_text(uri, 1, 16)
    assert client.status()["last"]["recalled"] is False


def test_other_settings_forget_what_was_answered(start):
    client = start()
    client.initialize()
    client.wait_until_ready()
    uri = "untitled:a.py"
    client.open(uri, "OPTIONS")
    assert client.complete_text(uri, 0, 7) == "64 qwen2.5-coder-0.5b"
    assert client.complete_text(uri, 0, 7) == "64 qwen2.5-coder-0.5b"
    assert client.status()["recalled"] == 1
    settings = {"homespun": {"completion": {"maxTokens": 9}}}
    client.note("workspace/didChangeConfiguration", {"settings": settings})
    assert client.complete_text(uri, 0, 7) == "9 qwen2.5-coder-0.5b"
    assert client.status()["recalled"] == 1


def test_documents_are_prepared_at_their_end_and_where_they_were_edited(start):
    client = start()
    client.initialize()
    client.wait_until_ready()
    client.open("untitled:a.py", "def😋f\n")
    client.wait_until(lambda: client.status()["prepared"] == 1)
    client.change("untitled:a.py", 2, (0, 3, 0, 5, "x"), (0, 4, 0, 4, "yz"))  # in UTF-16
    client.wait_until(lambda: client.status()["prepared"] == 2)
    client.open("untitled:b.py", "PREPARED", version=1)
    listed = client.complete_text("untitled:b.py", 0, 8)
    assert listed.startswith("def😋f\n| defxyz|f\n")


def test_documents_that_wait_for_the_model_are_prepared_when_it_is_there(start, tmp_path):
    client = start(FETCHED=str(tmp_path / "fetched"))
    client.initialize(initializationOptions={"completion": {"model": "missing"}})
    client.open("untitled:a.py", "abc")
    client.wait_until(lambda: client.status()["state"] == "problem")
    assert client.status()["prepared"] == 0
    (tmp_path / "fetched").touch()
    client.wait_until(lambda: client.status()["prepared"] == 1)


def test_what_was_answered_is_not_kept():
    from homespun.server.setup import create_server

    async def ask():
        server = create_server()
        protocol = server.protocol
        protocol.set_writer(io.BytesIO())
        initialize = {"capabilities": {}, "processId": None, "rootUri": None}
        protocol.receive(body(0, "initialize", initialize))
        await asyncio.sleep(0)
        for identifier in range(1, 20):
            command = {"command": "homespun.search", "arguments": ["x"]}
            protocol.receive(body(identifier, "workspace/executeCommand", command))
        for _ in range(500):
            if not protocol._request_futures:
                return
            await asyncio.sleep(0.01)
        raise AssertionError(f"{len(protocol._request_futures)} are kept")

    def body(identifier, method, params):
        message = {"jsonrpc": "2.0", "id": identifier, "method": method, "params": params}
        return json.dumps(message).encode()

    asyncio.run(ask())


def test_a_cell_is_asked_for_behind_the_cells_above_it(server):
    first, second = (f"vscode-notebook-cell:/a.ipynb#{name}" for name in ("W1", "W2"))
    server.open(first, "total = 0")
    server.open(second, "x = ")
    [item] = server.complete(second, 0, 0)
    assert item["insertText"] == "0\n\n|x ="
    assert item["range"] == rpc.span(0, 0, 0, 0)  # in the cell, not in the text of all cells


def test_an_open_document_and_a_shown_suggestion_are_prepared(start):
    client = start(FAKE_SERVER=json.dumps({"says": "a + b\n"}))
    client.initialize()
    client.wait_until_ready()
    uri = "untitled:a.py"
    client.open(uri, "def add(a, b):\n    return \n")
    client.wait_until(lambda: client.status()["prepared"] == 1)
    assert client.complete_text(uri, 1, 11) == "a + b"
    client.wait_until(lambda: client.status()["prepared"] == 3)  # as if accepted, and at rest


@pytest.mark.parametrize(
    ("kinds", "explicit"),
    [
        pytest.param([1, 2, 1, 2], [False, False, True, False], id="LSP 3.18"),
        pytest.param([1, 0, 1, 0], [False, True, False, True], id="older clients"),
        pytest.param([7, None, "x"], [False, False, False], id="nonsense"),
    ],
)
def test_a_request_by_hand_is_told_from_an_automatic_one(kinds, explicit):
    dialect = TriggerKinds()
    assert [dialect.is_explicit(kind) for kind in kinds] == explicit


@pytest.mark.parametrize("kind", [0, 1, 2, 7, "automatic", None])
def test_every_dialect_of_trigger_kinds_is_answered(server, uri, kind):
    server.open(uri, "abc")
    assert server.complete_text(uri, 0, 3, kind=kind) == "abc|"


def test_fields_of_newer_and_other_clients_are_taken(server, uri):
    server.open(uri, "abc", version=4)
    formatting = {"tabSize": 4, "insertSpaces": True}
    more = {"formattingOptions": formatting, "workDoneToken": "t", "somethingElse": [1]}
    assert server.complete_text(uri, 0, 3, version=4, **more) == "abc|"


def test_a_stale_version_is_answered_with_nothing(server, uri):
    server.open(uri, "abc", version=1)
    server.change(uri, 2, "abcd")
    assert server.complete(uri, 0, 3, version=1) == []
    assert server.status()["last"]["finish"] == "filtered:stale-version"
    assert server.complete_text(uri, 0, 3, version=2) == "abc|d"


@pytest.mark.parametrize("place", [(0, 4), (1, 0), (99, 0), (0, 99)])
def test_a_cursor_out_of_range_is_answered_with_nothing(server, uri, place):
    server.open(uri, "abc")
    assert server.complete(uri, *place) == []
    assert server.status()["last"]["finish"] == "filtered:cursor-out-of-range"


def test_a_document_that_is_not_open_is_answered_with_nothing(server, uri):
    assert server.complete(uri, 0, 0) == []
    assert server.status()["last"]["finish"] == "filtered:not-open"


@pytest.mark.parametrize("missing", ["textDocument", "position", "context"])
def test_missing_parameters_are_answered_with_invalid_params(server, uri, missing):
    params = rpc.inline(uri)
    del params[missing]
    assert server.ask(REQUEST, params)["error"]["code"] == -32602


@pytest.mark.parametrize(
    "position", [{"line": "1", "character": 0}, {"line": {}, "character": 0}, 3, None]
)
def test_a_position_of_the_wrong_type_never_goes_unanswered(server, uri, position):
    server.open(uri, "abc")
    answer = server.ask(REQUEST, {**rpc.inline(uri), "position": position})
    assert answer.get("error", {}).get("code") == -32602 or answer["result"] == {"items": []}


def test_an_unknown_method_is_answered_and_an_unknown_notification_is_not(server, uri):
    server.note("homespun/nothing", {"a": 1})
    assert server.ask("homespun/nothing", {"a": 1})["error"]["code"] == -32601


def test_a_second_initialize_is_refused(server):
    answer = server.ask("initialize", {"processId": None, "rootUri": None, "capabilities": {}})
    assert answer["error"]["code"] == -32600


def test_a_failure_inside_is_an_empty_answer_and_no_message(server, uri):
    server.open(uri, "RAISE")
    assert server.complete(uri, 0, 5) == []
    assert server.status()["last"]["finish"] == "error:RuntimeError"
    server.open(uri, "abc", version=2)
    assert server.complete_text(uri, 0, 3) == "abc|"
    shown = [note for note in server.incoming if note["method"] == "window/showMessage"]
    assert shown == []


def test_stray_output_does_not_reach_the_protocol(server, uri):
    server.open(uri, "PRINT")
    assert server.complete_text(uri, 0, 5) == "INT|"


# -- text


@pytest.mark.parametrize(
    ("text", "edit", "cursor", "expected"),
    [
        pytest.param("a\fb\nc\n", (1, 1, 1, 1, "X"), (1, 2), "\ncX|\n", id="form feed"),
        pytest.param("a\u2028b\nc", (1, 1, 1, 1, "X"), (1, 2), "\ncX|", id="line separator"),
        pytest.param("x😋\nb", (0, 3, 0, 3, "y"), (0, 4), "x😋y|\nb", id="emoji"),
        pytest.param("a\n", (1, 0, 1, 0, "b"), (1, 1), "a\nb|", id="the empty last line"),
        pytest.param("", (0, 0, 0, 0, "b"), (0, 1), "b|", id="empty document"),
        pytest.param("a\r\nb\r\n", (1, 1, 1, 1, "c"), (1, 2), "\nbc|\r\n", id="crlf"),
    ],
)
def test_the_mirror_follows_an_edit_exactly(server, uri, text, edit, cursor, expected):
    server.open(uri, text)
    server.change(uri, 2, edit)
    assert server.complete_text(uri, *cursor) == expected


@pytest.mark.parametrize(
    ("text", "cursor"),
    [
        pytest.param("", (0, 0), id="an empty document"),
        pytest.param("a\n", (1, 0), id="the empty last line"),
    ],
)
def test_a_cursor_where_nothing_stands_is_in_range(server, uri, text, cursor):
    server.open(uri, text)
    assert server.complete_text(uri, *cursor) == f"{text}|"


@pytest.mark.parametrize(("encoding", "column"), [("utf-8", 7), ("utf-16", 4), ("utf-32", 3)])
def test_columns_are_read_and_written_in_the_clients_encoding(start, encoding, column):
    client = start()
    answer = client.initialize({"general": {"positionEncodings": ["utf-7", encoding]}})
    assert answer["result"]["capabilities"]["positionEncoding"] == encoding
    client.wait_until_ready()
    client.open("untitled:a.py", "é😋b c")
    client.change("untitled:a.py", 2, (0, column, 0, column, "!"))
    [item] = client.complete("untitled:a.py", 0, column)
    assert item["insertText"] == "é😋b|! c"
    assert item["range"] == rpc.span(0, column, 0, column)


@pytest.mark.parametrize("lines", [1_000, 10_000, 50_000])
def test_edits_of_a_long_document_are_followed(server, uri, lines):
    server.open(uri, "value = call(argument)\n" * lines)
    for version in range(2, 12):
        server.change(uri, version, (lines // 2, 0, lines // 2, 0, "x"))
    assert server.complete_text(uri, lines // 2, 10) == "xxx|val"


def test_several_edits_in_one_change_apply_in_order(server, uri):
    server.open(uri, "abc\n")
    server.change(uri, 2, (0, 3, 0, 3, "d"), (0, 4, 0, 4, "e"), (0, 0, 0, 1, ""))
    assert server.complete_text(uri, 0, 4) == "cde|\n"


def test_the_selected_entry_of_the_suggest_widget_leads_the_item(server, uri):
    server.open(uri, "x.app\ny")
    selected = {"range": rpc.span(0, 2, 0, 5), "text": "append"}
    [item] = server.complete(uri, 0, 5, selected=selected)
    assert item["range"] == rpc.span(0, 2, 0, 5)
    assert item["insertText"] == "append" + "end|\ny"


def test_a_selected_entry_elsewhere_is_answered_with_nothing(server, uri):
    server.open(uri, "x.app\ny")
    selected = {"range": rpc.span(1, 0, 1, 1), "text": "yes"}
    assert server.complete(uri, 0, 5, selected=selected) == []


# -- order and cancelling


def test_a_cancelled_request_is_answered_with_cancelled_while_the_model_is_busy(server, uri):
    server.open(uri, "SLOW")
    request = server.send(REQUEST, rpc.inline(uri, 0, 4))
    server.note("$/cancelRequest", {"id": request})
    assert server.wait(request)["error"]["code"] == -32800
    server.change(uri, 2, "abc")
    assert server.complete_text(uri, 0, 3) == "abc|"


def test_cancelling_an_answered_request_is_ignored(server, uri):
    server.open(uri, "abc")
    request = server.send(REQUEST, rpc.inline(uri, 0, 3))
    server.wait(request)
    server.note("$/cancelRequest", {"id": request})
    server.note("$/cancelRequest", {"id": "never"})
    assert server.complete_text(uri, 0, 3) == "abc|"


def test_of_two_requests_in_a_row_the_first_is_answered_with_nothing(server, uri):
    server.open(uri, "SLOW")
    first = server.send(REQUEST, rpc.inline(uri, 0, 4))
    second = server.send(REQUEST, rpc.inline(uri, 0, 4))
    assert server.wait(first)["result"] == {"items": []}
    server.note("$/cancelRequest", {"id": second})
    assert server.wait(second)["error"]["code"] == -32800


def test_an_edit_ends_the_request_before_it(server, uri):
    server.open(uri, "SLOW")
    request = server.send(REQUEST, rpc.inline(uri, 0, 4))
    server.change(uri, 2, "abc")
    assert server.wait(request)["result"] == {"items": []}


def test_a_request_between_two_edits_in_one_write_sees_neither_too_much_nor_too_little(server, uri):
    server.open(uri, "a")
    request = server.request_message(REQUEST, rpc.inline(uri, 0, 2))
    messages = [
        server.note_message("textDocument/didChange", rpc.change(uri, 2, "ab")),
        request,
        server.note_message("textDocument/didChange", rpc.change(uri, 3, "abc")),
    ]
    server.raw(b"".join(server.frame(message) for message in messages))
    assert server.wait(request["id"])["result"] == {"items": []}  # in range, then overtaken
    assert server.status()["last"]["finish"] == "cancelled"
    assert server.complete_text(uri, 0, 3) == "abc|"


def test_slow_requests_of_eight_documents_do_not_hold_up_anything_else(server, uri):
    documents = [f"{uri}{number}" for number in range(8)]
    for document in documents:
        server.open(document, "SLOW")
    requests = [server.send(REQUEST, rpc.inline(document, 0, 4)) for document in documents]
    assert server.ask("homespun/unknown", {})["error"]["code"] == -32601
    assert server.command("homespun.showSources", "x")["result"] == []
    assert not any(request in server.answers for request in requests)
    for request in requests:
        server.note("$/cancelRequest", {"id": request})
    assert {server.wait(request)["error"]["code"] for request in requests} == {-32800}


def test_the_newest_document_is_served_first(server, uri):
    # Behind a bracket nothing is waited for, whatever the documents before have cost.
    server.open(f"{uri}1", "SLOW(")
    server.open(f"{uri}2", "SLOW(")
    server.open(f"{uri}3", "abc(")
    busy = server.send(REQUEST, rpc.inline(f"{uri}1", 0, 5))
    waiting = server.send(REQUEST, rpc.inline(f"{uri}2", 0, 5))
    newest = server.send(REQUEST, rpc.inline(f"{uri}3", 0, 4))
    server.note("$/cancelRequest", {"id": busy})
    assert server.wait(newest)["result"]["items"][0]["insertText"] == "bc(|"
    assert server.answers.get(waiting) is None
    server.note("$/cancelRequest", {"id": waiting})
    assert server.wait(waiting)["error"]["code"] == -32800


def test_two_hundred_requests_at_once_are_all_answered_and_the_last_is_right(server, uri):
    server.open(uri, "abc")
    messages = [
        server.request_message(REQUEST, rpc.inline(uri, 0, (n + 2) % 4)) for n in range(199)
    ]
    messages.append(server.request_message(REQUEST, rpc.inline(uri, 0, 2)))
    server.raw(b"".join(server.frame(message) for message in messages))
    answers = [server.wait(message["id"]) for message in messages]
    assert all(isinstance(answer["result"]["items"], list) for answer in answers)
    assert answers[-1]["result"]["items"][0]["insertText"] == "ab|c"


def test_cancel_of_everything_leaves_a_working_server(server, uri):
    server.open(uri, "SLOW")
    requests = [server.send(REQUEST, rpc.inline(uri, 0, 4)) for _ in range(50)]
    for request in requests:
        server.note("$/cancelRequest", {"id": request})
    for request in requests:
        answer = server.wait(request)
        assert answer.get("result") == {"items": []} or answer["error"]["code"] == -32800
    server.change(uri, 2, "abc")
    assert server.complete_text(uri, 0, 3) == "abc|"


# -- malformed messages


@pytest.mark.parametrize(
    ("data", "code"),
    [
        pytest.param(rpc.Client.frame(b"{nonsense"), -32700, id="no JSON"),
        pytest.param(rpc.Client.frame(b"\xff\xfe\x00"), -32700, id="no text"),
        pytest.param(rpc.Client.frame(b"[" * 20_000), -32700, id="nested without end"),
        pytest.param(rpc.Client.frame(b"[" * 101 + b"]" * 101), -32700, id="lists nested too deep"),
        pytest.param(
            rpc.Client.frame(b'{"a":' * 101 + b"1" + b"}" * 101),
            -32700,
            id="objects nested too deep",
        ),
        pytest.param(b"x" * 200_000 + b"\r\n\r\n", -32700, id="a flood of a header"),
        pytest.param(b"Content-Length: x\r\n\r\n{}", -32700, id="a length that is no number"),
        pytest.param(b"Content-Length: 1\r\n\r\n{}", -32700, id="a length that is too short"),
        pytest.param(b"rubbish\r\n\r\n", -32700, id="no header"),
        pytest.param(rpc.Client.frame(b"[]"), -32600, id="a list"),
        pytest.param(rpc.Client.frame(b"17"), -32600, id="a number"),
        pytest.param(rpc.Client.frame(b'{"id": 1, "method": "x"}'), -32600, id="no version"),
        pytest.param(
            rpc.Client.frame(b'{"jsonrpc": "2.0", "id": [], "method": "x"}'), -32600, id="id"
        ),
        pytest.param(
            rpc.Client.frame(b'{"jsonrpc": "2.0", "id": 1, "method": 2}'), -32600, id="method"
        ),
    ],
)
def test_a_malformed_message_is_refused_and_the_next_one_served(server, uri, data, code):
    server.answers.pop(None, None)
    server.open(uri, "abc")
    server.raw(data)
    assert server.complete_text(uri, 0, 3) == "abc|"
    assert server.answers[None]["error"]["code"] == code


@pytest.mark.parametrize(
    "message",
    [
        pytest.param({"jsonrpc": "2.0"}, id="neither method nor id"),
        pytest.param({"jsonrpc": "2.0", "id": 987654, "result": 1}, id="an answer to nothing"),
        pytest.param({"jsonrpc": "2.0", "method": "textDocument/didOpen", "params": 5}, id="5"),
        pytest.param({"jsonrpc": "2.0", "method": "textDocument/didChange"}, id="no params"),
        pytest.param({"jsonrpc": "2.0", "method": "$/cancelRequest", "params": {}}, id="cancel"),
        pytest.param(
            {
                "jsonrpc": "2.0",
                "method": "textDocument/didChange",
                "params": rpc.change("untitled:never-opened", 2, "x"),
            },
            id="a change of a document that is not open",
        ),
        pytest.param(
            {
                "jsonrpc": "2.0",
                "method": "workspace/didChangeConfiguration",
                "params": {"settings": {"jsonrpc": "2.0", "id": 1, "method": "exit"}},
            },
            id="a message within a message",
        ),
    ],
)
def test_a_senseless_notification_does_no_harm(server, uri, message):
    server.open(uri, "abc")
    server.raw(server.frame(message))
    assert server.complete_text(uri, 0, 3) == "abc|"


# -- commands and what became of a suggestion


def test_a_change_behind_the_closing_is_passed_over_in_silence(start):
    client = start()
    client.initialize()
    client.open("untitled:Untitled-1", "x")
    client.note("textDocument/didClose", {"textDocument": {"uri": "untitled:Untitled-1"}})
    client.change("untitled:Untitled-1", 2, (0, 0, 0, 1, "y"))
    client.change("untitled:Untitled-1", 3, "z")
    assert client.stop() == 0
    assert "Error" not in client.log()


def test_an_unknown_command_is_refused(server):
    assert server.command("homespun.unknown")["error"]["code"] == -32602


@pytest.mark.parametrize("arguments", [[], [None], [{"id": 1}], [["a"]], ["a", "b"]], ids=repr)
def test_no_command_fails_for_its_arguments(start, arguments):
    client = start()
    client.initialize()
    for name in COMMANDS:
        answer = client.command(name, *arguments)
        assert "error" not in answer
        assert "the log says more" not in json.dumps(answer["result"])


def test_a_command_without_arguments_may_leave_them_out(server):
    answer = server.ask("workspace/executeCommand", {"command": "homespun.showSources"})
    assert isinstance(answer["result"], list)


def _outcomes(log):
    return [
        line.split("homespun.server.acceptance.suggestions: ")[1]
        for line in log
        if "acceptance.suggestions: " in line
    ]


def test_acceptance_is_noted_from_commands_from_clients_and_from_edits(start):
    client = start(FAKE_SERVER=json.dumps({"log_level": "debug"}))
    client.initialize()
    client.wait_until_ready()
    uri = "untitled:a.py"
    client.open(uri, "abcdef")
    [item] = client.complete(uri, 0, 3)
    [identifier] = item["command"]["arguments"]
    client.change(uri, 2, (0, 3, 0, 3, "a"))  # typed
    client.change(uri, 3, (0, 4, 0, 4, "bc"))  # a part is accepted
    client.change(uri, 4, (0, 6, 0, 6, "x"))  # typed something else
    client.change(uri, 5, (0, 7, 0, 7, "|de"))  # follows nothing any more
    client.note("textDocument/didShowCompletion", {"item": item})
    accepted = {"item": item, "acceptedLength": 5}
    client.note("textDocument/didPartiallyAcceptCompletion", accepted)
    client.note("textDocument/didPartiallyAcceptCompletion", {"item": None})
    client.command("homespun.accepted", identifier)
    client.stop()
    assert _outcomes(client.log().splitlines()) == [
        f"partial: 3 of 7 characters, suggestion {identifier}",
        f"partial: 5 of 7 characters, suggestion {identifier}",
        f"accepted: 7 of 7 characters, suggestion {identifier}",
    ]


def test_what_a_client_says_was_dismissed_does_not_come_back(server, uri):
    server.open(uri, "ab")
    [item] = server.complete(uri, 0, 2)
    [identifier] = item["command"]["arguments"]
    assert server.command("homespun.dismissed", identifier)["result"] is None
    assert server.complete(uri, 0, 2) == []
    assert server.status()["last"]["finish"] == "filtered:dismissed"
    server.change(uri, 2, (0, 2, 0, 2, "c"))
    assert server.complete(uri, 0, 3)
    server.command("homespun.dismissed", "", uri)  # by a client that knows only the document
    assert server.complete(uri, 0, 3) == []


def test_two_editors_in_one_folder_are_answered_each_for_itself(start, tmp_path):
    root = tmp_path / "shop"
    root.mkdir()
    (root / "client.py").write_text("def connect(address):\n    return address\n", encoding="utf-8")
    folder = {"uri": root.as_uri(), "name": "shop"}
    editors = [start(), start()]
    for editor in editors:
        editor.initialize(rootUri=root.as_uri(), workspaceFolders=[folder])
    for editor in editors:
        editor.wait_until_ready()
    uri = (root / "app.py").as_uri()
    texts = ("first FIND connect", "second FIND connect")
    for editor, text in zip(editors, texts, strict=True):
        editor.open(uri, text)
    for _ in range(3):
        assert [editor.complete_text(uri, 0, 5) for editor in editors] == ["client.py"] * 2
    editors[0].open(f"{uri}x", "abcdef")
    editors[1].open(f"{uri}x", "uvwxyz")
    answers = [editor.complete_text(f"{uri}x", 0, 3) for editor in editors]
    assert answers == ["abc|def", "uvw|xyz"]
