"""A server that answers what a push asks of vLLM, and writes down what it was asked.

Its replies are those that vLLM 0.32 gave.
"""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class FakeVllm:
    """Runs in a thread until it is closed."""

    def __init__(self, *, root, tokens=None, key="", loads=True):
        """`tokens` answers /tokenize, None is a server without it; `loads` False has no LoRA."""
        self.root, self.tokens, self.key, self.loads = root, tokens, key, loads
        self.adapters = []
        self.asked = []  # (method, path, body)
        self.refusal = ""  # what loading is answered with, where it is not ""
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                self._answer(None)

            def do_POST(self):
                length = int(self.headers["Content-Length"])
                self._answer(json.loads(self.rfile.read(length)))

            def _answer(self, body):
                fake.asked.append((self.command, self.path, body))
                key = self.headers.get("Authorization", "").removeprefix("Bearer ")
                status, reply = fake.reply(self.path, body, key)
                text = (reply if isinstance(reply, str) else json.dumps(reply)).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *arguments):
                """Say nothing."""

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"
        self._thread = threading.Thread(target=self._http.serve_forever)
        self._thread.start()

    def reply(self, path, body, key):
        if path.startswith("/v1") and key != self.key:  # it guards nothing else
            return 401, {"error": "Unauthorized"}
        if path == "/v1/models":
            base = {"id": "coder", "object": "model", "owned_by": "vllm", "root": self.root}
            base |= {"parent": None, "max_model_len": 1024}
            return 200, {"object": "list", "data": [base, *self.adapters]}
        if path == "/tokenize" and self.tokens is not None:
            tokens = {"tokens": list(self.tokens), "token_strs": None}
            return 200, {"count": len(self.tokens), "max_model_len": 1024, **tokens}
        if path == "/v1/load_lora_adapter" and self.loads:
            if self.refusal:
                error = {"message": self.refusal, "type": "NotFoundError", "param": None}
                return 404, {"error": {**error, "code": 404}}
            name, root = body["lora_name"], body["lora_path"]
            adapter = {"id": name, "object": "model", "owned_by": "vllm", "root": root}
            self.adapters.append({**adapter, "parent": "coder", "max_model_len": None})
            return 200, f"Success: LoRA adapter '{name}' added successfully."
        return 404, {"detail": "Not Found"}

    def close(self):
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()
