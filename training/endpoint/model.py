"""One model of the examined server as a `Generator`: it answers, or the exam ends with a sentence.

A completer takes a server's failure for a suggestion that is not there. In an exam that would be a
wrong answer of the adapter, so here it is an error of another kind, after some patience. What has
to be masked is not weighed: of another text the likelihood is that of another text.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from homespun.models.errors import PromptTooLong, RemoteFailed, RemoteRefused
from homespun.models.remote.generator import RemoteGenerator
from homespun.models.remote.prompt_parts import PromptSplitter
from homespun.models.remote.wire.client import Limits
from homespun.models.types import FimTokens, Generation, StopRule, Tokenizer, Warmth
from homespun.progress import never
from homespun.training.endpoint import likelihood
from homespun.training.endpoint.likelihood import NoLikelihood
from homespun.training.errors import ExamFailed

_T = TypeVar("_T")
_ANSWER_SECONDS = 120.0
_PAUSES = (1.0, 5.0, 20.0, 60.0)  # seconds between tries; a server that is restarted comes back
_LONGEST_PAUSE = 120.0  # whatever the server asks for
_COMPLETIONS = "/v1/completions"
_NOT_UNDERSTOOD = (400, 404, 422)


class ExamModel:
    """Implements `homespun.models.types.Generator`; of a likelihood it cannot have it says NaN."""

    def __init__(
        self,
        remote: RemoteGenerator,
        *,
        adapter: str,
        fim: FimTokens,
        mask: Callable[[str], str],
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """`fim` are the names of the control tokens; `mask` replaces secrets, as `remote` does."""
        self.name = remote.name
        self.adapter = adapter
        self.fim = remote.fim
        self.context_tokens = remote.context_tokens
        self.sends = True
        self.weighs = False  # the server says how likely a given text is: `find_out` asks
        self._remote = remote
        self._mask = mask
        self._splitter = PromptSplitter(remote.tokenizer, fim, mask=mask)
        self._sleep = sleep

    @property
    def tokenizer(self) -> Tokenizer:
        """The tokenizer here, which is that of the server."""
        return self._remote.tokenizer

    def find_out(self) -> None:
        """Ask what is there and what it can say. Raises `ExamFailed` where it does not fit."""
        server = self._patiently(lambda: self._remote.connect(_limits()))
        if not server.takes_our_ids:
            raise ExamFailed(
                f"{self.name} makes other tokens of a text than the model here, so it is not the "
                "model that learned; serve what `homespun models export NAME DIR/NAME` writes"
            )
        if 0 < server.context_tokens < self.context_tokens:
            raise ExamFailed(
                f"{self.name} holds {server.context_tokens} tokens, and the exam takes "
                f"{self.context_tokens}; start it with so many (vLLM: --max-model-len "
                f"{self.context_tokens})"
            )
        if server.kind.name != "vllm":
            return
        ids = self.tokenizer.encode("def weigh(parcel):\n")
        try:
            self.weighs = self._logprob(ids, 1) is not None
        except ExamFailed as error:
            if not isinstance(error.__cause__, RemoteRefused):
                raise
            if error.__cause__.status not in _NOT_UNDERSTOOD:
                raise
            self._remote.client.breaker.succeeded()  # it is there, and knows no such question

    def add_to_questions(self, more: Mapping[str, Any]) -> None:
        """Say something of its own in each question, as the server knows it."""
        server = self._remote.server
        assert server is not None, "it was found out what is there"
        plain = server.kind.body
        kind = replace(server.kind, body=lambda question: {**plain(question), **more})
        self._remote.server = replace(server, kind=kind)

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
        """Have the server continue `prompt`, all of it. Raises `PromptTooLong`, `ExamFailed`."""
        return self._patiently(
            lambda: self._remote.generate(
                prompt,
                max_tokens=max_tokens,
                stop=stop,
                cancelled=cancelled,
                heal=heal,
                hints=hints,
                not_first=not_first,
                within_ms=round(_ANSWER_SECONDS * 1000),
            )
        )

    def score(self, prompt: Sequence[int], answer: Sequence[int]) -> float:
        """Return the log-probability (nats) of `answer` behind `prompt`; NaN: not to be had."""
        if len(prompt) + len(answer) > self.context_tokens:
            raise PromptTooLong(
                f"a prompt of {len(prompt)} tokens and an answer of {len(answer)} do not fit "
                f"{self.context_tokens} tokens of context"
            )
        if not self.weighs or not self.may_be_sent(prompt, answer):
            return math.nan
        found = self._logprob([*prompt, *answer], len(prompt))
        if found is None:
            raise ExamFailed(f"{self.name} said how likely a text is, and then no more")
        return found

    def may_be_sent(self, prompt: Sequence[int], answer: Sequence[int]) -> bool:
        """Tell whether there is nothing to mask, also where both meet."""
        if self._splitter.safe_ids(prompt) != tuple(prompt):
            return False
        parts = self._splitter.parts(prompt)
        lead, text = parts.before + parts.typed, self.tokenizer.decode(answer)
        masked = self._mask(lead + text + parts.after)
        return masked[len(lead) : len(lead) + len(text)] == text == self._mask(text)

    def warm(self, prompt: Sequence[int], *, cancelled: Callable[[], bool]) -> Warmth:
        """Do nothing: an exam reads nothing ahead."""
        return Warmth(len(prompt), 0, finished=False)

    def close(self) -> None:
        """Close idle connections."""
        self._remote.close()

    def _logprob(self, ids: Sequence[int], start: int) -> float | None:
        server = self._remote.server
        assert server is not None, "it was found out what is there"
        body = likelihood.question(server.model, ids)
        client = self._remote.client
        said = self._patiently(lambda: client.answer(_COMPLETIONS, body, limits=_limits()))
        try:
            return likelihood.read(said, ids, start)
        except NoLikelihood as error:
            raise ExamFailed(
                f"{self.name} answers with {error}, so what it says of texts is not believed; is "
                "it vLLM (--exam-kind)?"
            ) from None

    def _patiently(self, ask: Callable[[], _T]) -> _T:
        """Ask again where a server that is there may answer the next time."""
        for pause in (*_PAUSES, None):
            try:
                return ask()
            except RemoteRefused as error:
                raise ExamFailed(str(error)) from error
            except RemoteFailed as error:
                if pause is None:
                    raise ExamFailed(
                        f"{error}; what it has answered is kept, `homespun train --resume` goes on"
                    ) from error
                self._sleep(min(max(pause, error.after), _LONGEST_PAUSE))
        raise AssertionError("the last try returns or raises")


def _limits() -> Limits:
    return Limits(time.monotonic() + _ANSWER_SECONDS, never)
