"""Who may come in over a socket: the real server, real sockets, and a door of little patience."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import stat
import struct
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from homespun.server.errors import SocketRefused, TokenRefused
from homespun.server.transport import unix_socket
from homespun.server.transport.client_token import token_of_environment, token_of_file
from homespun.server.transport.listen import (
    FIRST_MESSAGE_BYTES,
    MAX_WAITING,
    Patience,
    visitor_over_tcp,
)
from tests.support import rpc

REAL_SERVER = [sys.executable, "-P", "-m", "homespun.cli", "serve"]
TOKEN = "a-token-that-nobody-guesses-1234567890"
needs_unix = pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="no Unix sockets here")


def initialize(token=None, **options):
    if token is not None:
        options["homespun"] = {"token": token}
    params = {"processId": None, "rootUri": None, "capabilities": {}}
    message = {"jsonrpc": "2.0", "id": 1, "method": "initialize"}
    return rpc.Client.frame(message | {"params": params | {"initializationOptions": options}})


def rest_of(connection):
    """All that the other end still says; b"" where it only closes."""
    connection.settimeout(rpc.PATIENCE_SECONDS)
    said = b""
    with suppress(ConnectionError):  # cut off: what came before it counts
        while data := connection.recv(65_536):
            said += data
    return said


def knock(port, data):
    """Say something to a port; return all that comes back until the connection ends."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        try:
            connection.sendall(data)
        except ConnectionError:  # it was cut off before it had said everything
            return b""
        return rest_of(connection)


# -- the real server


@pytest.fixture
def tcp_server():
    """A server that waits on a port; what it says on stderr is read to its end."""
    command = [*REAL_SERVER, "--tcp", "127.0.0.1:0"]
    environment = os.environ | {"HOMESPUN_TOKEN": TOKEN}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as process:
        process.port = int(process.stderr.readline().rsplit(" ", 1)[1])
        reader = threading.Thread(target=process.stderr.read)
        reader.start()
        yield process
        process.kill()
        reader.join()


def is_served(connection, **options):
    client = rpc.Client(sock=connection)
    answer = client.initialize(**options)
    client.ask("shutdown", None)
    client.note("exit", None)
    client.close_socket()
    return answer["result"]["serverInfo"]["name"] == "homespun"


POST = (
    b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: http://evil.example\r\n"
    b"Content-Type: text/plain\r\nContent-Length: %d\r\n\r\n%s"
)
BODY = initialize(TOKEN).split(b"\r\n\r\n", 1)[1]
STRANGERS = {
    "a web page's POST": POST % (len(BODY), BODY),
    "a web page's POST of frames": POST % (len(initialize(TOKEN)), initialize(TOKEN)),
    "a web page's WebSocket": b"GET / HTTP/1.1\r\nUpgrade: websocket\r\n\r\n" + initialize(TOKEN),
    "headers of a web page behind a first line": b"Host: 127.0.0.1\r\n" + initialize(TOKEN),
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "no token": initialize(),
    "a wrong token": initialize("b" * len(TOKEN)),
    "a part of the token": initialize(TOKEN[:-1]),
    "a token that is no text": initialize(["x"]),
    "a token that is no character": initialize("\ud800"),
    "another request first": rpc.Client.frame(
        {"jsonrpc": "2.0", "id": 1, "method": "shutdown", "params": None}
    )
    + initialize(TOKEN),
    "no object": rpc.Client.frame([1]),
    "no JSON": rpc.Client.frame(b"{"),
    "a bomb of brackets": rpc.Client.frame(b"[" * 500_000),
    "a first message of 100 MB": b"Content-Length: 100000000\r\n\r\n" + b"x" * 1_000,
    "headers without an end": b"Content-Type: x\r\n" * 20_000,
    "a header without an end": b"Content-Length: " + b"1" * 200_000,
    "nothing": b"",
}


@pytest.mark.e2e
def test_strangers_hear_nothing_and_the_right_client_is_served(tcp_server):
    for name, data in STRANGERS.items():
        if not data:
            socket.create_connection(("127.0.0.1", tcp_server.port)).close()
            continue
        assert knock(tcp_server.port, data) == b"", name
    with socket.create_connection(("127.0.0.1", tcp_server.port)) as connection:
        assert is_served(connection, initializationOptions={"homespun": {"token": TOKEN}})
    assert tcp_server.wait(rpc.PATIENCE_SECONDS) == 0


@pytest.mark.e2e
def test_a_client_that_was_let_in_and_goes_on_as_a_stranger_is_cut_off(tcp_server):
    with socket.create_connection(("127.0.0.1", tcp_server.port)) as connection:
        connection.sendall(initialize(TOKEN) + b"POST / HTTP/1.1\r\n\r\n")
        assert b"serverInfo" in rest_of(connection)
    assert tcp_server.wait(rpc.PATIENCE_SECONDS) == 1


@pytest.mark.e2e
@pytest.mark.skipif(sys.platform == "win32", reason="the modes of POSIX")
def test_without_the_variable_the_token_stands_in_a_file_of_the_users(tmp_path):
    environment = os.environ | {"HOMESPUN_HOME": str(tmp_path / "home")}
    command = [*REAL_SERVER, "--tcp", "127.0.0.1:0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as process:
        path = Path(process.stderr.readline().split("'")[1])
        port = int(process.stderr.readline().rsplit(" ", 1)[1])
        assert path.parent == tmp_path / "home"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        token = path.read_text().strip()
        assert knock(port, initialize(token + "x")) == b""
        with socket.create_connection(("127.0.0.1", port)) as connection:
            assert is_served(connection, initializationOptions={"homespun": {"token": token}})
        assert process.wait(rpc.PATIENCE_SECONDS) == 0


@pytest.fixture
def private(tmp_path):
    """A short path in a folder of the user's: Unix sockets have names of a hundred bytes."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


@needs_unix
@pytest.mark.e2e
def test_a_client_over_a_unix_socket_is_served_and_the_path_is_free_again(private):
    path = private / "run" / "serve.sock"
    with subprocess.Popen(
        [*REAL_SERVER, "--socket", str(path)], stderr=subprocess.PIPE, text=True
    ) as process:
        assert str(path) in process.stderr.readline()
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        with socket.socket(socket.AF_UNIX) as stranger:
            stranger.connect(str(path))
            stranger.sendall(b"POST / HTTP/1.1\r\n")
            assert rest_of(stranger) == b""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(path))
            assert is_served(connection)
        assert process.wait(rpc.PATIENCE_SECONDS) == 0
    assert not path.exists()


@needs_unix
@pytest.mark.e2e
@pytest.mark.skipif(
    signal.getsignal(signal.SIGINT) is signal.SIG_IGN,
    reason="what a script starts with `&` ignores SIGINT, and so does all that it starts",
)
def test_a_socket_that_a_killed_server_left_is_taken_over(private):
    path = private / "serve.sock"
    command = [*REAL_SERVER, "--socket", str(path)]
    for end in (signal.SIGKILL, signal.SIGINT):
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
            assert str(path) in process.stderr.readline()
            process.send_signal(end)
        assert path.exists() == (end == signal.SIGKILL)


@needs_unix
@pytest.mark.e2e
@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root may be two")
def test_another_user_who_reaches_the_socket_hears_nothing(private):
    path = private / "serve.sock"
    with subprocess.Popen(
        [*REAL_SERVER, "--socket", str(path)], stderr=subprocess.PIPE, text=True
    ) as process:
        process.stderr.readline()
        private.chmod(0o711)
        path.chmod(0o666)
        said = subprocess.run(
            [
                sys.executable,
                "-c",
                "import os, socket, sys\n"
                "os.setgid(65534); os.setuid(65534)\n"
                "s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1])\n"
                "s.sendall(sys.stdin.buffer.read())\n"
                "print(s.recv(1))",
                str(path),
            ],
            input=initialize(),
            capture_output=True,
            check=False,
        )
        assert said.stdout in (b"b''\n", b""), said.stderr
        assert b"Permission" not in said.stderr
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(path))
            assert is_served(connection)
        assert process.wait(rpc.PATIENCE_SECONDS) == 0


# -- the door itself, with less patience


def told():
    """A function to be told something, and the future of it."""
    future = asyncio.get_running_loop().create_future()
    return future.set_result, future


async def open_door(patience):
    listening, port = told()
    door = asyncio.ensure_future(
        visitor_over_tcp("127.0.0.1", 0, token=TOKEN, listening=listening, patience=patience)
    )
    return door, await port


async def connected(port):
    return await asyncio.open_connection("127.0.0.1", port)


HASTY = Patience(first_seconds=0.2, message_seconds=0.2)


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "begun", [b"", b"Content-Length: 20\r\n", initialize(TOKEN)[:-1]], ids=["-", "header", "body"]
)
async def test_a_first_message_that_never_comes_ends_by_time(begun):
    door, port = await open_door(HASTY)
    reader, writer = await connected(port)
    writer.write(begun)
    async with asyncio.timeout(rpc.PATIENCE_SECONDS):
        assert await read_to_the_end(reader) == b""
    assert not door.done()
    door.cancel()
    writer.close()


@pytest.mark.asyncio
async def test_a_first_message_in_drops_ends_by_time():
    door, port = await open_door(HASTY)
    reader, writer = await connected(port)
    gone = asyncio.ensure_future(read_to_the_end(reader))
    async with asyncio.timeout(rpc.PATIENCE_SECONDS):
        while not gone.done():
            writer.write(b"Content-Type: x\r\n")
            await asyncio.sleep(0.02)
    assert not door.done()
    door.cancel()
    writer.close()


@pytest.mark.asyncio
async def test_many_who_wait_in_silence_do_not_keep_the_right_client_out():
    door, port = await open_door(Patience(first_seconds=10 * rpc.PATIENCE_SECONDS))
    silent = [await connected(port) for _ in range(2 * MAX_WAITING)]
    async with asyncio.timeout(rpc.PATIENCE_SECONDS):
        for reader, _ in silent[:MAX_WAITING]:
            assert await read_to_the_end(reader) == b""  # who has waited longest is cut off
        _, writer = await connected(port)
        writer.write(initialize(TOKEN))
        visitor = await door
        for reader, _ in silent:  # nobody waits any more
            assert await read_to_the_end(reader) == b""
    for end in (visitor.writer, writer, *(writer for _, writer in silent)):
        end.close()


@pytest.mark.asyncio
async def test_a_later_body_that_never_comes_ends_by_time_and_silence_does_not():
    patience = Patience(first_seconds=rpc.PATIENCE_SECONDS, message_seconds=0.2)
    door, port = await open_door(patience)
    _, writer = await connected(port)
    writer.write(initialize(TOKEN))
    visitor = await door
    messages = visitor.messages()
    assert json.loads(await anext(messages))["method"] == "initialize"
    following = asyncio.ensure_future(anext(messages, b"the end"))
    await asyncio.sleep(0.5)
    assert not following.done()  # nothing was begun: one may think as long as one likes
    writer.write(b"Content-Length: 2\r\n\r\n{}Content-Length: 3\r\n\r\n{}")
    async with asyncio.timeout(rpc.PATIENCE_SECONDS):
        assert await following == b"{}"
        assert await anext(messages, b"the end") == b"the end"
    visitor.writer.close()
    writer.close()


@pytest.mark.asyncio
async def test_the_token_goes_no_further_than_the_door():
    door, port = await open_door(Patience())
    _, writer = await connected(port)
    writer.write(initialize(TOKEN, completion={"maxTokens": 8}))
    visitor = await door
    message = await anext(visitor.messages())
    assert TOKEN.encode() not in message
    options = json.loads(message)["params"]["initializationOptions"]
    assert options == {"completion": {"maxTokens": 8}}
    visitor.writer.close()
    writer.close()


@pytest.mark.asyncio
async def test_a_long_message_is_taken_once_one_is_in():
    door, port = await open_door(Patience())
    _, writer = await connected(port)
    writer.write(initialize(TOKEN))
    visitor = await door
    messages = visitor.messages()
    await anext(messages)
    body = b'"' + b"x" * (2 * FIRST_MESSAGE_BYTES) + b'"'
    writer.write(rpc.Client.frame(body))
    assert await anext(messages) == body
    visitor.writer.close()
    writer.close()


async def read_to_the_end(reader):
    try:
        return await reader.read()
    except ConnectionError:
        return b""


# -- the path of a Unix socket


def file_at(path):
    path.write_text("precious")


def link_at(path):
    (path.parent / "elsewhere").write_text("precious")
    path.symlink_to(path.parent / "elsewhere")


def folder_at(path):
    path.mkdir()


def link_to_a_socket_at(path):
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(path.parent / "other.sock"))
    path.symlink_to(path.parent / "other.sock")


@needs_unix
@pytest.mark.parametrize("occupy", [file_at, link_at, folder_at, link_to_a_socket_at])
def test_what_is_no_stale_socket_is_left_as_it_is(private, occupy):
    path = private / "serve.sock"
    occupy(path)
    before = path.lstat()
    with pytest.raises(SocketRefused, match="is no socket of yours"), unix_socket.bound_to(path):
        pass
    assert os.path.samestat(before, path.lstat())


@needs_unix
def test_a_path_that_another_server_listens_on_is_refused(private):
    path = private / "serve.sock"
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(path))
        other.listen()
        with pytest.raises(SocketRefused, match="another server"), unix_socket.bound_to(path):
            pass
    with unix_socket.bound_to(path):  # it is stale now
        pass
    assert not path.exists()


@needs_unix
@pytest.mark.parametrize("mode", [0o755, 0o770, 0o701])
def test_a_folder_that_lets_others_in_is_refused(private, mode):
    private.chmod(mode)
    path = private / "serve.sock"
    with pytest.raises(SocketRefused, match=f"mode {mode:04o}"), unix_socket.bound_to(path):
        pass
    assert not path.exists()


@needs_unix
@pytest.mark.parametrize("name", ["no/such/folder/serve.sock", "x" * 200])
def test_a_path_that_cannot_be_is_a_sentence(private, name):
    with pytest.raises(SocketRefused, match="cannot be made"), unix_socket.bound_to(private / name):
        pass


@needs_unix
@pytest.mark.skipif(not hasattr(socket, "SO_PEERCRED"), reason="the system does not tell")
@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() != 0, reason="only root may be two")
def test_the_other_ends_user_is_asked_of_the_system(monkeypatch):
    here, there = socket.socketpair()
    with here, there:
        assert unix_socket.is_own_user(here)
        process, user, _ = struct.unpack(
            "3i", here.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
        )
        assert (process, user) == (os.getpid(), os.geteuid())
        os.seteuid(65534)
        try:
            assert not unix_socket.is_own_user(here)
        finally:
            os.seteuid(0)


# -- the token


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOMESPUN_HOME", str(tmp_path / "state"))
    return tmp_path / "state"


def test_the_token_of_the_environment_is_taken_out_of_it(monkeypatch):
    monkeypatch.setenv("HOMESPUN_TOKEN", TOKEN)
    assert token_of_environment() == TOKEN
    assert "HOMESPUN_TOKEN" not in os.environ
    assert token_of_environment() is None


def test_a_short_token_of_the_environment_is_refused(monkeypatch):
    monkeypatch.setenv("HOMESPUN_TOKEN", "1234")
    with pytest.raises(TokenRefused, match="HOMESPUN_TOKEN holds a token of 4 characters"):
        token_of_environment()


def test_the_token_of_the_file_is_made_once_and_kept(home):
    token, path = token_of_file()
    assert len(token) >= 40
    assert token_of_file() == (token, path)
    assert path.parent == home


@pytest.mark.skipif(sys.platform == "win32", reason="the modes of POSIX")
def test_a_file_of_the_token_that_others_can_read_is_refused(home):
    _, path = token_of_file()
    path.chmod(0o640)
    with pytest.raises(TokenRefused, match="is open to others"):
        token_of_file()


@pytest.mark.skipif(sys.platform == "win32", reason="the modes of POSIX")
def test_a_file_of_the_token_that_is_a_link_is_refused(home, tmp_path):
    home.mkdir()
    (tmp_path / "known").write_text("k" * 40)
    (home / "serve-token").symlink_to(tmp_path / "known")
    with pytest.raises(TokenRefused, match="cannot be read"):
        token_of_file()


def test_an_empty_file_of_the_token_is_refused(home):
    home.mkdir()
    (home / "serve-token").touch(mode=0o600)
    with pytest.raises(TokenRefused, match="a token of 0 characters"):
        token_of_file()
