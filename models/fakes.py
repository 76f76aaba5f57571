"""Public fakes: an encoder, a generator and a tokenizer without weights, for tests and for trying.

They keep every promise of `models/types.py`, so what passes with them speaks the real protocol.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable, Collection, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from homespun.models.engine.kv_slots import common_run
from homespun.models.errors import PromptTooLong
from homespun.models.types import (
    MODEL_AS_SHIPPED,
    FimTokens,
    Generation,
    GenerationFinish,
    Stop,
    StopRule,
    Warmth,
)

FAKE_FIM = FimTokens(
    prefix="<|fim_prefix|>",
    suffix="<|fim_suffix|>",
    middle="<|fim_middle|>",
    repo_name="<|repo_name|>",
    file_sep="<|file_sep|>",
    end=("<|endoftext|>",),
)
_BYTES = 256  # ids below are bytes, ids from here on are control tokens
_WORD = re.compile(r"\w+")
_LOGPROB = -0.01  # of every token


class FakeEncoder:
    """A bag of hashed words: equal texts get equal vectors, texts that share words near ones."""

    def __init__(self, *, name: str = "fake", dimensions: int = 32) -> None:
        self.name = name
        self.dimensions = dimensions
        self.calls: list[tuple[str, ...]] = []  # what was encoded, for assertions

    def encode(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Return `(len(texts), dimensions)` float32 with unit-norm rows, in input order."""
        self.calls.append(tuple(texts))
        rows = np.zeros((len(texts), self.dimensions), dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            row += self._vector(text)
        return rows

    def _vector(self, text: str) -> npt.NDArray[np.float32]:  # (dimensions,)
        words = _WORD.findall(text.lower()) or [""]
        total = np.zeros(self.dimensions, dtype=np.float64)
        for word in words:
            total += self._word(word)
        length = float(np.linalg.norm(total))
        return (total / length).astype(np.float32)

    def _word(self, word: str) -> npt.NDArray[np.float64]:  # (dimensions,), odd: never all zero
        digest = hashlib.shake_256(word.encode("utf-8", "surrogatepass")).digest(self.dimensions)
        return np.frombuffer(digest, dtype=np.uint8).astype(np.float64) * 2 - 255


class FakeTokenizer:
    """One id per UTF-8 byte; control tokens of a FIM layout behind the bytes."""

    def __init__(self, fim: FimTokens = FAKE_FIM) -> None:
        names = [fim.prefix, fim.suffix, fim.middle, fim.repo_name, fim.file_sep, *fim.end]
        ordered = dict.fromkeys(name for name in names if name)
        self._controls = {name: _BYTES + place for place, name in enumerate(ordered)}

    def encode(self, text: str) -> list[int]:
        """Encode as plain text: a control string in it stays text."""
        return list(text.encode("utf-8", "replace"))

    def decode(self, ids: Sequence[int]) -> str:
        """Decode; control tokens are left out, incomplete UTF-8 becomes U+FFFD."""
        return bytes(i for i in ids if i < _BYTES).decode("utf-8", "replace")

    def pieces(self) -> dict[int, bytes]:
        """Return the bytes that each plain token stands for."""
        return {byte: bytes([byte]) for byte in range(_BYTES)}

    def control(self, name: str) -> int:
        """Return the id of a control token. Raises KeyError if unknown."""
        return self._controls[name]

    def render(self, ids: Sequence[int]) -> str:
        """Decode with control tokens written out, so that a test can read a prompt."""
        by_id = {number: name for name, number in self._controls.items()}
        parts: list[str] = []
        plain: list[int] = []
        for number in ids:
            if number in by_id:
                parts += [self.decode(plain), by_id[number]]
                plain = []
            else:
                plain.append(number)
        return "".join([*parts, self.decode(plain)])


class FakeGenerator:
    """Says what it is told to, a character a step, with the real rules for stop and cancel."""

    def __init__(
        self,
        script: str | Callable[[str], str],
        *,
        name: str = "fake",
        adapter: str = MODEL_AS_SHIPPED,
        context_tokens: int = 4096,
        step_seconds: float = 0.0,
        prefill_seconds: float = 0.0,
        fim: FimTokens = FAKE_FIM,
        logprob: float = _LOGPROB,
        margin: float | None = None,
        remembers: bool = True,
    ) -> None:
        """`script` is the answer to every prompt, or a function of the prompt's rendered text.

        `logprob` is that of each token: how sure it is. `margin` is by how much the runner-up is
        less likely; without it nothing of the kind is told, as by most servers. Without
        `remembers` no prompt is kept for
        assertions, for runs that watch the memory.
        """
        self.name = name
        self.adapter = adapter
        self.fim = fim
        self.tokenizer = FakeTokenizer(fim)
        self.context_tokens = context_tokens
        self.sends = False
        self.prompts: list[tuple[int, ...]] = []  # every prompt seen, for assertions
        self.hints: list[tuple[tuple[int, ...], ...]] = []  # those of each prompt
        self.warmed: list[tuple[int, ...]] = []
        self.others: list[str] = []  # what it says where its answer may not come
        self._script = script
        self._logprob = logprob
        self._margin = margin
        self._remembers = remembers
        self._step_seconds = step_seconds
        self._prefill_seconds = prefill_seconds
        self._cache: tuple[int, ...] = ()

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
        """Continue `prompt` and `heal` with the scripted text. Raises PromptTooLong."""
        self._check_length(prompt, max_tokens)
        prompt = (*prompt, *self.tokenizer.encode(heal))
        if self._remembers:
            self.prompts.append(prompt)
            self.hints.append(tuple(tuple(hint) for hint in hints))
        # As the real decoder: the last prompt token is always computed, its logits are needed.
        reused = common_run(self._cache, prompt, len(prompt) - 1)
        time.sleep(self._prefill_seconds)
        answer = self._begins_without(not_first, self._answer(prompt))
        text, finish, verdict = self._say(answer, max_tokens, stop, cancelled)
        ids = tuple(self.tokenizer.encode(text))
        self._cache = (*prompt, *ids)
        return Generation(
            text=text[: verdict.end] if verdict else text,
            token_ids=ids,
            finish=finish,
            stop_reason=verdict.reason if verdict else "",
            logprob=self._logprob * len(ids),
            prompt_tokens=len(prompt),
            reused_tokens=reused,
            drafted_tokens=0,
            accepted_tokens=0,
            prefill_ms=self._prefill_seconds * 1000,
            decode_ms=self._step_seconds * 1000 * len(text),
            token_logprobs=(self._logprob,) * len(ids),
            **self._told_of(ids),
        )

    def score(self, prompt: Sequence[int], answer: Sequence[int]) -> float:
        """Find every text as likely as its own. Raises PromptTooLong."""
        self._check_length(prompt, len(answer))
        return _LOGPROB * len(answer)

    def warm(self, prompt: Sequence[int], *, cancelled: Callable[[], bool]) -> Warmth:
        """Remember `prompt` as the one whose start is cached. Raises PromptTooLong."""
        self._check_length(prompt, 0)
        reused = common_run(self._cache, prompt, len(prompt) - 1)
        time.sleep(self._prefill_seconds)
        if cancelled():
            return Warmth(len(prompt), reused, finished=False)
        if self._remembers:
            self.warmed.append(tuple(prompt))
        self._cache = tuple(prompt)
        return Warmth(len(prompt), reused, finished=True)

    def _told_of(self, ids: Sequence[int]) -> dict[str, Any]:
        """Return what it tells of each token beside its log-probability."""
        if self._margin is None:
            return {}
        return {
            "token_margins": (self._margin,) * len(ids),
            "token_entropies": (-self._logprob,) * len(ids),
            "token_ends": tuple(len(self.tokenizer.decode(ids[: n + 1])) for n in range(len(ids))),
        }

    def _check_length(self, prompt: Sequence[int], max_tokens: int) -> None:
        if len(prompt) + max_tokens > self.context_tokens:
            raise PromptTooLong(
                f"a prompt of {len(prompt)} tokens and {max_tokens} new ones exceed the context "
                f"of {self.context_tokens} tokens; shorten the prompt or raise context_tokens"
            )

    def _begins_without(self, not_first: Collection[int], answer: str) -> str:
        """Return the first of what it may say that begins with none of these tokens, else ""."""
        for text in (answer, *self.others):
            if not set(self.tokenizer.encode(text)[:1]) & set(not_first):
                return text
        return ""

    def _answer(self, prompt: Sequence[int]) -> str:
        if callable(self._script):
            return self._script(self.tokenizer.render(prompt))
        return self._script

    def _say(
        self, answer: str, max_tokens: int, stop: StopRule, cancelled: Callable[[], bool]
    ) -> tuple[str, GenerationFinish, Stop | None]:
        text = ""
        tokens = 0
        for character in answer:
            if cancelled():
                return text, "cancelled", None
            tokens += len(self.tokenizer.encode(character))
            if tokens > max_tokens:
                return text, "length", None
            time.sleep(self._step_seconds)
            text += character
            if verdict := stop(text):
                return text, "stop", verdict
        return text, "cancelled" if cancelled() else "eos", None
