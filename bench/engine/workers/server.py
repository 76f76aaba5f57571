"""llama.cpp's server (llama-server, in the xllamacpp wheel) as a measured process.

Runs under the interpreter of the peers' environment: standard library and xllamacpp only. The
server listens on the loopback interface; it measures its own times, so HTTP costs it nothing.
"""

from __future__ import annotations

import json
import time
import urllib.request
from typing import Any

import xllamacpp as lib

from bench.engine.workers import base


class LlamaServerEngine:
    """One server with one slot."""

    def open(
        self,
        model: str,
        threads: int,
        context_tokens: int,
        flash_attention: bool,
        drafting: str = "",
    ) -> dict[str, Any]:
        """Start the server on a GGUF file; `--cache-reuse 256` as llama.vim recommends.

        `drafting` names one of llama.cpp's ways to draft without a second model, "NGRAM_SIMPLE".
        """
        began = time.perf_counter()
        settings = lib.CommonParams()
        settings.model.path = model
        settings.n_ctx = context_tokens
        settings.n_parallel = 1
        settings.cpuparams.n_threads = settings.cpuparams_batch.n_threads = threads
        kinds = lib.llama_flash_attn_type
        settings.flash_attn_type = (
            kinds.LLAMA_FLASH_ATTN_TYPE_ENABLED
            if flash_attention
            else kinds.LLAMA_FLASH_ATTN_TYPE_DISABLED
        )
        if drafting:
            kind = getattr(lib.common_speculative_type, f"COMMON_SPECULATIVE_TYPE_{drafting}")
            settings.speculative.types = [kind]
        settings.n_cache_reuse = 256
        settings.cache_ram_mib = 0  # no second cache of whole prompts: one slot, as measured
        settings.fit_params = False
        settings.verbosity = 0
        self._server = lib.Server(settings)
        return {
            "engine": "xllamacpp",
            "version": lib.__version__,
            "system": lib.get_system_info().strip(),
            "load_ms": (time.perf_counter() - began) * 1000,
            "memory_mb": base.memory_mb(),
        }

    def memory(self) -> dict[str, Any]:
        """Resident memory now."""
        return base.memory_mb()

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Send a request to the server, e.g. to `/infill`; its answer, and our clock in `ms`."""
        request = urllib.request.Request(
            self._server.listening_address + path,
            json.dumps(body).encode(),
            {"Content-Type": "application/json"},
        )
        began = time.perf_counter()
        with urllib.request.urlopen(request) as response:
            answer: dict[str, Any] = json.loads(response.read())
        return answer | {"ms": (time.perf_counter() - began) * 1000}

    def prompt(self, ids: list[int]) -> dict[str, Any]:
        """Milliseconds from an empty cache to the first token, by the server's clock."""
        answer = self._completion(ids, 1, cache_prompt=False)
        return {"ms": answer["timings"]["prompt_ms"]}

    def decode(self, ids: list[int], tokens: int) -> dict[str, Any]:
        """Mean milliseconds of a greedy step of one token behind `ids`, by the server's clock."""
        answer = self._completion(ids, tokens + 1, cache_prompt=False, ignore_eos=True)
        # The first token comes from the prompt's logits, so its share is no step.
        return {"ms": answer["timings"]["predicted_ms"] / tokens}

    def complete(
        self, ids: list[int], max_tokens: int, stop: list[str], reuse: bool = True
    ) -> dict[str, Any]:
        """Greedy completion; times in milliseconds."""
        answer = self._completion(
            ids, max_tokens, cache_prompt=reuse, stop=stop, return_tokens=True
        )
        times = answer["timings"]
        return {
            "text": answer["content"],
            "token_ids": answer["tokens"],
            "finish": {"word": "stop", "limit": "length"}.get(answer["stop_type"], "eos"),
            "prompt_tokens": len(ids),
            "reused_tokens": times["cache_n"],
            "prefill_ms": times["prompt_ms"],
            "decode_ms": times["predicted_ms"],
            "total_ms": answer["ms"],
        }

    def _completion(self, ids: list[int], max_tokens: int, **more: object) -> dict[str, Any]:
        greedy = {"samplers": ["top_k"], "top_k": 1, "temperature": 0.0}
        return self.post("/completion", {"prompt": ids, "n_predict": max_tokens, **greedy, **more})


if __name__ == "__main__":
    engine = LlamaServerEngine()
    names = "open memory post prompt decode complete".split()
    base.serve({name: getattr(engine, name) for name in names})
