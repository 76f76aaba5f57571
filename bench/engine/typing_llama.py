"""llama.cpp's side of the typing replay: its server, asked over HTTP as llama.vim asks it."""

from __future__ import annotations

import http.client
import json
import queue
import random
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from peers import Build, Engine
from typing_sessions import Session
from typing_side import Answer, Edit, Work
from typing_vim import N_PREDICT, Buffer, Busy, Request, Vim

_READ_SECONDS = 2.0  # as on our side
_REST_SECONDS = 1.0
_DRAIN_SECONDS = 60.0
_VISITED_FILES = 4  # that were looked at before; more do not fit into the budget
_SETTLE_SECONDS = 10.0
# Of `n_ctx` the server keeps its batch (512) for the text around the cursor, and twice `n_predict`;
# the ring's chunks get the rest. So this is what bounds its prompt.
_RESERVED_TOKENS = 2 * N_PREDICT


class LlamaVim:
    """An editor with llama.vim, and a server of its own."""

    def __init__(
        self,
        interpreter: Path,
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
        self.work = Work()
        self._files = files
        self._seed = seed
        self._engine = Engine(Build(name, interpreter, "typing_worker.py"))
        context = budget_tokens + _RESERVED_TOKENS
        self.facts: dict[str, Any] = self._engine.open(
            model=str(model), threads=threads, context_tokens=context
        )
        self.facts |= {"file": model.name, "context_tokens": context, "busy": busy}
        self._address = urlsplit(self.facts.pop("address"))
        self._arrived: queue.SimpleQueue[tuple[float, _Job, dict[str, Any] | None]]
        self._arrived = queue.SimpleQueue()
        self._jobs: dict[int, _Job] = {}  # under way, by number
        self._fresh: list[Answer] = []
        self._typing = False
        self._vim = Vim(
            send=self._start, cancel=self._kill, show=self._showed, busy=busy, seed=seed
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

    def press(self, edit: Edit) -> None:
        """Move the cursor; the plug-in does the rest."""
        self._fresh.clear()
        buffer = self._vim.buffer
        buffer.lines = (edit.before + edit.after).split("\n")
        buffer.y = edit.before.count("\n")
        buffer.x = len(edit.before) - (edit.before.rfind("\n") + 1)
        buffer.modified = True
        self._typing = True
        self._vim.moved(time.perf_counter())

    def answers(self, until: float) -> Iterator[Answer]:
        """Yield what comes on the screen; the plug-in's timer and its requests go on meanwhile."""
        yield from self._taken()
        while time.perf_counter() < until:
            self._step(until)
            yield from self._taken()

    def accepted(self) -> None:
        """Do nothing: the plug-in does not tell the server."""

    def end(self) -> None:
        """Leave the buffer and wait for the requests under way."""
        self._typing = False
        self._wait_for_all()
        self._vim.retry_at = None
        time.sleep(_REST_SECONDS)

    def close(self) -> None:
        """End the server."""
        self._engine.close()

    def _taken(self) -> list[Answer]:
        taken, self._fresh = self._fresh, []
        return taken

    def _showed(self, text: str, cached: bool) -> None:
        self._fresh.append(Answer(time.perf_counter(), text, cached, "" if text else "nothing"))

    def _step(self, until: float) -> None:
        """Wait for an answer, the timer, or a time, and let the plug-in act on it."""
        end = until if self._vim.retry_at is None else min(until, self._vim.retry_at)
        try:
            _, job, body = self._arrived.get(timeout=max(end - time.perf_counter(), 0))
        except queue.Empty:
            self._vim.tick(time.perf_counter())
            return
        self._jobs.pop(job.number, None)
        if job.is_killed:
            return
        if body is not None:
            self._count(job.request.kind, body)
        content = None if body is None else str(body["content"])
        self._vim.answered(time.perf_counter(), job.request, content)

    def _count(self, kind: str, body: dict[str, Any]) -> None:
        times = body["timings"]
        self.work.add(
            kind,
            prompt=times["prompt_n"] + times["cache_n"],
            reused=times["cache_n"],
            generated=times["predicted_n"],
        )

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

    def _start(self, request: Request) -> None:
        job = _Job(len(self._jobs) + 1, request, self._address.hostname, self._address.port)
        while job.number in self._jobs:
            job.number += 1
        self._jobs[job.number] = job
        threading.Thread(target=job.run, args=(self._arrived,), daemon=True).start()

    def _kill(self) -> None:
        for job in self._jobs.values():
            job.kill()


class _Job:
    """A request under way, on a thread and a connection of its own."""

    def __init__(self, number: int, request: Request, host: str | None, port: int | None) -> None:
        self.number = number
        self.request = request
        self.is_killed = False
        self._connection = http.client.HTTPConnection(host or "127.0.0.1", port, timeout=120)

    def run(self, arrived: queue.SimpleQueue[tuple[float, _Job, dict[str, Any] | None]]) -> None:
        body: dict[str, Any] | None = None
        try:
            self._connection.request(
                "POST",
                "/infill",
                json.dumps(self.request.body).encode(),
                {"Content-Type": "application/json"},
            )
            response = self._connection.getresponse()
            answer = json.loads(response.read())
            body = answer if response.status == 200 else None
        except (OSError, http.client.HTTPException, ValueError):
            if not self.is_killed:
                raise
        finally:
            arrived.put((time.perf_counter(), self, body))
            self._connection.close()

    def kill(self) -> None:
        """Close the connection, which makes the server stop."""
        self.is_killed = True
        socket = self._connection.sock
        if socket is not None:
            socket.shutdown(2)
