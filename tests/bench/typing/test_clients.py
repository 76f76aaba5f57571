from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from bench.engine.peers import WHEEL, Build
from bench.typing import llama as typing_llama
from bench.typing import ours as typing_ours
from bench.typing.client import Keystroke
from bench.typing.sessions import Session

_SESSION = Session("p", "a.py", 1, "def f():", "\nx = 1\n", "\n    y = 2", ())


class _Llama(BaseHTTPRequestHandler):
    """A server that always suggests the same; it keeps what it was asked."""

    asked: list[dict] = []

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        answer = {"tokens": [0] * 10}
        if self.path == "/infill":
            self.asked.append(body)
            times = {"prompt_n": 7, "cache_n": 3, "predicted_n": 2}
            answer = {"content": "    y = 2", "timings": times}
        data = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *arguments):
        pass


@pytest.fixture
def llama(monkeypatch):
    server = HTTPServer(("127.0.0.1", 0), _Llama)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    _Llama.asked = []

    class EngineStandIn:
        def __init__(self, build):
            self.worker = build.worker

        def open(self, **arguments):
            assert arguments["context_tokens"] == 1024 + 256
            return {"pid": 0, "address": f"http://127.0.0.1:{server.server_port}"}

        def close(self):
            server.shutdown()
            server.server_close()

    monkeypatch.setattr(typing_llama, "EngineProcess", EngineStandIn)
    for name in ("_READ_SECONDS", "_REST_SECONDS"):
        monkeypatch.setattr(typing_llama, name, 0.0)
    side = typing_llama.LlamaVim(
        Build(WHEEL, Path("python"), ""),
        Path("x.gguf"),
        threads=2,
        budget_tokens=1024,
        files={"a.py": _SESSION.text, "b.py": "import a\n\n\na.f()\n"},
    )
    yield side
    side.close()


def test_llama_vim_asks_the_server_and_shows_what_it_says(llama):
    llama.begin(_SESSION)
    assert [body["n_predict"] for body in _Llama.asked] == [0, 0]  # chunks of both files
    llama.press(Keystroke("def f():\n    ", "\nx = 1\n", "\n    ", 0))
    answer = next(llama.answers(time.perf_counter() + 30))
    assert (answer.text, answer.cached) == ("y = 2", False)
    assert _Llama.asked[2]["input_prefix"] == "def f():\n"
    llama.press(Keystroke("def f():\n    y", "\nx = 1\n", "y", 0))
    answer = next(llama.answers(time.perf_counter() + 30))
    assert (answer.text, answer.cached) == (" = 2", True)
    llama.end()
    assert llama.work.by_kind["ring"] == 14
    assert llama.work.prompt_tokens == 10 * llama.work.requests


def test_a_server_that_fails_ends_the_replay(llama, monkeypatch):
    def fail(connection, path, body):
        raise OSError("gone")

    llama.begin(_SESSION)
    monkeypatch.setattr(typing_llama, "_post", fail)
    llama.press(Keystroke("def f():\n    ", "\nx = 1\n", "\n    ", 0))
    with pytest.raises(OSError, match="gone"):
        next(llama.answers(time.perf_counter() + 30))


class _Connection:
    """Takes messages and answers requests as the server does."""

    pid = 0

    def __init__(self, command):
        self.sent, self._inbox, self._ids = [], [], 0

    def request(self, method, params):
        self._ids += 1
        self.write({"id": self._ids, "method": method, "params": params})
        result = {"state": "ready", "last": {"finish": "newline", "tokens": {}}}
        if method == "textDocument/inlineCompletion":
            command = {"arguments": ["s1"]}
            result = {"items": [{"insertText": "y = 2", "command": command}]}
        self._inbox.append((1.5, {"id": self._ids, "result": result}))
        return self._ids

    def write(self, message):
        self.sent.append(message)

    def read(self, until):
        return self._inbox.pop(0) if self._inbox else None

    def close(self):
        pass


@pytest.fixture
def ours(monkeypatch, tmp_path):
    monkeypatch.setattr(typing_ours, "_Connection", _Connection)
    return typing_ours.Homespun(tmp_path, model="m", threads=2)


def _last(side, method):
    return [message for message in side._connection.sent if message["method"] == method][-1]


def test_a_key_goes_to_our_server_as_one_edit_and_one_request(ours):
    ours.begin(_SESSION)
    ours.press(Keystroke("def f():\n  ", "\nx = 1\n", "  ", 4))  # an indentation put right
    change = _last(ours, "textDocument/didChange")["params"]["contentChanges"]
    start, end = {"line": 1, "character": 0}, {"line": 1, "character": 4}
    assert change == [{"range": {"start": start, "end": end}, "text": "  "}]
    asked = _last(ours, "textDocument/inlineCompletion")["params"]
    assert asked["position"] == {"line": 1, "character": 2}


def test_the_answer_has_the_time_of_its_arrival(ours):
    ours.begin(_SESSION)
    ours.press(Keystroke("def f():\n    ", "\nx = 1\n", "\n    ", 0))
    (answer,) = ours.answers(2.0)
    assert (answer.at, answer.text, answer.cached) == (1.5, "y = 2", False)
    ours.accepted()
    assert _last(ours, "workspace/executeCommand")["params"]["arguments"] == ["s1"]


def test_a_superseded_request_is_cancelled_and_its_answer_does_not_count(ours):
    ours.begin(_SESSION)
    ours.press(Keystroke("def f():\n    ", "\nx = 1\n", "\n    ", 0))
    first = _last(ours, "textDocument/inlineCompletion")["id"]
    ours.press(Keystroke("def f():\n    y", "\nx = 1\n", "y", 0))
    assert _last(ours, "$/cancelRequest")["params"] == {"id": first}
    assert len(list(ours.answers(2.0))) == 1


def test_the_server_counts_a_line_in_utf_16_and_is_told_the_language(ours):
    ours.begin(Session("p", "a.go", 1, "func f() {", "\n}\n", "\n\tx", (), "go"))
    document = _last(ours, "textDocument/didOpen")["params"]["textDocument"]
    assert document["languageId"] == "go"
    ours.press(Keystroke('func f() {\n\t"😋', "\n}\n", "😋", 0))
    assert _last(ours, "textDocument/inlineCompletion")["params"]["position"]["character"] == 4


def test_our_server_runs_with_its_defaults_but_writes_nothing_down(ours):
    options = _last(ours, "initialize")["params"]["initializationOptions"]
    assert set(options) == {"completion", "server"}
    assert options["server"] == {"acceptanceLog": False}
