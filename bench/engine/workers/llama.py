"""llama.cpp through the low-level calls of llama-cpp-python, as a measured process.

Runs under the interpreter of the peers' environment: standard library, numpy and llama_cpp only.
"""

from __future__ import annotations

import ctypes
import sys
import time
from pathlib import Path
from typing import Any

import llama_cpp as lib
import numpy as np

from bench.engine.workers import base

_BATCH_TOKENS = 512  # llama.cpp's own default for the physical batch; larger ones were not faster


class LlamaCppEngine:
    """One model with one sequence."""

    def open(
        self, model: str, threads: int, context_tokens: int, flash_attention: bool
    ) -> dict[str, Any]:
        """Load a GGUF file; say what was loaded and how long it took."""
        began = time.perf_counter()
        lib.llama_log_set(_silent, ctypes.c_void_p(0))
        lib.llama_backend_init()
        self._model = lib.llama_model_load_from_file(
            model.encode(), lib.llama_model_default_params()
        )
        if not self._model:
            raise RuntimeError(f"llama.cpp cannot load {model!r}")
        settings = lib.llama_context_default_params()
        settings.n_ctx = context_tokens
        settings.n_batch = settings.n_ubatch = _BATCH_TOKENS
        settings.n_threads = settings.n_threads_batch = threads
        settings.flash_attn_type = (
            lib.LLAMA_FLASH_ATTN_TYPE_ENABLED
            if flash_attention
            else lib.LLAMA_FLASH_ATTN_TYPE_DISABLED
        )
        self._context = lib.llama_init_from_model(self._model, settings)
        self._memory = lib.llama_get_memory(self._context)
        self._vocabulary = lib.llama_model_get_vocab(self._model)
        self._width = lib.llama_vocab_n_tokens(self._vocabulary)
        self._batch = lib.llama_batch_init(_BATCH_TOKENS, 0, 1)
        self._cached: list[int] = []
        self._run([0], want=1)  # the first step allocates; a server warms up as well
        self.forget()
        return {
            "engine": "llama-cpp-python",
            "version": lib.__version__,
            "system": lib.llama_print_system_info().decode().strip(),
            "load_ms": (time.perf_counter() - began) * 1000,
            "memory_mb": base.memory_mb(),
        }

    def requantize(self, source: str, target: str, kind: str) -> dict[str, Any]:
        """Write `source` in another format, e.g. "Q8_0", by rename."""
        settings = lib.llama_model_quantize_default_params()
        settings.ftype = getattr(lib, f"LLAMA_FTYPE_MOSTLY_{kind}")
        settings.allow_requantize = True
        partial = Path(f"{target}.partial")
        status = lib.llama_model_quantize(source.encode(), str(partial).encode(), settings)
        if status != 0:
            raise RuntimeError(f"llama_model_quantize answered {status} for {kind!r}")
        partial.replace(target)
        return {"bytes": Path(target).stat().st_size}

    def forget(self) -> dict[str, Any]:
        """Empty the cache of keys and values."""
        lib.llama_memory_clear(self._memory, True)
        self._cached = []
        return {}

    def memory(self) -> dict[str, Any]:
        """Resident memory now."""
        return base.memory_mb()

    def prompt(self, ids: list[int]) -> dict[str, Any]:
        """Milliseconds from an empty cache to the most likely next token."""
        self.forget()
        return {"ms": base.timed_ms(lambda: _best(self._run(ids, want=1)))}

    def decode(self, ids: list[int], tokens: int) -> dict[str, Any]:
        """Mean milliseconds of a greedy step of one token behind `ids`."""
        self.forget()
        token = _best(self._run(ids, want=1))
        began = time.perf_counter()
        for _ in range(tokens):
            token = _best(self._run([token], want=1))
        return {"ms": (time.perf_counter() - began) * 1000 / tokens}

    def steps(self, ids: list[int], rows: list[int], repeats: int) -> dict[str, Any]:
        """Median milliseconds of a step of several rows behind `ids`, logits of each row."""
        self.forget()
        self._run(ids, want=1)

        def step(count: int) -> None:
            for row in self._run(ids[:count], want=count):
                row.argmax()
            self._cut(len(ids))

        return {"ms": [base.median_ms(lambda n=n: step(n), repeats=repeats) for n in rows]}

    def losses(self, ids: list[int]) -> dict[str, Any]:
        """Next-token losses in nats over `ids`, in one pass."""
        self.forget()
        losses: list[float] = []
        for start in range(0, len(ids) - 1, _BATCH_TOKENS):
            chunk = ids[start : min(start + _BATCH_TOKENS, len(ids) - 1)]
            rows = np.stack(self._run(chunk, want=len(chunk)))
            losses += base.next_token_losses(rows, ids[start : start + len(chunk) + 1])
        return {"losses": losses}

    def complete(
        self,
        ids: list[int],
        max_tokens: int,
        stop: list[str],
        reuse: bool = True,
        reuse_chunk: int = 0,
        max_predict_ms: float = 0.0,
    ) -> dict[str, Any]:
        """Greedy completion by llama-server's rules; times in milliseconds.

        `reuse` keeps the common prefix of the last prompt (its `cache_prompt`); `reuse_chunk` > 0
        also shifts equal runs of at least that many tokens (its `n_cache_reuse`).
        `max_predict_ms` ends a run that has written a line break (its `t_max_predict_ms`).
        """
        began = time.perf_counter()
        reused = self._keep(ids, reuse_chunk) if reuse else self._keep([], 0)
        token = _best(self._run(ids[reused:], want=1))
        prefilled = time.perf_counter()
        taken: list[int] = []
        written = b""
        finish = "length"
        while len(taken) < max_tokens:
            if lib.llama_vocab_is_eog(self._vocabulary, token):
                finish = "eos"
                break
            taken.append(token)
            written += self._piece(token)
            if any(word.encode() in written for word in stop):
                finish = "stop"
                break
            late = (time.perf_counter() - prefilled) * 1000 > max_predict_ms > 0
            if late and b"\n" in written:
                finish = "time"
                break
            if len(taken) < max_tokens:
                token = _best(self._run([token], want=1))
        ended = time.perf_counter()
        text = written.decode("utf-8", "ignore")
        ends = [at for at in (text.find(word) for word in stop) if at >= 0]
        return {
            "text": text[: min(ends)] if ends else text,
            "token_ids": taken,
            "finish": finish,
            "prompt_tokens": len(ids),
            "reused_tokens": reused,
            "prefill_ms": (prefilled - began) * 1000,
            "decode_ms": (ended - prefilled) * 1000,
            "total_ms": (ended - began) * 1000,
        }

    def _keep(self, ids: list[int], reuse_chunk: int) -> int:
        """Cut the cache to what serves `ids`; return how many of its tokens need not be run."""
        shared = 0
        while shared < min(len(self._cached), len(ids)) and self._cached[shared] == ids[shared]:
            shared += 1
        if reuse_chunk:
            shared = self._shift(ids, shared, reuse_chunk)
        shared = min(shared, max(len(ids) - 1, 0))  # one token is left to run, as in llama-server
        self._cut(shared)
        return shared

    def _shift(self, ids: list[int], shared: int, least: int) -> int:
        """Move equal runs behind the common prefix to their new places, as llama-server does."""
        old = new = shared
        while old < len(self._cached) and new < len(ids):
            run = 0
            while (
                old + run < len(self._cached)
                and new + run < len(ids)
                and self._cached[old + run] == ids[new + run]
            ):
                run += 1
            if run < least:
                old += 1
                continue
            lib.llama_memory_seq_rm(self._memory, 0, new, old)
            lib.llama_memory_seq_add(self._memory, 0, old, old + run, new - old)
            self._cached[new : new + run] = self._cached[old : old + run]
            old, new = old + run, new + run
        return new

    def _cut(self, length: int) -> None:
        lib.llama_memory_seq_rm(self._memory, 0, length, -1)
        del self._cached[length:]

    def _run(self, ids: list[int], *, want: int) -> list[np.ndarray]:
        """Append `ids`; return the logits `(vocabulary,)` of the last `want` tokens.

        They are views: the next call overwrites them.
        """
        rows: list[np.ndarray] = []
        for start in range(0, len(ids), _BATCH_TOKENS):
            chunk = ids[start : start + _BATCH_TOKENS]
            wanted = [start + place >= len(ids) - want for place in range(len(chunk))]
            rows = [row.copy() for row in rows]
            self._decode(chunk, wanted)
            rows += [self._logits(place) for place, is_wanted in enumerate(wanted) if is_wanted]
        return rows

    def _logits(self, place: int) -> np.ndarray:
        row = lib.llama_get_logits_ith(self._context, place)
        return np.ctypeslib.as_array(row, (self._width,))

    def _decode(self, chunk: list[int], wanted: list[bool]) -> None:
        batch = self._batch
        batch.n_tokens = len(chunk)
        for place, token in enumerate(chunk):
            batch.token[place] = token
            batch.pos[place] = len(self._cached) + place
            batch.n_seq_id[place] = 1
            batch.seq_id[place][0] = 0
            batch.logits[place] = wanted[place]
        status = lib.llama_decode(self._context, batch)
        if status != 0:
            raise RuntimeError(f"llama_decode answered {status}")
        self._cached.extend(chunk)

    def _piece(self, token: int) -> bytes:
        buffer = ctypes.create_string_buffer(256)
        size = lib.llama_token_to_piece(self._vocabulary, token, buffer, 256, 0, False)
        return buffer.raw[:size]


def _best(rows: list[np.ndarray]) -> int:
    return int(rows[-1].argmax())


@lib.llama_log_callback
def _silent(level: int, text: bytes, data: object) -> None:
    if level >= 4:  # GGML_LOG_LEVEL_ERROR
        sys.stderr.write(text.decode("utf-8", "replace"))


if __name__ == "__main__":
    engine = LlamaCppEngine()
    names = "open requantize forget memory prompt decode steps losses complete".split()
    base.serve({name: getattr(engine, name) for name in names})
