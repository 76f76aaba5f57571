"""Our side of the typing replay: `homespun serve` over stdio, spoken to as an editor does."""

from __future__ import annotations

import json
import queue
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.typing.client import Keystroke, ScreenAnswer, TokenWork, processor_seconds
from bench.typing.sessions import Session

_PATIENCE_SECONDS = 180.0
_READ_SECONDS = 1.5  # somebody who opens a file looks at it first
_REST_SECONDS = 0.5  # after the last key, for what the server prepares
_AUTOMATIC = 2  # InlineCompletionTriggerKind
_LANGUAGE_IDS = {"tsx": "typescriptreact", "bash": "shellscript"}  # that are called otherwise


class Homespun:
    """A server for one workspace."""

    def __init__(
        self,
        root: Path,
        *,
        model: str,
        threads: int,
        retrieval: bool = True,
        name: str = "homespun",
    ) -> None:
        """Start the server and wait until model and index are ready."""
        self.name = name
        self.work = TokenWork()
        self._root = root
        self._connection = _Connection(
            [sys.executable, "-P", "-m", "homespun.cli", "serve", "--stdio"]
        )
        self._session: Session | None = None
        self._version = 0
        self._asked: int | None = None  # id of the newest request
        self._shown: str = ""  # id of the suggestion on the screen
        completion = {"model": model, "threads": threads, "retrieval": retrieval}
        self._call(
            "initialize",
            {
                "processId": None,
                "rootUri": root.as_uri(),
                "workspaceFolders": [{"uri": root.as_uri(), "name": root.name}],
                "capabilities": {},
                "initializationOptions": {
                    "completion": completion,
                    "server": {"acceptanceLog": False},
                },
            },
        )
        self._note("initialized", {})
        self._wait_until_ready()
        self.facts: dict[str, Any] = {"options": completion}
        self._seconds_before = processor_seconds(self._connection.pid)

    def begin(self, session: Session) -> None:
        """Open the document; what the server prepares meanwhile is its own affair."""
        self._session = session
        self._version = 1
        document = {
            "uri": self._uri(),
            "languageId": _LANGUAGE_IDS.get(session.language, session.language),
            "version": 1,
            "text": session.text,
        }
        self._note("textDocument/didOpen", {"textDocument": document})
        self._drain(_READ_SECONDS)

    def press(self, edit: Keystroke) -> None:
        """Send the edit and ask for a completion; the request before is cancelled."""
        if self._asked is not None:
            self._note("$/cancelRequest", {"id": self._asked})
        start = _position(edit.before[: len(edit.before) - len(edit.insert)])
        end = start | {"character": start["character"] + edit.delete_chars}
        self._version += 1
        document = {"uri": self._uri(), "version": self._version}
        change = {"range": {"start": start, "end": end}, "text": edit.insert}
        self._note("textDocument/didChange", {"textDocument": document, "contentChanges": [change]})
        self._shown = ""
        self._asked = self._send(
            "textDocument/inlineCompletion",
            {
                "textDocument": {"uri": self._uri()},
                "position": _position(edit.before),
                "context": {"triggerKind": _AUTOMATIC},
            },
        )

    def answers(self, until: float) -> Iterator[ScreenAnswer]:
        """Yield the one answer to the newest request, when it is in time."""
        while (message := self._next(until)) is not None:
            arrived, body = message
            if self._asked is None or body.get("id") != self._asked or "method" in body:
                continue
            self._asked = None
            items = (body.get("result") or {}).get("items") or []
            text = items[0]["insertText"] if items else ""
            if items:
                self._shown = items[0]["command"]["arguments"][0]
            last = self._call("workspace/executeCommand", {"command": "homespun.status"})["last"]
            cached = self._count(last)
            yield ScreenAnswer(
                arrived,
                text,
                cached=cached,
                why="" if text else last["finish"],
                probability=last.get("probability") if text else None,
            )

    def accepted(self) -> None:
        """Run the command of the item, as an editor does."""
        parameters = {"command": "homespun.accepted", "arguments": [self._shown]}
        self._send("workspace/executeCommand", parameters)

    def end(self) -> None:
        """Close the document."""
        self._note("textDocument/didClose", {"textDocument": {"uri": self._uri()}})
        self._asked = None
        self._drain(_REST_SECONDS)

    def close(self) -> None:
        """End the server as an editor does."""
        seconds = processor_seconds(self._connection.pid)
        if seconds is not None and self._seconds_before is not None:
            self.work.processor_seconds = seconds - self._seconds_before
        self._call("shutdown", None)
        self._note("exit", None)
        self._connection.close()

    def _count(self, last: dict[str, Any]) -> bool:
        """Add the tokens of the last answer; say whether it came without the model."""
        tokens = last.get("tokens") or {}
        if tokens.get("recalled"):
            return True
        if tokens.get("prompt"):
            self.work.add(
                "requests",
                prompt=tokens["prompt"],
                reused=tokens["reused"],
                generated=tokens["generated"],
            )
        return False

    def _uri(self) -> str:
        assert self._session is not None
        return (self._root / self._session.path).as_uri()

    def _wait_until_ready(self) -> None:
        end = time.perf_counter() + _PATIENCE_SECONDS
        while True:
            status = self._call("workspace/executeCommand", {"command": "homespun.status"})
            if status["state"] == "ready":
                return
            if status["state"] == "problem" or time.perf_counter() > end:
                raise RuntimeError(f"homespun serve is not ready: {status['message']}")
            time.sleep(0.1)

    def _note(self, method: str, params: object) -> None:
        self._connection.write({"jsonrpc": "2.0", "method": method, "params": params})

    def _send(self, method: str, params: object) -> int:
        return self._connection.request(method, params)

    def _call(self, method: str, params: object) -> Any:  # noqa: ANN401 - JSON
        identifier = self._send(method, params)
        end = time.perf_counter() + _PATIENCE_SECONDS
        while (message := self._next(end)) is not None:
            body = message[1]
            if body.get("id") == identifier and "method" not in body:
                if "error" in body:
                    raise RuntimeError(f"homespun serve: {method}: {body['error']}")
                return body["result"]
        raise RuntimeError(f"homespun serve does not answer {method}")

    def _next(self, until: float) -> tuple[float, dict[str, Any]] | None:
        """Return the next message; requests of the server are answered with nothing."""
        while (message := self._connection.read(until)) is not None:
            body = message[1]
            if "method" in body and "id" in body:
                self._connection.write({"jsonrpc": "2.0", "id": body["id"], "result": None})
                continue
            return message
        return None

    def _drain(self, seconds: float) -> None:
        end = time.perf_counter() + seconds
        while self._next(end) is not None:
            pass


class _Connection:
    """A process that speaks JSON-RPC; each message gets the time of its arrival."""

    def __init__(self, command: list[str]) -> None:
        self._log = tempfile.TemporaryFile()
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log
        )
        self._messages: queue.SimpleQueue[tuple[float, dict[str, Any]] | None]
        self._messages = queue.SimpleQueue()
        self._last_id = 0
        threading.Thread(target=self._read, daemon=True).start()

    @property
    def pid(self) -> int:
        return self._process.pid

    def request(self, method: str, params: object) -> int:
        self._last_id += 1
        message = {"jsonrpc": "2.0", "id": self._last_id, "method": method, "params": params}
        self.write(message)
        return self._last_id

    def write(self, message: dict[str, Any]) -> None:
        body = json.dumps(message).encode()
        assert self._process.stdin is not None
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
        self._process.stdin.flush()

    def read(self, until: float) -> tuple[float, dict[str, Any]] | None:
        """Return the next message; None when there is none before a time."""
        try:
            message = self._messages.get(timeout=max(until - time.perf_counter(), 0))
        except queue.Empty:
            return None
        if message is None:
            self._log.seek(0)
            words = self._log.read().decode("utf-8", "replace")[-600:]
            raise RuntimeError(f"homespun serve ended: {words}")
        return message

    def close(self) -> None:
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()
        self._log.close()

    def _read(self) -> None:
        stream = self._process.stdout
        assert stream is not None
        while True:
            length = 0
            while line := stream.readline().strip():
                name, _, value = line.partition(b":")
                if name.lower() == b"content-length":
                    length = int(value)
            if not length:
                self._messages.put(None)
                return
            body = stream.read(length)
            self._messages.put((time.perf_counter(), json.loads(body)))


def _position(before: str) -> dict[str, int]:
    """Return the position at the end of a text, in UTF-16 units as the protocol has it."""
    line = before[before.rfind("\n") + 1 :]
    return {"line": before.count("\n"), "character": len(line.encode("utf-16-le")) // 2}
