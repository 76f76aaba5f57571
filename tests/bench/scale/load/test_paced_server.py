"""The server of a stated speed: what it has read, who is in its queue."""

from __future__ import annotations

import asyncio
import json

from bench.scale.load.paced_server import PacedServer
from tests.models.remote.conftest import Asking


def asked(prompt):
    body = json.dumps({"prompt": prompt, "stream": True}).encode()
    head = f"POST /v1/completions HTTP/1.1\r\nAuthorization: a\r\nContent-Length: {len(body)}"
    return f"{head}\r\n\r\n".encode() + body


async def with_server(talk, *, reads_s=1e6, step_s=0.001):
    paced = PacedServer(reads_s, step_s)
    computing = asyncio.create_task(paced.compute())
    server = await asyncio.start_server(paced.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        return await asyncio.wait_for(talk(paced, port), 60)
    finally:
        computing.cancel()
        server.close()


async def answer(port, prompt):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(asked(prompt))
    text = (await reader.readuntil(b"0\r\n\r\n")).decode()
    writer.close()
    return text


def test_what_was_sent_before_is_not_read_again_in_whole_blocks():
    async def talk(paced, port):
        first = await answer(port, "x" * 400)
        await answer(port, "x" * 400 + "y" * 40)
        return first, paced._totals

    first, totals = asyncio.run(with_server(talk))
    assert '"finish_reason": "stop"' in first and "data: [DONE]" in first
    assert totals["prompt_tokens_cached"] == 6 * 16
    assert totals["prompt_tokens"] == 100 + 110 - 6 * 16


def test_who_leaves_is_out_of_the_queue():
    async def talk(paced, port):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(asked("x" * 4000))
        while not paced._jobs:
            await asyncio.sleep(0.001)
        writer.close()
        while paced._jobs:
            await asyncio.sleep(0.001)
        return await answer(port, "y" * 4)

    assert "[DONE]" in asyncio.run(with_server(talk, reads_s=5_000))


def test_a_laptop_is_answered():
    async def talk(paced, port):
        ask = Asking(f"http://127.0.0.1:{port}", kind="vllm", fim="qwen")
        return await asyncio.to_thread(ask), ask.generator.state.trouble

    done, trouble = asyncio.run(with_server(talk))
    assert (done.text, done.route, trouble) == ("value(name)", "remote", "")
