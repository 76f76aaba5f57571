"""A server that answers what a push and an exam ask of vLLM, and writes down what it was asked.

Its replies are those that vLLM 0.32 gave; `prompt_logprobs` have the form of its documentation.
"""

from __future__ import annotations

import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class FakeVllm:
    """Runs in a thread until it is closed."""

    def __init__(self, *, root, tokens=None, key="", loads=True, speaks=None):
        """`tokens` answers /tokenize, None is a server without it; `loads` False has no LoRA.

        With a `Speaker` in `speaks` it completes, and says how likely a text is.
        """
        self.root, self.tokens, self.key, self.loads = root, tokens, key, loads
        self.speaks = speaks
        self.context_tokens = 1024 if speaks is None else 4096
        self.replies = {}  # path -> (status, reply) in place of its own
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
        if path in self.replies:
            return self.replies[path]
        if self.speaks is not None and path in ("/tokenize", "/v1/completions"):
            return self._spoken(path, body)
        if path == "/v1/unload_lora_adapter" and self.loads:
            name = body["lora_name"]
            self.adapters = [row for row in self.adapters if row["id"] != name]
            return 200, f"Success: LoRA adapter '{name}' removed successfully."
        if path == "/v1/models":
            base = {"id": "coder", "object": "model", "owned_by": "vllm", "root": self.root}
            base |= {"parent": None, "max_model_len": self.context_tokens}
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

    def _spoken(self, path, body):
        if path == "/tokenize":
            tokens = self.speaks.ids(body["prompt"])
            return 200, {"count": len(tokens), "max_model_len": 1024, "tokens": tokens}
        if body["model"] not in ["coder", *(row["id"] for row in self.adapters)]:
            error = {"message": f"The model `{body['model']}` does not exist.", "code": 404}
            return 404, {"error": error}
        return 200, self.speaks.completion(body)

    def close(self):
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


class Speaker:
    """What a fake says: a fixed text, and a fixed likelihood for each token, by the model asked."""

    def __init__(self, tokenizer, controls, *, text="found = 1\n", nats=None, weighs=True):
        """`nats` has the log-probability of a token for each model; `weighs` False has none."""
        self.tokenizer, self.controls, self.text = tokenizer, controls, text
        self.nats = {} if nats is None else nats
        self.weighs = weighs
        self.spoils = None  # changes the answer to a question for likelihoods

    def ids(self, text):
        """The tokens of a text in which control strings are tokens."""
        parts = re.split("(" + "|".join(map(re.escape, self.controls)) + ")", text)
        ids = []
        for part in parts:
            is_control = part in self.controls
            ids += [self.tokenizer.control(part)] if is_control else self.tokenizer.encode(part)
        return ids

    def completion(self, body):
        """Answer `/v1/completions`, streamed or not."""
        if body.get("stream"):
            return self._streamed(body)
        reply = {"id": "cmpl-1", "object": "text_completion", "model": body["model"]}
        choice = {"index": 0, "text": "x", "logprobs": None, "finish_reason": "length"}
        if self.weighs and "prompt_logprobs" in body:
            choice["prompt_logprobs"] = self.likelihoods(body["model"], body["prompt"])
        whole = {**reply, "choices": [choice]}
        return whole if self.spoils is None else self.spoils(whole)

    def likelihoods(self, model, ids):
        """`prompt_logprobs` of a prompt: nothing for the first token."""
        nats = next((n for name, n in self.nats.items() if model.startswith(name)), -1.0)
        entry = {"logprob": nats, "rank": 3, "decoded_token": "x"}
        return [None, *({str(token): entry} for token in ids[1:])]

    def _streamed(self, body):
        heal = body.get("structured_outputs", {}).get("regex", "").removesuffix("[\\s\\S]*")
        text = re.sub(r"\\(.)", r"\1", heal) + self.text
        ids = self.tokenizer.encode(text)
        said = {
            "tokens": ["x"] * len(ids),
            "token_logprobs": [-0.25] * len(ids),
            "top_logprobs": [{"x": -0.25}] * len(ids),
            "text_offset": [0] * len(ids),
        }
        choice = {"index": 0, "text": text, "token_ids": ids, "logprobs": said}
        events = [
            {"choices": [{**choice, "finish_reason": "stop"}]},
            {"choices": [], "usage": {"prompt_tokens": len(body["prompt"])}},
        ]
        lines = [f"data: {json.dumps(event)}\n\n" for event in events]
        return "".join([*lines, "data: [DONE]\n\n"])
