"""llama.cpp's side of the typing replay: its server, asked over HTTP as llama.vim asks it."""

from __future__ import annotations

import http.client
import json
import queue
import random
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bench.engine.peers import NATIVE, WHEEL, Build, EngineProcess
from bench.typing.client import Keystroke, ScreenAnswer, TokenWork, processor_seconds
from bench.typing.llama_vim.context import Buffer
from bench.typing.llama_vim.plugin import N_PREDICT, POLICY, Busy, Vim, VimRequest
from bench.typing.sessions import Session

_WORKERS = {NATIVE: "bench.typing.workers.native", WHEEL: "bench.typing.workers.wheel"}
_READ_SECONDS = 1.5  # as on our side
_REST_SECONDS = 0.5
_DRAIN_SECONDS = 120.0
_VISITED_FILES = 2  # that were looked at before; chunks of more do not fit into the budget
# The server cuts the text around the cursor to its batch, three quarters of it before the cursor.
# The ring's chunks get what is left of the budget. It would cut them, too, to what `n_ctx` leaves
# beside batch and twice `n_predict`, but in the middle of a line: so the ring is bounded here.
_BATCH_TOKENS = 512
_FRAME_TOKENS = 24  # of a chunk: its separator and file name; of the prompt: its control tokens


class LlamaVim:
    """An editor with llama.vim, and a server of its own."""

    def __init__(
        self,
        build: Build,
        model: Path,
        *,
        threads: int,
        budget_tokens: int,
        files: Mapping[str, str],
        busy: Busy = "wait",
        seed: int = 0,
        name: str = "llama.cpp",
    ) -> None:
        """Start the server; `files` is the workspace as it lies on the disk."""
        self.name = name
        self.work = TokenWork()
        self._files = files
        self._seed = seed
        self._engine = EngineProcess(Build(name, build.interpreter, _WORKERS[build.name]))
        context = budget_tokens + 2 * N_PREDICT
        self._ring_tokens = budget_tokens - _BATCH_TOKENS
        self.facts: dict[str, Any] = self._engine.open(
            model=str(model), threads=threads, context_tokens=context
        )
        self.facts |= {
            "policy": POLICY,
            "build": build.name,
            "file": model.name,
            "context_tokens": context,
            "busy": busy,
        }
        self._pid: int = self.facts.pop("pid")
        self._seconds_before = processor_seconds(self._pid)
        self._address = urlsplit(self.facts.pop("address"))
        self._arrived: queue.SimpleQueue[tuple[_RunningRequest, dict[str, Any] | Exception]]
        self._arrived = queue.SimpleQueue()
        self._jobs: list[_RunningRequest] = []  # under way
        self._counted: dict[str, int] = {}  # tokens by text
        self._fresh: list[ScreenAnswer] = []
        self._vim = Vim(
            send=self._start,
            cancel=self._kill,
            show=self._showed,
            busy=busy,
            seed=seed,
            fits=self._fits,
        )

    def begin(self, session: Session) -> None:
        """Look at some files of the workspace, then open the one to be edited."""
        rng = random.Random(f"{self._seed} {session.package} {session.path}")
        others = sorted(path for path in self._files if path != session.path)
        for path in rng.sample(others, min(_VISITED_FILES, len(others))):
            lines = self._files[path].split("\n")
            self._vim.enter(Buffer(path, lines, y=rng.randrange(len(lines))))
            self._read_ring()
        lines = session.text.split("\n")
        self._vim.enter(Buffer(session.path, lines, y=session.first_line - 1))
        self._read_ring()
        time.sleep(_READ_SECONDS)

    def press(self, edit: Keystroke) -> None:
        """Move the cursor; the plug-in does the rest."""
        self._fresh.clear()
        buffer = self._vim.buffer
        buffer.lines = (edit.before + edit.after).split("\n")
        buffer.y = edit.before.count("\n")
        buffer.x = len(edit.before) - (edit.before.rfind("\n") + 1)
        buffer.modified = True
        self._vim.moved(time.perf_counter())

    def answers(self, until: float) -> Iterator[ScreenAnswer]:
        """Yield what comes on the screen; the plug-in's timer and its requests go on meanwhile."""
        yield from self._taken()
        while time.perf_counter() < until:
            self._step(until)
            yield from self._taken()

    def accepted(self) -> None:
        """Do nothing: the plug-in does not tell the server."""

    def end(self) -> None:
        """Leave the buffer and wait for the requests under way."""
        self._wait_for_all()
        self._vim.retry_at = None
        time.sleep(_REST_SECONDS)

    def close(self) -> None:
        """End the server."""
        seconds = processor_seconds(self._pid)
        if seconds is not None and self._seconds_before is not None:
            self.work.processor_seconds = seconds - self._seconds_before
        self._engine.close()

    def _taken(self) -> list[ScreenAnswer]:
        taken, self._fresh = self._fresh, []
        return taken

    def _showed(self, text: str, cached: bool) -> None:
        self._fresh.append(
            ScreenAnswer(time.perf_counter(), text, cached, "" if text else "nothing")
        )

    def _step(self, until: float) -> None:
        """Wait for an answer, the timer, or a time, and let the plug-in act on it."""
        end = until if self._vim.retry_at is None else min(until, self._vim.retry_at)
        try:
            job, body = self._arrived.get(timeout=max(end - time.perf_counter(), 0))
        except queue.Empty:
            self._vim.tick(time.perf_counter())
            return
        self._jobs.remove(job)
        if job.is_killed:
            return
        if isinstance(body, Exception):
            raise body
        self._count(job.request.kind, body)
        self._vim.answered(time.perf_counter(), job.request, str(body["content"]))

    def _count(self, kind: str, body: dict[str, Any]) -> None:
        times = body["timings"]
        self.work.add(
            kind,
            prompt=times["prompt_n"] + times["cache_n"],
            reused=times["cache_n"],
            generated=times["predicted_n"],
        )

    def _fits(self, texts: Sequence[str]) -> bool:
        tokens = _FRAME_TOKENS + sum(self._tokens(text) + _FRAME_TOKENS for text in texts)
        return tokens <= self._ring_tokens

    def _tokens(self, text: str) -> int:
        if text not in self._counted:
            self._counted[text] = len(
                _post(self._connect(), "/tokenize", {"content": text})["tokens"]
            )
        return self._counted[text]

    def _connect(self) -> http.client.HTTPConnection:
        host = self._address.hostname or "127.0.0.1"
        return http.client.HTTPConnection(host, self._address.port, timeout=_DRAIN_SECONDS)

    def _read_ring(self) -> None:
        """Let the plug-in process what it has queued, as it does every second in normal mode."""
        while self._vim.update_ring():
            self._wait_for_all()

    def _wait_for_all(self) -> None:
        end = time.perf_counter() + _DRAIN_SECONDS
        while self._jobs:
            if time.perf_counter() > end:
                raise RuntimeError(f"{self.name}: the server does not answer")
            self._vim.retry_at = None
            self._step(time.perf_counter() + 0.1)

    def _start(self, request: VimRequest) -> None:
        job = _RunningRequest(request, self._connect())
        self._jobs.append(job)
        threading.Thread(target=job.run, args=(self._arrived,), daemon=True).start()

    def _kill(self) -> None:
        for job in self._jobs:
            job.kill()


class _RunningRequest:
    """A request under way, on a thread and a connection of its own."""

    def __init__(self, request: VimRequest, connection: http.client.HTTPConnection) -> None:
        self.request = request
        self.is_killed = False
        self._connection = connection

    def run(
        self, arrived: queue.SimpleQueue[tuple[_RunningRequest, dict[str, Any] | Exception]]
    ) -> None:
        try:
            arrived.put((self, _post(self._connection, "/infill", self.request.body)))
        except Exception as error:  # for whoever waits
            arrived.put((self, error))

    def kill(self) -> None:
        """Close the connection, which makes the server stop."""
        self.is_killed = True
        socket = self._connection.sock
        if socket is not None:
            socket.shutdown(2)


def _post(
    connection: http.client.HTTPConnection, path: str, body: dict[str, Any]
) -> dict[str, Any]:
    """Send a request and wait for its answer."""
    try:
        headers = {"Content-Type": "application/json"}
        connection.request("POST", path, json.dumps(body).encode(), headers)
        response = connection.getresponse()
        answer: dict[str, Any] = json.loads(response.read())
    finally:
        connection.close()
    if response.status != 200:
        raise RuntimeError(f"llama.cpp's server: {path}: {answer}")
    return answer
