"""Who may not ask, and what no one may ask: an error, and no work of the model."""

from __future__ import annotations

import asyncio
import json
import socket
from contextlib import suppress

import pytest

from homespun.server.openai.door import MAX_STRANGERS, OpenDoor
from homespun.server.openai.guard import Guard
from homespun.server.openai.http import HttpLimits
from homespun.server.openai.replies import json_reply
from tests.support.running_openai import PATIENCE_SECONDS, TOKEN

BODY = b'{"prompt": "total = compute("}'


def post(path="/v1/completions", body=BODY, *, length=None, **headers):
    """A request as bytes; a header given as None is left out."""
    named = {
        "Host": "127.0.0.1",
        "Authorization": f"Bearer {TOKEN}",
        "Content-Type": "application/json",
        "Connection": "close",
        "Content-Length": str(len(body) if length is None else length),
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    lines = [f"{name}: {value}" for name, value in named.items() if value is not None]
    return "\r\n".join([f"POST {path} HTTP/1.1", *lines, "", ""]).encode() + body


def said_to(port, data):
    """Say something; return the status and the error that come back, 0 where nothing does."""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_SECONDS) as connection:
        with suppress(ConnectionError):  # refused before it was all sent
            connection.sendall(data)
            if not data:
                connection.shutdown(socket.SHUT_WR)
        return answer_of(connection)


def answer_of(connection):
    said = b""
    with suppress(ConnectionError):
        while data := connection.recv(65_536):
            said += data
    head, _, body = said.partition(b"\r\n\r\n")
    if not head:
        return 0, {}
    assert b"access-control-" not in head.lower()
    length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    return int(head.split()[1]), json.loads(body[:length]).get("error")


STRANGERS = {
    "no token": (401, post(Authorization=None)),
    "a wrong token": (401, post(Authorization="Bearer " + "b" * len(TOKEN))),
    "a part of the token": (401, post(Authorization=f"Bearer {TOKEN[:-1]}")),
    "the token in another scheme": (401, post(Authorization=f"Basic {TOKEN}")),
    "two tokens": (401, post(Authorization=f"Bearer {TOKEN}\r\nAuthorization: Bearer x")),
    "a web page's POST": (403, post(Origin="http://evil.example")),
    "a web page of this machine": (403, post(Origin="http://127.0.0.1:3000")),
    "a page without an origin": (403, post(Origin="null")),
    "a name that was rebound": (421, post(Host="evil.example:8080")),
    "a name that begins like ours": (421, post(Host="127.0.0.1.evil.example")),
    "no host": (400, post(Host=None)),
    "an empty host": (421, post(Host="")),
    "a preflight": (
        403,
        b"OPTIONS /v1/completions HTTP/1.1\r\nHost: localhost\r\nOrigin: http://evil.example\r\n"
        b"Access-Control-Request-Method: POST\r\n\r\n",
    ),
    "a body of 100 MB": (413, post(body=b"x" * 100, length=100_000_000)),
    "a body of 100 MB in chunks": (
        413,
        post(body=b"", Content_Length=None, Transfer_Encoding="chunked")
        + b"100000\r\n" * 0
        + b"".join(b"100000\r\n" + b"x" * 0x100000 + b"\r\n" for _ in range(6)),
    ),
    "a length and chunks": (400, post(Transfer_Encoding="chunked", Content_Length="5, 6")),
    "a negative length": (400, post(length=-1)),
    "headers without an end": (431, b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 20_000),
    "TLS": (400, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"),
    "no HTTP": (400, b"Content-Length: 20\r\n\r\n{}"),
    "nothing": (0, b""),
}
NONSENSE = {
    "no JSON": b"{",
    "a list": b"[1]",
    "no text": b"\xff\xfe",
    "a bomb of brackets": b"[" * 500_000,
    "a deep object": b'{"prompt": ' + b"[" * 200 + b"]" * 200 + b"}",
    "token ids": b'{"prompt": [1, 2, 3]}',
    "several prompts": b'{"prompt": ["a", "b"]}',
    "a prompt that is a number": b'{"prompt": 3}',
    "a suffix that is a list": b'{"prompt": "a", "suffix": []}',
    "a negative length": b'{"prompt": "total = ", "max_tokens": -2}',
    "a length that is no number": b'{"prompt": "total = ", "max_tokens": "many"}',
    "a length that is true": b'{"prompt": "total = ", "max_tokens": true}',
    "a stop that is a number": b'{"prompt": "total = ", "stop": 3}',
    "very many stops": json.dumps({"prompt": "total = ", "stop": ["x"] * 65}).encode(),
    "a stream that is a text": b'{"prompt": "total = ", "stream": "yes"}',
    "half a fill-in prompt": b'{"prompt": "<|fim_prefix|>total = <|fim_middle|>"}',
    "a control string in the prefix": json.dumps(
        {"prompt": "<|fim_prefix|>s = '<|fim_suffix|>'\nt = <|fim_suffix|>\n<|fim_middle|>"}
    ).encode(),
    "a control string in the suffix": json.dumps(
        {"prompt": "<|fim_prefix|>t = <|fim_suffix|>\ns = '<|fim_middle|>'\n<|fim_middle|>"}
    ).encode(),
    "the middle before the suffix": json.dumps(
        {"prompt": "<|fim_prefix|>t = <|fim_middle|>x<|fim_suffix|>\n"}
    ).encode(),
    "files without a cursor": b'{"prompt": "<|file_sep|>a.py\\ntotal = "}',
}


@pytest.mark.e2e
@pytest.mark.parametrize("name", STRANGERS)
def test_a_stranger_gets_an_error_and_costs_nothing(openai_server, name):
    openai_server.log.write_text("", encoding="utf-8")
    status, data = STRANGERS[name]
    answered, error = said_to(openai_server.port, data)
    assert answered == status
    if status:
        assert set(error) == {"message", "type", "param", "code"}
        assert error["message"]
        assert TOKEN not in json.dumps(error)
    assert openai_server.prompts() == []
    assert openai_server.complete(prompt=f"{name} = compute(")["choices"][0]["text"]


@pytest.mark.e2e
@pytest.mark.parametrize("name", NONSENSE)
def test_nonsense_of_a_client_is_an_error_that_says_what_is_wrong(openai_server, name):
    openai_server.log.write_text("", encoding="utf-8")
    status, error = said_to(openai_server.port, post(body=NONSENSE[name]))
    assert (status, error["type"]) == (400, "invalid_request_error")
    assert "; " in error["message"] or ": " in error["message"]  # what, and what to do
    assert openai_server.prompts() == []


@pytest.mark.e2e
def test_other_paths_and_methods_are_not_there(openai_server):
    assert said_to(openai_server.port, post(path="/v1/chat/completions"))[0] == 404
    assert said_to(openai_server.port, post(path="/v1/models"))[0] == 405
    assert said_to(openai_server.port, post(path="/../etc/passwd"))[0] == 404


@pytest.mark.e2e
def test_a_failure_of_the_model_is_an_error_and_the_server_goes_on(openai_server):
    status, error = said_to(openai_server.port, post(body=b'{"prompt": "RAISE = compute("}'))
    assert (status, error["type"]) == (500, "server_error")
    assert "RAISE" not in error["message"]
    assert openai_server.complete(prompt="after_all = compute(")["choices"][0]["text"]


@pytest.mark.e2e
def test_neither_token_nor_text_is_written_down(openai_server):
    openai_server.complete(prompt="very_own_name = compute(")
    said_to(openai_server.port, post(Authorization="Bearer something-else-that-is-long"))
    said = "".join(openai_server.said)
    assert TOKEN not in said
    assert "very_own_name" not in said
    assert "something-else" not in said


# -- a door of little patience


async def _opened(limits, *, reply=None):
    """Open a door that answers everybody; return it with its listener and its port."""
    ports = []

    async def answers(request):
        return reply or json_reply({"length": len(request.body)})

    door = OpenDoor(refuses=Guard(TOKEN, "127.0.0.1").refusal, answers=answers, limits=limits)
    listener = await door.listen("127.0.0.1", 0, listening=ports.append)
    return door, listener, ports[0]


async def _rest(reader):
    with suppress(ConnectionError):
        return await asyncio.wait_for(reader.read(), PATIENCE_SECONDS)
    return b""


SLOW = {
    "a head that never ends": post()[:40],
    "a body that never comes": post(body=b"", length=10),
    "a body that stops": post(length=len(BODY) + 1),
}


@pytest.mark.parametrize("name", SLOW)
def test_who_is_slow_is_cut_off(name):
    async def run():
        limits = HttpLimits(head_seconds=0.2, body_seconds=0.2)
        door, listener, port = await _opened(limits)
        async with listener:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(SLOW[name])
            said = await _rest(reader)
            writer.close()
            door.close()
        return said

    assert asyncio.run(run()) == b""


def test_many_who_say_nothing_keep_nobody_out():
    async def run():
        door, listener, port = await _opened(HttpLimits(head_seconds=1000.0))
        async with listener:
            silent = [
                await asyncio.open_connection("127.0.0.1", port) for _ in range(MAX_STRANGERS + 1)
            ]
            assert await _rest(silent[0][0]) == b""  # the first one had to go
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(post())
            said = await _rest(reader)
            for _, other in silent:
                other.close()
            writer.close()
            door.close()
        return said

    assert asyncio.run(run()).startswith(b"HTTP/1.1 200 ")


def test_a_connection_is_kept_for_the_next_request():
    async def run():
        door, listener, port = await _opened(HttpLimits())
        async with listener:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            said = []
            for body in (b"{}", b"{   }"):
                writer.write(post(body=body, Connection=None))
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
                said.append(json.loads(await reader.readexactly(length)))
            writer.close()
            door.close()
        return said

    assert asyncio.run(run()) == [{"length": 2}, {"length": 5}]


def test_who_waits_for_leave_to_send_gets_it():
    async def run():
        door, listener, port = await _opened(HttpLimits())
        async with listener:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(post(body=b"", length=2, Expect="100-continue"))
            leave = await reader.readuntil(b"\r\n\r\n")
            writer.write(b"{}")
            head = await reader.readuntil(b"\r\n\r\n")
            writer.close()
            door.close()
        return leave, head

    leave, head = asyncio.run(run())
    assert leave.startswith(b"HTTP/1.1 100 ")
    assert head.startswith(b"HTTP/1.1 200 ")
