"""A server of a stated speed without a model: vLLM's dialect and queue, waiting for computing.

What a busy machine does to llama.cpp it does not do to this one, so the shape of an overload can be
seen where there is no processor to spare. Requests are taken in turn and batched step by step; what
of a prompt anybody has sent before is read already, in whole blocks (vLLM's automatic prefix
caching); who leaves is out of the queue at once.
Prints its address and ends with its standard input.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections import OrderedDict
from dataclasses import dataclass, field
from itertools import takewhile

_CHARS_A_TOKEN = 4
_BLOCK_CHARS = 16 * _CHARS_A_TOKEN  # of what is kept of prompts
_BLOCKS = 100_000  # kept, the newest
_STEP_TOKENS = 512  # of prompts, in one step
_RUNNING = 64  # requests at once; the rest waits
_ANSWER = (" value", "(", "name", ")", "\n")
_MODELS = {"id": "qwen2.5-coder-0.5b", "object": "model", "owned_by": "vllm", "parent": None}


@dataclass(eq=False)
class _Job:
    to_read: int
    written: int = 0
    news: asyncio.Queue[str] = field(default_factory=asyncio.Queue)


class PacedServer:
    """Reads `reads_s` tokens of prompts a second; a step that writes takes `step_s` seconds."""

    def __init__(self, reads_s: float, step_s: float) -> None:
        self._reads_s, self._step_s = reads_s, step_s
        self._jobs: list[_Job] = []
        self._read: OrderedDict[int, None] = OrderedDict()  # hashes of prompts up to each block
        self._wake = asyncio.Event()
        self._totals = {"prompt_tokens": 0, "prompt_tokens_cached": 0, "tokens_predicted": 0}

    async def compute(self) -> None:
        """Do one step after the other, for ever."""
        while True:
            if not self._jobs:
                self._wake.clear()
                await self._wake.wait()
            left = _STEP_TOKENS
            writes = []
            for job in self._jobs[:_RUNNING]:
                taken = min(job.to_read, left)
                job.to_read, left = job.to_read - taken, left - taken
                if not job.to_read:
                    writes.append(job)
            read = _STEP_TOKENS - left
            await asyncio.sleep(self._step_s + read / self._reads_s)
            self._totals["prompt_tokens"] += read
            for job in writes:
                self._write(job)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection."""
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                lines = head.split("\r\n")
                headers = dict(line.lower().split(": ", 1) for line in lines[1:] if ": " in line)
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                path = lines[0].split(" ")[1]
                asked = json.loads(body) if body else {}
                if path == "/v1/completions" and asked.get("stream"):
                    await self._complete(asked["prompt"], reader, writer)
                else:
                    _reply(writer, *self._told(path))
                await writer.drain()
        writer.close()

    def _told(self, path: str) -> tuple[int, str]:
        if path == "/v1/models":
            return 200, json.dumps({"object": "list", "data": [_MODELS]})
        if path == "/metrics":
            known = {f"{name}_total": value for name, value in self._totals.items()}
            known["requests_deferred"] = max(len(self._jobs) - _RUNNING, 0)
            known["requests_processing"] = min(len(self._jobs), _RUNNING)
            return 200, "".join(f"llamacpp:{name} {value}\n" for name, value in known.items())
        if path == "/v1/completions":  # asked what it made of a prompt, as older ones say: nothing
            return 200, json.dumps({"choices": [{"index": 0, "text": "x"}]})
        return 404, "{}"

    async def _complete(
        self, prompt: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        blocks = [hash(prompt[:end]) for end in range(_BLOCK_CHARS, len(prompt) + 1, _BLOCK_CHARS)]
        known = sum(1 for _ in takewhile(self._read.__contains__, blocks)) * _BLOCK_CHARS
        self._totals["prompt_tokens_cached"] += known // _CHARS_A_TOKEN
        job = _Job(max((len(prompt) - known) // _CHARS_A_TOKEN, 1))
        self._jobs.append(job)
        self._wake.set()
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n")
        writer.write(b"transfer-encoding: chunked\r\n\r\n")
        gone = asyncio.create_task(reader.read(1))  # nothing comes before the answer is over
        try:
            while True:
                news = asyncio.create_task(job.news.get())
                await asyncio.wait({gone, news}, return_when=asyncio.FIRST_COMPLETED)
                if gone.done():
                    news.cancel()
                    raise ConnectionResetError
                self._keep(blocks)
                _event(writer, news.result(), is_last=news.result() == _ANSWER[-1])
                if news.result() == _ANSWER[-1]:
                    return
        finally:
            if job in self._jobs:
                self._jobs.remove(job)
            if not gone.done():
                gone.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await gone

    def _keep(self, blocks: list[int]) -> None:
        for block in blocks:
            self._read[block] = None
            self._read.move_to_end(block)
        while len(self._read) > _BLOCKS:
            self._read.popitem(last=False)

    def _write(self, job: _Job) -> None:
        if job.written < len(_ANSWER):
            self._totals["tokens_predicted"] += 1
            job.news.put_nowait(_ANSWER[job.written])
            job.written += 1


def _event(writer: asyncio.StreamWriter, text: str, *, is_last: bool) -> None:
    choice = {"index": 0, "text": text, "finish_reason": "stop" if is_last else None}
    data = f"data: {json.dumps({'choices': [choice]})}\n\n".encode()
    if is_last:
        data += b"data: [DONE]\n\n"
    writer.write(
        f"{len(data):x}\r\n".encode() + data + b"\r\n" + (b"0\r\n\r\n" if is_last else b"")
    )


def _reply(writer: asyncio.StreamWriter, status: int, text: str) -> None:
    data = text.encode()
    head = f"HTTP/1.1 {status} X\r\ncontent-type: application/json\r\n"
    writer.write(f"{head}content-length: {len(data)}\r\n\r\n".encode() + data)


async def _run(reads_s: float, step_s: float) -> None:
    paced = PacedServer(reads_s, step_s)
    computing = asyncio.create_task(paced.compute())
    server = await asyncio.start_server(paced.serve, "127.0.0.1", 0, limit=2**20)
    sys.stdout.write(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]} paced\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.read)
    computing.cancel()


if __name__ == "__main__":
    asyncio.run(_run(float(sys.argv[1]), float(sys.argv[2])))
