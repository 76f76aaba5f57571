"""Starts llama.cpp's server (in the xllamacpp wheel) as llama.vscode recommends for processors.

Runs under the interpreter of the peers' environment: standard library and xllamacpp only.
"""

from __future__ import annotations

import os
import time
from typing import Any

import xllamacpp as lib

from bench.engine.workers import base

# `-ub 512 -b 512 --cache-reuse 256`, as llama.vscode's README says for machines without a GPU. All
# else is the server's own default.
BATCH_TOKENS = 512
REUSE_TOKENS = 256


class RecommendedServerEngine:
    """One server with one slot."""

    def open(self, model: str, threads: int, context_tokens: int) -> dict[str, Any]:
        """Start the server on a GGUF file; its address is among the facts."""
        began = time.perf_counter()
        settings = lib.CommonParams()
        settings.model.path = model
        settings.n_ctx = context_tokens
        settings.n_batch = settings.n_ubatch = BATCH_TOKENS
        settings.n_parallel = 1
        settings.cpuparams.n_threads = settings.cpuparams_batch.n_threads = threads
        settings.n_cache_reuse = REUSE_TOKENS
        settings.verbosity = 0
        self._server = lib.Server(settings)
        return {
            "engine": "xllamacpp",
            "version": lib.__version__,
            "system": lib.get_system_info().strip(),
            "pid": os.getpid(),
            "address": self._server.listening_address,
            "load_ms": (time.perf_counter() - began) * 1000,
        }


if __name__ == "__main__":
    engine = RecommendedServerEngine()
    base.serve({"open": engine.open})
