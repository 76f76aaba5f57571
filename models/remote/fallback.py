"""A server first, the model on this machine behind it: no answer in time is that one's answer."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

from homespun.models.errors import RemoteError
from homespun.models.remote.generator import RemoteGenerator
from homespun.models.remote.wire.client import Limits
from homespun.models.types import (
    MODEL_AS_SHIPPED,
    FimTokens,
    Generation,
    Generator,
    StopRule,
    Tokenizer,
    Warmth,
)

logger = logging.getLogger(__name__)

_CONNECT_SECONDS = 10.0  # nobody waits for it


@dataclass(frozen=True, slots=True)
class RemoteState:
    """Where prompts go and whether answers come from there."""

    address: str  # without path and key
    is_on_this_machine: bool
    server: str  # what is there, "" while that is not known
    trouble: str  # why the last question went unanswered, "" where it did not

    @property
    def sentence(self) -> str:
        """Say what leaves the machine, and where to."""
        where = "a server on this machine" if self.is_on_this_machine else "your server"
        what = f" ({self.server})" if self.server else ""
        answers = f"; it does not answer now: {self.trouble}" if self.trouble else ""
        return f"code goes, secrets masked, to {where}, {self.address}{what}{answers}"


class RemoteFirst:
    """Implements `homespun.models.types.Generator` by a server and, where there is one, a model."""

    def __init__(
        self,
        remote: RemoteGenerator,
        local: Generator | None,
        *,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        """Both take the same prompts: `remote` was made with the tokenizer of `local`.

        `changed` is called, on any thread, when `state` is another.
        """
        self.name: str = remote.name
        self.adapter: str = local.adapter if local else MODEL_AS_SHIPPED
        self.fim: FimTokens = remote.fim
        self.context_tokens: int = remote.context_tokens
        self.sends = True
        self.remote, self.local = remote, local
        self._changed = changed
        self._trouble = ""

    @property
    def tokenizer(self) -> Tokenizer:
        """The tokenizer of prompts."""
        return self.remote.tokenizer

    @property
    def state(self) -> RemoteState:
        """How the server is, as far as the last question told."""
        address, server = self.remote.client.address, self.remote.server
        return RemoteState(
            address=address.shown,
            is_on_this_machine=address.is_on_this_machine,
            server=server.sentence if server is not None else "",
            trouble=self._trouble,
        )

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
        """Ask the server, else the model here; `model` of the generation says which it was.

        Raises `RemoteError` where there is no model here.
        """

        def ask(generator: Generator) -> Generation:
            return generator.generate(
                prompt,
                max_tokens=max_tokens,
                stop=stop,
                cancelled=cancelled,
                heal=heal,
                hints=hints,
                not_first=not_first,
            )

        try:
            generation = ask(self.remote)
        except RemoteError as error:
            self._note(str(error))
            if self.local is None:
                raise
            local = self.local
            return replace(ask(local), model=local.name, adapter=local.adapter)
        if generation.finish != "cancelled":
            self._note("")
        return generation

    def score(self, prompt: Sequence[int], answer: Sequence[int]) -> float:
        """Have the model here score; a server does not."""
        return (self.local or self.remote).score(prompt, answer)

    def warm(self, prompt: Sequence[int], *, cancelled: Callable[[], bool]) -> Warmth:
        """Make ready whoever answers: the server, or the model here while it does not."""
        try:
            return self.remote.warm(prompt, cancelled=cancelled)
        except RemoteError as error:
            self._note(str(error))
            if self.local is None:
                return Warmth(len(prompt), 0, finished=False)
            return self.local.warm(prompt, cancelled=cancelled)

    def connect(self) -> None:
        """Find out what is at the address; what goes wrong is noted as of any question."""
        client = self.remote.client
        try:
            self.remote.connect(Limits(client.clock() + _CONNECT_SECONDS, lambda: False))
        except RemoteError as error:
            self._note(str(error))
        self._changed()

    def close(self) -> None:
        """Close idle connections to the server."""
        self.remote.close()

    def _note(self, trouble: str) -> None:
        """Keep what became of a question; a change is logged in one line."""
        if trouble == self._trouble:
            return
        if trouble and not self._trouble:
            who = f"{self.local.name} answers" if self.local else "nothing else answers"
            logger.warning("%s; %s meanwhile", trouble, who)
        elif not trouble:
            logger.warning("%s answers again", self.remote.client.address.shown)
        self._trouble = trouble
        self._changed()
