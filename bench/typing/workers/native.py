"""llama.cpp built for this machine, behind the one address of its server that llama.vim asks.

llama-cpp-python brings no `/infill`, so its rules are written anew here, after llama.cpp's
tools/server (format_prompt_infill, process_token): how the prompt is put together and cut, what of
the cache is used again, and when a suggestion ends. It is greedy, where llama.vim lets draw from
what is likely. Runs under the interpreter of the peers' environment.
"""

from __future__ import annotations

import json
import os
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import llama_cpp as lib

from bench.engine.workers import base, llama

BATCH_TOKENS = 512
REUSE_TOKENS = 256


class InfillEngine(llama.LlamaCppEngine):
    """One model behind HTTP, one request at a time."""

    def open_address(self, model: str, threads: int, context_tokens: int) -> dict[str, Any]:
        """Load a GGUF file and listen; flash attention as the server chooses by itself."""
        facts = self.open(
            model=model, threads=threads, context_tokens=context_tokens, flash_attention=True
        )
        self._context_tokens = context_tokens
        self._lock = threading.Lock()
        server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}"
        return facts | {"pid": os.getpid(), "address": address}

    def tokenize(self, body: dict[str, Any]) -> dict[str, Any]:
        """Answer `/tokenize`."""
        return {"tokens": self.ids(body["content"])}

    def infill(self, body: dict[str, Any]) -> dict[str, Any]:
        """Answer `/infill`."""
        with self._lock:
            ids = self.prompt_ids(body)
            began = time.perf_counter()
            reused = self._keep(ids, REUSE_TOKENS)
            token = llama._best(self._run(ids[reused:], want=1))
            read = time.perf_counter()
            content, count, why = self._write(token, body)
        return {
            "content": content,
            "stop_type": why,
            "timings": {
                "cache_n": reused,
                "prompt_n": len(ids) - reused,
                "prompt_ms": (read - began) * 1000,
                "predicted_n": count,
                "predicted_ms": (time.perf_counter() - read) * 1000,
            },
        }

    def prompt_ids(self, body: dict[str, Any]) -> list[int]:
        """Put the prompt together as the server does."""
        vocabulary = self._vocabulary
        middle = self.ids(body["prompt"])
        prefix_most = 3 * (BATCH_TOKENS // 4)
        suffix_most = max(0, BATCH_TOKENS // 4 - (2 + len(middle)))
        prefix = self.ids(body["input_prefix"])[-prefix_most:]
        suffix = self.ids(body["input_suffix"])[:suffix_most]
        separator = lib.llama_vocab_fim_sep(vocabulary)
        extra = [lib.llama_vocab_fim_rep(vocabulary), *self.ids("myproject\n")]
        for chunk in body["input_extra"]:
            extra += [separator, *self.ids(chunk["filename"] + "\n"), *self.ids(chunk["text"])]
        extra += [separator, *self.ids("filename\n")]
        room = self._context_tokens - BATCH_TOKENS - 2 * body["n_predict"]
        extra = extra[len(extra) - min(max(room, 0), len(extra)) :]
        before = [lib.llama_vocab_fim_pre(vocabulary), *prefix, *middle]
        behind = [lib.llama_vocab_fim_suf(vocabulary), *suffix]
        return [*extra, *before, *behind, lib.llama_vocab_fim_mid(vocabulary)]

    def ids(self, text: str) -> list[int]:
        """Encode as plain text."""
        data = text.encode()
        buffer = (lib.llama_token * (len(data) + 8))()
        count = lib.llama_tokenize(
            self._vocabulary, data, len(data), buffer, len(buffer), False, False
        )
        return list(buffer[:count])

    def _write(self, token: int, body: dict[str, Any]) -> tuple[str, int, str]:
        """Write on greedily; return the text, the number of tokens and why it ended."""
        began = time.perf_counter()
        written = b""
        line_start, count = 0, 0
        while count < body["n_predict"]:
            if lib.llama_vocab_is_eog(self._vocabulary, token):
                return _text(written), count, "eos"
            piece = self._piece(token)
            written += piece
            count += 1
            if line_start:
                end = _indent_end(written, line_start)
                if end < len(written) and end - line_start < body["n_indent"]:
                    return _text(written[:end]), count, "limit"
            if b"\n" in piece:
                # Upon another line the server looks at the clock, and not before.
                if (time.perf_counter() - began) * 1000 > body["t_max_predict_ms"]:
                    return _text(written), count, "limit"
                line_start = written.rfind(b"\n") + 1
            if count < body["n_predict"]:
                token = llama._best(self._run([token], want=1))
        return _text(written), count, "limit"


def _indent_end(written: bytes, start: int) -> int:
    while start < len(written) and written[start : start + 1] in (b" ", b"\t"):
        start += 1
    return start


def _text(written: bytes) -> str:
    return written.decode("utf-8", "ignore")


def _handler(engine: InfillEngine) -> type[BaseHTTPRequestHandler]:
    """Make what answers the requests for an engine."""
    routes = {"/infill": engine.infill, "/tokenize": engine.tokenize}

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:  # noqa: N802 - the name is given
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            answer = json.dumps(routes[self.path](body)).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
            """Stay silent."""

    return Handler


if __name__ == "__main__":
    engine = InfillEngine()
    base.serve({"open": engine.open_address})
