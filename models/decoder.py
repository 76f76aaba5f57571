"""EDGE onnxruntime: the W8A8 decoder with a key-value cache that outlives a prompt.

One buffer per layer for keys and one for values is bound as input and as output of the session,
so a step writes its rows in place and nothing is copied. A new prompt keeps the common prefix.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from homespun.models.errors import ModelDamaged, PromptTooLong
from homespun.models.served_form import DecoderForm
from homespun.models.tokenizer import BpeTokenizer
from homespun.models.types import FimTokens, Generation, GenerationFinish, StopRule

PREFILL_CHUNK_TOKENS = 256  # a cancelled prefill stops within one chunk; larger gains < 5 %


class OnnxDecoder:
    """Implements `homespun.models.types.Generator`."""

    def __init__(self, form: DecoderForm, *, threads: int, context_tokens: int) -> None:
        """Load a served form. `threads` 0 = one per physical core.

        Raises `ModelDamaged` when ONNX Runtime cannot read the files.
        """
        self.name: str = form.name
        self.fim: FimTokens = form.fim
        self.tokenizer = BpeTokenizer(form.tokenizer_json(), form.control)
        self.context_tokens = min(context_tokens, form.context_tokens)
        self._ends = frozenset(form.control.values())  # any control token ends a completion
        self._embedding = np.memmap(
            form.embedding_path, np.int8, "r", shape=(form.vocabulary, form.hidden)
        )
        self._embedding_scale = np.fromfile(form.embedding_scale_path, np.float32)
        self._session = _session(form.graph_path, threads=threads)
        self._bind_cache(form)
        self._cached: list[int] = []  # tokens whose keys and values are in the buffers

    def generate(
        self,
        prompt: Sequence[int],
        *,
        max_tokens: int,
        stop: StopRule,
        cancelled: Callable[[], bool],
    ) -> Generation:
        """Continue `prompt` greedily; see `homespun.models.types.Generator`."""
        if not prompt or len(prompt) + max_tokens > self.context_tokens:
            raise PromptTooLong(
                f"a prompt of {len(prompt)} tokens and {max_tokens} new ones do not fit "
                f"{self.context_tokens} tokens of context; shorten the prompt or raise context"
            )
        started = time.perf_counter()
        reused = self._reuse_prefix(prompt)
        logits = self._prefill(prompt, cancelled)
        prefilled = time.perf_counter()
        run = _Run(self.tokenizer, stop)
        finish: GenerationFinish = "cancelled"
        while logits is not None:
            token, logprob = _greedy(logits)
            if token in self._ends:
                finish = "eos"
                run.logprob += logprob
                break
            if run.add(token, logprob):
                finish = "stop"
                break
            if len(run.ids) == max_tokens:
                finish = "length"
                break
            logits = None if cancelled() else self._step([token])
        return Generation(
            text=run.text,
            token_ids=tuple(run.ids),
            finish=finish,
            stop_reason=run.stop_reason,
            logprob=run.logprob,
            prompt_tokens=len(prompt),
            reused_tokens=reused,
            drafted_tokens=0,
            accepted_tokens=0,
            prefill_ms=(prefilled - started) * 1000,
            decode_ms=(time.perf_counter() - prefilled) * 1000,
        )

    def logits(self, ids: Sequence[int]) -> npt.NDArray[np.float32]:
        """Return `(len(ids), vocabulary)` float32 for a fresh sequence: evaluation and tests."""
        self._cached = []
        starts = range(0, len(ids), PREFILL_CHUNK_TOKENS)
        chunks = [ids[start : start + PREFILL_CHUNK_TOKENS] for start in starts]
        return np.concatenate([self._forward(chunk, range(len(chunk))) for chunk in chunks])

    def _reuse_prefix(self, prompt: Sequence[int]) -> int:
        """Cut the cache to what it shares with the prompt; at least one token is left to run."""
        shared = 0
        limit = min(len(self._cached), len(prompt) - 1)
        while shared < limit and self._cached[shared] == prompt[shared]:
            shared += 1
        del self._cached[shared:]
        return shared

    def _prefill(
        self, prompt: Sequence[int], cancelled: Callable[[], bool]
    ) -> npt.NDArray[np.float32] | None:
        """Run what the cache lacks; logits `(vocabulary,)` of the last token, None if cancelled."""
        while not cancelled():
            done = len(self._cached)
            chunk = prompt[done : done + PREFILL_CHUNK_TOKENS]
            logits = self._step(chunk)
            if len(self._cached) == len(prompt):
                return logits
        return None

    def _step(self, tokens: Sequence[int]) -> npt.NDArray[np.float32]:
        """Run tokens; return `(vocabulary,)` float32 logits of the last one."""
        logits: npt.NDArray[np.float32] = self._forward(tokens, (len(tokens) - 1,))[0]
        return logits

    def _forward(self, tokens: Sequence[int], rows: Sequence[int]) -> npt.NDArray[np.float32]:
        """Append tokens to the cache; logits `(rows, vocabulary)` float32 of the rows wanted."""
        total = len(self._cached) + len(tokens)
        self._bind("embeddings", self._embed(tokens))
        self._bind("logit_rows", np.array(rows, np.int64))
        self._bind("last_position", np.array([total - 1], np.int32))
        self._bind("total_length", np.array(total, np.int32))
        self._binding.bind_output("logits", "cpu")
        self._session.run_with_iobinding(self._binding)
        self._cached.extend(tokens)
        # Only the first output is taken: copying all of them would copy the whole cache.
        logits: npt.NDArray[np.float32] = self._binding.get_outputs()[0].numpy()
        return logits

    def _embed(self, tokens: Sequence[int]) -> npt.NDArray[np.float32]:
        ids = np.asarray(tokens, np.int64)
        rows = self._embedding[ids].astype(np.float32)
        rows *= self._embedding_scale[ids, None]
        return rows

    def _bind(self, name: str, value: npt.NDArray[Any]) -> None:
        # The binding only points at the array's memory, so the array must outlive the run.
        self._inputs[name] = value
        self._binding.bind_cpu_input(name, value)

    def _bind_cache(self, form: DecoderForm) -> None:
        """Allocate the key-value buffers and bind each as input and output."""
        import onnxruntime as ort

        shape = (1, form.kv_heads, self.context_tokens, form.head_dim)
        self._binding = self._session.io_binding()
        self._inputs: dict[str, npt.NDArray[Any]] = {}
        self._buffers: list[Any] = []
        self._binding.bind_output("logits", "cpu")  # bound first, so it is output number 0
        for layer in range(form.layers):
            for part in ("key", "value"):
                buffer = ort.OrtValue.ortvalue_from_numpy(np.zeros(shape, np.float32))
                self._buffers.append(buffer)
                self._binding.bind_ortvalue_input(f"{part}_{layer}", buffer)
                self._binding.bind_ortvalue_output(f"new_{part}_{layer}", buffer)


class _Run:
    """The text generated so far, and the stop rule's verdict on it."""

    def __init__(self, tokenizer: BpeTokenizer, stop: StopRule) -> None:
        self._tokenizer, self._stop = tokenizer, stop
        self.ids: list[int] = []
        self.text = ""
        self.stop_reason = ""
        self.logprob = 0.0

    def add(self, token: int, logprob: float) -> bool:
        """Append a token; True when the stop rule ended the run and cut the text."""
        self.ids.append(token)
        self.logprob += logprob
        # An unfinished character shows as U+FFFD; it must not reach the stop rule or the text.
        self.text = self._tokenizer.decode(self.ids).rstrip("\ufffd")
        verdict = self._stop(self.text)
        if verdict is None:
            return False
        self.text = self.text[: verdict.end]
        self.stop_reason = verdict.reason
        return True


def _greedy(logits: npt.NDArray[np.float32]) -> tuple[int, float]:
    """Most likely token of `(vocabulary,)` logits and its natural-log probability."""
    token = int(np.argmax(logits))
    peak = logits[token]
    return token, -math.log(float(np.sum(np.exp(logits - peak), dtype=np.float64)))


def _session(graph_path: Path, *, threads: int) -> Any:  # noqa: ANN401  (onnxruntime is untyped)
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "1")
    try:
        return ort.InferenceSession(str(graph_path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime raises bare exceptions of its own C++ side
        raise ModelDamaged(
            f"{str(graph_path)!r} cannot be loaded ({error}); "
            "delete its folder and run `homespun models fetch` again"
        ) from error
