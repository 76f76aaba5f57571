"""A raw JSON-RPC client: it sends what a well-behaved library would not let a test send."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
import time
from pathlib import Path

from tests.support import prepared_process

SCRIPT = Path(__file__).with_name("fake_server.py")
FAKE_SERVER = [sys.executable, "-P", str(SCRIPT)]
PATIENCE_SECONDS = 180  # a limit against hanging, never a measurement


class Client:
    """A server process, or a socket, and the messages that came from it.

    Without a command it is the fake server, a copy of a process that has imported; one that is
    started as any is `FAKE_SERVER`.
    """

    def __init__(self, argv=None, *, sock=None, env=None):
        self.answers = {}
        self.incoming = []  # notifications and requests of the server
        self.replies = {}  # method -> function of params, for requests of the server
        self._next_id = 0
        self._queue = queue.Queue()
        self.process = None
        self._paused = False
        if sock is not None:
            self._in, self._out = sock.makefile("wb"), sock.makefile("rb")
        else:
            self.process = _started(argv, {**os.environ, **(env or {})})
            self._in, self._out = self.process.stdin, self.process.stdout
            self._log = []
            self._log_thread = threading.Thread(target=self._read_log, daemon=True)
            self._log_thread.start()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    # -- raw

    @staticmethod
    def frame(message):
        body = message if isinstance(message, bytes) else json.dumps(message).encode()
        return b"Content-Length: %d\r\n\r\n" % len(body) + body

    def raw(self, data):
        self._in.write(data)
        self._in.flush()

    def request_message(self, method, params):
        self._next_id += 1
        return {"jsonrpc": "2.0", "id": self._next_id, "method": method, "params": params}

    @staticmethod
    def note_message(method, params):
        return {"jsonrpc": "2.0", "method": method, "params": params}

    # -- messages

    def send(self, method, params):
        message = self.request_message(method, params)
        self.raw(self.frame(message))
        return message["id"]

    def note(self, method, params):
        self.raw(self.frame(self.note_message(method, params)))

    def wait(self, identifier):
        self._pump(lambda: identifier in self.answers)
        return self.answers[identifier]

    def ask(self, method, params):
        return self.wait(self.send(method, params))

    def wait_for(self, method, matching=lambda params: True):
        """Wait for a notification or request of the server and return its params."""

        def found():
            return [
                message.get("params")
                for message in self.incoming
                if message["method"] == method and matching(message.get("params"))
            ]

        self._pump(found)
        return found()[0]

    # -- the usual

    def initialize(self, capabilities=None, **params):
        answer = self.ask(
            "initialize",
            {
                "processId": None,
                "rootUri": None,
                "capabilities": capabilities or {},
                **params,
            },
        )
        self.note("initialized", {})
        return answer

    def open(self, uri, text, *, language="python", version=1):
        document = {"uri": uri, "languageId": language, "version": version, "text": text}
        self.note("textDocument/didOpen", {"textDocument": document})

    def change(self, uri, version, *edits):
        self.note("textDocument/didChange", change(uri, version, *edits))

    def complete(self, uri, line=0, character=0, **more):
        """Ask and return the items."""
        answer = self.ask("textDocument/inlineCompletion", inline(uri, line, character, **more))
        return answer["result"]["items"]

    def complete_text(self, uri, line=0, character=0, **more):
        """Ask and return the only item's text, "" where there is none."""
        items = self.complete(uri, line, character, **more)
        assert len(items) <= 1
        return items[0]["insertText"] if items else ""

    def command(self, name, *arguments):
        return self.ask("workspace/executeCommand", {"command": name, "arguments": [*arguments]})

    def status(self):
        return self.command("homespun.status")["result"]

    def wait_until(self, condition):
        """Ask again and again until a condition holds; return its value."""
        end = time.monotonic() + PATIENCE_SECONDS
        while not (value := condition()):
            assert time.monotonic() < end, "it did not come about"
            time.sleep(0.02)
        return value

    def wait_until_ready(self):
        self.wait_until(lambda: self.status()["state"] == "ready")

    def stop(self):
        """End as an editor does; return the exit status."""
        self.ask("shutdown", None)
        self.note("exit", None)
        return self.exit_status()

    def exit_status(self):
        return self.process.wait(PATIENCE_SECONDS)

    def log(self):
        """Return what the process, which has ended, wrote to stderr."""
        self._log_thread.join(PATIENCE_SECONDS)
        return "".join(self._log)

    def pause_reading(self):
        """Leave what the server writes in the pipe from here on."""
        self._paused = True

    def close_socket(self):
        """Close both ends of a connection that the server has closed."""
        self._reader.join(PATIENCE_SECONDS)
        self._in.close()
        self._out.close()

    def kill(self):
        self._paused = False
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._reader.join(PATIENCE_SECONDS)
        self._log_thread.join(PATIENCE_SECONDS)
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            try:
                stream.close()
            except OSError:
                assert stream is self.process.stdin  # a pipe whose reader has gone

    # -- inside

    def _pump(self, done):
        end = time.monotonic() + PATIENCE_SECONDS
        while not done():
            message = self._queue.get(timeout=max(0.01, end - time.monotonic()))
            assert message is not None, "the server ended"
            if "method" not in message:
                self.answers[message["id"]] = message
                continue
            self.incoming.append(message)
            if "id" in message:
                reply = self.replies.get(message["method"], lambda params: None)
                result = {"jsonrpc": "2.0", "id": message["id"], "result": reply(message["params"])}
                self.raw(self.frame(result))

    def _read(self):
        while True:
            while self._paused:
                time.sleep(0.05)
            length = 0
            while line := self._out.readline().strip():
                name, _, value = line.partition(b":")
                if name.lower() == b"content-length":
                    length = int(value)
            if not length:
                self._queue.put(None)
                return
            self._queue.put(json.loads(self._out.read(length)))

    def _read_log(self):
        for line in self.process.stderr:
            self._log.append(line.decode())


def _started(argv, environment):
    if argv is None:
        return prepared_process.start(SCRIPT, env=environment)
    pipe = subprocess.PIPE
    return subprocess.Popen(argv, stdin=pipe, stdout=pipe, stderr=pipe, env=environment)


def inline(uri, line=0, character=0, *, kind=2, version=None, selected=None, **more):
    """Parameters of a request; `more` becomes top-level fields."""
    context = {"triggerKind": kind}
    if selected is not None:
        context["selectedCompletionInfo"] = selected
    document = {"uri": uri} if version is None else {"uri": uri, "version": version}
    position = {"line": line, "character": character}
    return {"textDocument": document, "position": position, "context": context, **more}


def change(uri, version, *edits):
    """Parameters of didChange; an edit is a text, or (line, character, line, character, text)."""
    changes = [
        {"text": edit} if isinstance(edit, str) else {"range": span(*edit[:4]), "text": edit[4]}
        for edit in edits
    ]
    return {"textDocument": {"uri": uri, "version": version}, "contentChanges": changes}


def span(line, character, end_line, end_character):
    return {
        "start": {"line": line, "character": character},
        "end": {"line": end_line, "character": end_character},
    }
