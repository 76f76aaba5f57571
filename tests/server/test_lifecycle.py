"""How the server begins and ends, whatever it is doing at that moment."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys

import pytest

from tests.support import rpc

pytestmark = pytest.mark.e2e

REQUEST = "textDocument/inlineCompletion"
REAL_SERVER = [sys.executable, "-P", "-m", "homespun.cli", "serve"]


def busy(client):
    """Bring the server to the middle of a completion."""
    client.initialize()
    client.wait_until_ready()
    client.open("untitled:a.py", "SLOW")
    return client.send(REQUEST, rpc.inline("untitled:a.py", 0, 4))


def loading(client):
    """Bring the server to the middle of a load that cannot be interrupted."""
    options = {"completion": {"model": "slow-to-load"}}
    client.initialize(initializationOptions=options)
    client.wait_until(lambda: client.status()["state"] == "loading model")


def test_before_initialize_only_initialize_is_served(start):
    client = start()
    client.note("textDocument/didOpen", {"textDocument": {}})
    assert client.ask(REQUEST, rpc.inline("untitled:a.py"))["error"]["code"] == -32002
    assert client.ask("shutdown", None)["error"]["code"] == -32002
    assert "result" in client.initialize()


def test_after_shutdown_only_exit_is_served(start):
    client = start()
    client.initialize()
    assert client.ask("shutdown", None)["result"] is None
    assert client.ask(REQUEST, rpc.inline("untitled:a.py"))["error"]["code"] == -32600
    assert client.ask("shutdown", None)["error"]["code"] == -32600
    client.note("exit", None)
    assert client.exit_status() == 0


def test_exit_before_initialize_ends_it(start):
    client = start(rpc.FAKE_SERVER)
    client.note("exit", None)
    assert client.exit_status() == 1


@pytest.mark.parametrize("activity", [busy, loading])
def test_shutdown_and_exit_while_it_works_end_it_with_zero(start, activity):
    client = start(rpc.FAKE_SERVER)
    activity(client)
    assert client.stop() == 0
    assert "Traceback" not in client.log()


@pytest.mark.parametrize("activity", [busy, loading])
def test_exit_without_shutdown_while_it_works_ends_it_with_one(start, activity):
    client = start(rpc.FAKE_SERVER)
    activity(client)
    client.note("exit", None)
    assert client.exit_status() == 1
    assert "Traceback" not in client.log()


@pytest.mark.parametrize("activity", [busy, loading])
def test_the_end_of_its_input_ends_it(start, activity):
    client = start(rpc.FAKE_SERVER)
    activity(client)
    client.process.stdin.close()
    assert client.exit_status() == 1
    assert "Traceback" not in client.log()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM")
@pytest.mark.parametrize("activity", [busy, loading])
def test_sigterm_while_it_works_ends_it(start, activity):
    client = start(rpc.FAKE_SERVER)
    activity(client)
    client.process.send_signal(signal.SIGTERM)
    assert client.exit_status() == 1
    assert "Traceback" not in client.log()


def test_a_client_that_reads_nothing_cannot_keep_it(start):
    client = start(rpc.FAKE_SERVER)
    client.initialize()
    client.pause_reading()
    for _ in range(3_000):
        client.note("workspace/executeCommand", {"command": "homespun.status"})
    client.process.stdin.close()
    assert client.exit_status() == 1


def test_it_ends_when_the_editors_process_has_ended(start):
    editor = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    client = start(rpc.FAKE_SERVER)
    client.initialize(processId=editor.pid)
    client.wait_until_ready()
    editor.communicate(b"\n")
    assert client.exit_status() == 1


def test_nothing_of_the_source_is_logged(start):
    client = start(FAKE_SERVER=json.dumps({"log_level": "debug"}))
    client.initialize()
    client.wait_until_ready()
    client.open("untitled:a.py", "qzx = 1")
    assert client.complete_text("untitled:a.py", 0, 3) == "qzx| = "
    client.note("textDocument/didOpen", {"textDocument": "qzx"})
    client.ask(REQUEST, {"textDocument": "qzx"})
    client.stop()
    assert "homespun.server.lsp.protocol: message refused" in client.log()
    assert "qzx" not in client.log()


def test_a_client_over_tcp_is_served():
    command = [*REAL_SERVER, "--tcp", "127.0.0.1:0"]
    environment = os.environ | {"HOMESPUN_TOKEN": "t" * 32}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as process:
        port = int(process.stderr.readline().rsplit(" ", 1)[1])
        with socket.create_connection(("127.0.0.1", port)) as connection:
            client = rpc.Client(sock=connection)
            options = {"homespun": {"token": "t" * 32}}
            answer = client.initialize(initializationOptions=options)
            assert answer["result"]["serverInfo"]["name"] == "homespun"
            client.ask("shutdown", None)
            client.note("exit", None)
            assert process.wait(rpc.PATIENCE_SECONDS) == 0
            client.close_socket()


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("0.0.0.0:7777", "is reachable from other machines"),
        ("example.org:7777", "is reachable from other machines"),
        ("127.0.0.1", "is no HOST:PORT"),
        ("127.0.0.1:http", "is no HOST:PORT"),
        ("127.0.0.1:99999", "is no HOST:PORT"),
    ],
)
def test_an_address_that_is_no_loopback_or_no_address_is_refused(address, sentence):
    done = subprocess.run(
        [*REAL_SERVER, "--tcp", address], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert sentence in done.stderr


def test_the_shipped_command_serves_and_says_what_is_missing(start, tmp_path):
    client = start([*REAL_SERVER, "--stdio"], HOMESPUN_HOME=str(tmp_path), HF_HUB_OFFLINE="1")
    client.initialize()
    said = client.wait_for("window/showMessage")["message"]
    assert "homespun models fetch qwen2.5-coder-0.5b" in said
    client.open("untitled:a.py", "x = ")
    assert client.complete("untitled:a.py", 0, 4) == []
    assert client.complete("untitled:a.py", 0, 4) == []
    status = client.status()
    assert (status["state"], status["message"]) == ("problem", said)
    assert status["last"]["finish"] == "filtered:problem"
    assert client.stop() == 0
    assert [note["method"] for note in client.incoming].count("window/showMessage") == 1


def test_the_model_of_the_command_line_is_the_one_that_is_loaded(start, tmp_path):
    command = [*REAL_SERVER, "--model", "no-such-model", "--no-retrieval"]
    client = start(command, HOMESPUN_HOME=str(tmp_path))
    client.initialize(initializationOptions={"completion": {"model": "another"}})
    assert "'no-such-model'" in client.wait_for("window/showMessage")["message"]
    assert client.status()["model"] == "no-such-model"
    assert client.stop() == 0


def test_a_workspace_named_like_our_rooms_is_not_imported(start, tmp_path, monkeypatch):
    for name in ("server", "homespun"):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "__init__.py").write_text("raise SystemExit('workspace code ran')")
    monkeypatch.chdir(tmp_path)
    client = start(REAL_SERVER, HOMESPUN_HOME=str(tmp_path / "home"))
    assert client.initialize(rootUri=tmp_path.as_uri())["result"]["serverInfo"]["name"]
    assert client.stop() == 0
