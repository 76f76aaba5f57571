"""EDGE onnxruntime: the W8A8 decoder: slots of keys and values, drafts, healing, cancelling.

However a prompt was cut into steps and whatever else was in a step, the same tokens are chosen,
unless the two best logits are closer than `head.NEAR_TIE`. The graph gives a row the same bits in
any company on every processor that was tried, as long as attention is never left with a single row,
which goes through another kernel of ONNX Runtime. It takes blocks of rows, so a step whose last
block would have one row gets one row more. What was cached, copied, drafted or broken off then
changes no result; tests/models/engine/test_engine.py says what it finds on its processor.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from homespun.cores import within_cores
from homespun.models.convert.served_form import DecoderForm
from homespun.models.engine.generated_text import GeneratedText
from homespun.models.engine.huge_pages import use_huge_pages
from homespun.models.engine.kv_slots import Slot, Slots
from homespun.models.engine.output_head import Head, StepOutput, TokenChoice
from homespun.models.engine.prompt_lookup import MAX_DRAFTED, Acceptance, Drafter
from homespun.models.engine.token_healing import Healer
from homespun.models.errors import ModelDamaged, PromptTooLong
from homespun.models.runtime import onnxruntime
from homespun.models.types import (
    Cancellation,
    FimTokens,
    Generation,
    GenerationFinish,
    StopRule,
    Warmth,
)
from homespun.models.weights.tokenizer import BpeTokenizer

PREFILL_CHUNK_TOKENS = 128  # a request that is typed over ends with its chunk, 0.2 s at most
_SPARE_TOKENS = MAX_DRAFTED + 1  # of a slot, for rows that may not be accepted
_DRAFT_BESIDE = 16  # a last chunk of up to this many tokens carries a draft along
_ATTENTION_ROWS = 16  # divides the rows that attention takes at a time (two head sizes)
_OUTPUTS = ("hidden", "screen")  # of the graph, beside keys and values


class OnnxDecoder:
    """Implements `homespun.models.types.Generator`."""

    def __init__(
        self, form: DecoderForm, *, threads: int, context_tokens: int, cache_mb: int = 256
    ) -> None:
        """Load a served form. `threads` 0 = one per physical core.

        `cache_mb` MiB bound the slots; one slot is always there. Raises `ModelDamaged` when ONNX
        Runtime cannot read the files.
        """
        self.name: str = form.name
        self.adapter: str = form.adapter
        self.directory: Path = form.directory  # of the served form
        self.fim: FimTokens = form.fim
        self.tokenizer = BpeTokenizer(form.tokenizer_json(), form.control)
        self.context_tokens = min(context_tokens, form.context_tokens - _SPARE_TOKENS)
        self.sends, self.drafting = False, True  # drafting is off only to measure what it brings
        self._form = form
        self.ends = frozenset(form.control.values())  # any control token ends a completion
        self._embedding = np.memmap(
            form.embedding_path, np.int8, "r", shape=(form.vocabulary, form.hidden)
        )
        self._embedding_scale = np.fromfile(form.embedding_scale_path, np.float32)
        self._head = Head(form)
        self._session = open_session(form.graph_path, threads=threads)
        # In a thread: it takes some tenths of a second, and a step may run meanwhile.
        threading.Thread(target=use_huge_pages, name="homespun-huge-pages", daemon=True).start()
        self._slots = Slots(self._make_slot, cache_mb * 2**20 // self.slot_bytes)
        self._acceptance = Acceptance()
        self._healer: Healer | None = None  # made when first needed: some 0.2 s

    @property
    def slot_bytes(self) -> int:
        """Memory of one slot when all of it is used."""
        form = self._form
        return 8 * form.layers * form.kv_heads * self._slot_tokens * form.head_dim

    @property
    def _slot_tokens(self) -> int:
        return self.context_tokens + _SPARE_TOKENS

    def generate(
        self,
        prompt: Sequence[int],
        *,
        max_tokens: int,
        stop: StopRule,
        cancelled: Callable[[], bool],
        heal: str = "",
        hints: Sequence[Sequence[int]] = (),
        not_first: Collection[int] = (),
    ) -> Generation:
        """Continue `prompt` greedily; see `homespun.models.types.Generator`."""
        self._check_length(prompt, max_tokens)
        started = time.perf_counter()
        slot = self._slots.take(prompt)
        reused = len(slot.tokens)
        drafter = Drafter(prompt, hints, self._acceptance) if self.drafting else None
        run = GeneratedText(self.tokenizer, stop, heal, self._healing() if heal else None)
        if not_first:
            run.begin_without(not_first, self._form.vocabulary)
        with _breaking_off(cancelled) as options:
            steps = _Steps(self, slot, drafter, options, cancelled)
            is_ready = steps.prefill(prompt, max_tokens)
            prefilled = time.perf_counter()
            finish = self._decode(steps, run, max_tokens) if is_ready else "cancelled"
            steps.settle()
        return Generation(
            text=run.text,
            token_ids=tuple(run.ids),
            finish=finish,
            stop_reason=run.stop_reason,
            logprob=sum(choice.logprob for choice in run.choices),
            prompt_tokens=len(prompt),
            reused_tokens=reused,
            drafted_tokens=steps.drafted,
            accepted_tokens=steps.accepted,
            prefill_ms=(prefilled - started) * 1000,
            decode_ms=(time.perf_counter() - prefilled) * 1000,
            token_logprobs=tuple(choice.logprob for choice in run.choices),
            token_margins=tuple(choice.margin for choice in run.choices),
            token_entropies=tuple(choice.entropy for choice in run.choices),
            token_ends=tuple(run.ends),
        )

    def warm(self, prompt: Sequence[int], *, cancelled: Callable[[], bool]) -> Warmth:
        """Make a slot ready for `prompt`; see `homespun.models.types.Generator`."""
        self._check_length(prompt, 0)
        self._healing()  # the first request has no need to wait for it
        slot = self._slots.take(prompt)
        reused = len(slot.tokens)
        with _breaking_off(cancelled) as options:
            steps = _Steps(self, slot, None, options, cancelled)
            is_ready = steps.prefill(prompt, 0, gives_up=True)
        return Warmth(len(prompt), reused, is_ready)

    def logits(
        self, ids: Sequence[int], rows: Sequence[int] | None = None
    ) -> npt.NDArray[np.float32]:
        """Return `(len(rows), vocabulary)` float32 for a fresh sequence: evaluation and tests.

        `rows` are ascending places in `ids`, all of them unless given.
        """
        wanted = range(len(ids)) if rows is None else rows
        self._slots.clear()
        slot = self._slots.take(ids)
        found = []
        for start in range(0, len(ids), PREFILL_CHUNK_TOKENS):
            chunk = ids[start : start + PREFILL_CHUNK_TOKENS]
            here = [row - start for row in wanted if start <= row < start + len(chunk)]
            found.append(self.run(slot, chunk, here, None).full())
        return np.concatenate(found)

    def score(self, prompt: Sequence[int], answer: Sequence[int]) -> float:
        """Return the sum of the natural-log probabilities of `answer` right behind `prompt`.

        What is cached of the prompt is used, the next prompt can use it. Raises `PromptTooLong`.
        """
        self._check_length(prompt, len(answer))
        if not answer:
            return 0.0
        ids = [*prompt, *answer[:-1]]
        slot = self._slots.take(prompt)
        first = len(prompt) - 1  # the row that says what comes first
        total = 0.0
        while (done := len(slot.tokens)) < len(ids):
            chunk = ids[done : done + PREFILL_CHUNK_TOKENS]
            rows = range(max(first - done, 0), len(chunk))
            logits = self.run(slot, chunk, rows, None).full().astype(np.float64)
            wanted = [answer[done + row - first] for row in rows]
            peak = logits.max(axis=1)
            sums = np.log(np.exp(logits - peak[:, None]).sum(axis=1)) + peak
            total += float((logits[np.arange(len(wanted)), wanted] - sums).sum())
        return total

    def run(
        self, slot: Slot, tokens: Sequence[int], rows: Sequence[int], options: object
    ) -> StepOutput:
        """Append tokens to a slot in one step; return the `rows` (places in `tokens`) wanted."""
        padded = (*tokens, tokens[-1]) if len(tokens) % _ATTENTION_ROWS == 1 else tokens
        total = len(slot.tokens) + len(padded)
        slot.bind("embeddings", self._embed(padded))
        slot.bind("logit_rows", np.array(rows, np.int64))
        slot.bind("last_position", np.array([total - 1], np.int32))
        slot.bind("total_length", np.array(total, np.int32))
        for name in _OUTPUTS:
            slot.binding.bind_output(name, "cpu")
        self._session.run_with_iobinding(slot.binding, options)
        slot.tokens.extend(tokens)
        # Only these outputs are taken: copying all of them would copy the whole cache.
        hidden, screen = (output.numpy() for output in slot.binding.get_outputs()[: len(_OUTPUTS)])
        return StepOutput(self._head, hidden, screen)

    def _decode(self, steps: _Steps, run: GeneratedText, max_tokens: int) -> GenerationFinish:
        while True:
            choice = steps.choose(run.allowed())
            if choice.token in self.ends:
                run.end(choice)
                return "eos"
            if run.add(choice):
                return "stop"
            if len(run.ids) == max_tokens:
                return "length"
            if not steps.advance(choice.token, max_tokens - len(run.ids)):
                return "cancelled"

    def _check_length(self, prompt: Sequence[int], max_tokens: int) -> None:
        if not prompt or len(prompt) + max_tokens > self.context_tokens:
            raise PromptTooLong(
                f"a prompt of {len(prompt)} tokens and {max_tokens} new ones do not fit "
                f"{self.context_tokens} tokens of context; shorten the prompt or raise context"
            )

    def _healing(self) -> Healer:
        if self._healer is None:
            self._healer = Healer(self.tokenizer.pieces())
        return self._healer

    def _embed(self, tokens: Sequence[int]) -> npt.NDArray[np.float32]:
        ids = np.asarray(tokens, np.int64)
        rows = self._embedding[ids].astype(np.float32)
        rows *= self._embedding_scale[ids, None]
        return rows

    def _make_slot(self) -> Slot:
        """Allocate buffers and bind each as input and as output: a step writes in place."""
        form = self._form
        shape = (1, form.kv_heads, self._slot_tokens, form.head_dim)
        slot = Slot([], self._session.io_binding())
        for name in _OUTPUTS:  # bound first, so they are the first outputs
            slot.binding.bind_output(name, "cpu")
        for layer in range(form.layers):
            for part in ("key", "value"):
                buffer = np.zeros(shape, np.float32)  # its pages come with their first use
                slot.buffers.append(buffer)
                place = ("cpu", 0, np.float32, shape, buffer.ctypes.data)
                slot.binding.bind_input(f"{part}_{layer}", *place)
                slot.binding.bind_output(f"new_{part}_{layer}", *place)
        return slot


class _Steps:
    """The steps of one request: what is run, what was guessed, which row is next."""

    def __init__(
        self,
        decoder: OnnxDecoder,
        slot: Slot,
        drafter: Drafter | None,
        options: object,
        cancelled: Callable[[], bool],
    ) -> None:
        self._decoder, self._slot, self._drafter = decoder, slot, drafter
        self._options, self._cancelled = options, cancelled
        self._rows: StepOutput | None = None
        self._row = 0  # of `_rows`, the one to choose from next
        self._draft: list[int] = []
        self.drafted = self.accepted = 0

    def prefill(self, prompt: Sequence[int], max_tokens: int, *, gives_up: bool = False) -> bool:
        """Run what the slot lacks of the prompt; False when cancelled on the way.

        A long step is broken off only by who `gives_up`. For a request it runs to its end: who
        types on needs it, and would never get anywhere if each key threw a step away.
        """
        options = self._options if gives_up else None
        while len(prompt) - len(self._slot.tokens) > PREFILL_CHUNK_TOKENS:
            done = len(self._slot.tokens)
            chunk = prompt[done : done + PREFILL_CHUNK_TOKENS]
            if not self._step(chunk, [], options):
                return False
        chunk = prompt[len(self._slot.tokens) :]
        if len(chunk) > _DRAFT_BESIDE:
            return self._step(chunk, [], options)
        return self._step(chunk, self._propose(max_tokens - 1), self._options)

    def choose(self, allowed: npt.NDArray[np.int64] | None) -> TokenChoice:
        """Return the next token and how clear the choice was."""
        assert self._rows is not None  # since the prefill
        return self._rows.best(self._row, allowed)

    def advance(self, token: int, most: int) -> bool:
        """Go on behind `token`: to the next row where it was guessed, else by a step."""
        if self._drafter:
            self._drafter.add(token)
        if self._row < len(self._draft) and self._draft[self._row] == token:
            self._row += 1
            self.accepted += 1
            return True
        self.settle()
        return self._step([token], self._propose(most - 1), self._options)

    def _propose(self, most: int) -> list[int]:
        return self._drafter.propose(min(most, MAX_DRAFTED)) if self._drafter and most > 0 else []

    def settle(self) -> None:
        """Take the guesses that were wrong out of the slot, and learn from it."""
        wrong = len(self._draft) - self._row
        if wrong:
            del self._slot.tokens[-wrong:]
        if self._drafter:
            self._drafter.judge(len(self._draft), self._row)
        self._draft, self._row = [], 0

    def _step(self, tokens: Sequence[int], draft: list[int], options: object) -> bool:
        if self._cancelled():
            return False
        rows = range(len(tokens) - 1, len(tokens) + len(draft))
        try:
            self._rows = self._decoder.run(self._slot, [*tokens, *draft], rows, options)
        except Exception:
            # Broken off inside the step: the slot's tokens are those before it.
            if self._cancelled():
                return False
            raise
        self._draft, self._row = draft, 0
        self.drafted += len(draft)
        return True


@contextmanager
def _breaking_off(cancelled: Callable[[], bool]) -> Iterator[object]:
    """Give run options whose runs end as soon as a `Cancellation` is cancelled."""
    options = onnxruntime().RunOptions()
    if not isinstance(cancelled, Cancellation):
        yield options
        return
    cancelled.on_cancel(lambda: setattr(options, "terminate", True))
    try:
        yield options
    finally:
        cancelled.on_cancel(None)


def open_session(graph_path: Path, *, threads: int) -> Any:  # noqa: ANN401  (onnxruntime is untyped)
    """Load a graph as it serves; `threads` 0 = one per physical core. Raises `ModelDamaged`."""
    ort = onnxruntime()
    options = ort.SessionOptions()
    options.intra_op_num_threads = within_cores(threads)
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
