"""A server and the model on this machine as one generator: who is asked is the route's."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from homespun.models.errors import RemoteError, RemoteRefused
from homespun.models.remote.evidence import line_of, line_probability
from homespun.models.remote.generator import RemoteGenerator
from homespun.models.remote.options import RemoteOptions, Route
from homespun.models.remote.route.budget import BudgetSpent, DayBudget
from homespun.models.remote.route.escalate import escalate
from homespun.models.remote.route.probability import threshold
from homespun.models.remote.route.question import LOCAL, REMOTE, RoutedQuestion, Who
from homespun.models.remote.route.race import race
from homespun.models.remote.wire.client import LeftAlone, Limits
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
_WHEN: dict[Route, str] = {
    "local": "",
    "remote": "",
    "escalate": " where the line of the model here is in doubt",
    "race": " while the model here answers as well",
}


@dataclass(frozen=True, slots=True)
class RemoteState:
    """Where prompts go and whether answers come from there."""

    address: str  # without path and key
    is_on_this_machine: bool
    server: str  # what is there, "" while that is not known
    route: Route
    trouble: str  # why the last question went unanswered, "" where it did not
    spent: str  # why nothing more is sent today, "" where it is

    @property
    def sentence(self) -> str:
        """Say what leaves the machine, when, and where to."""
        where = "a server on this machine" if self.is_on_this_machine else "your server"
        what = f" ({self.server})" if self.server else ""
        told = f"code goes, secrets masked, to {where}, {self.address}{what}{_WHEN[self.route]}"
        if self.spent:
            return f"{told}; not now: {self.spent}"
        return f"{told}; it does not answer now: {self.trouble}" if self.trouble else told


class _Answered(NamedTuple):
    """Who gave the last answer, for others that begin otherwise."""

    prompt: tuple[int, ...]
    heal: str
    who: Who


class Router:
    """Implements `homespun.models.types.Generator` by a server and, where there is one, a model."""

    def __init__(
        self,
        remote: RemoteGenerator,
        local: Generator | None,
        options: RemoteOptions,
        *,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        """Both take the same prompts: `remote` was made with the tokenizer of `local`.

        `changed` is called, on any thread, when `state` is another.
        """
        self._route: Route = options.route if local else "remote"
        self.name: str = remote.name
        if local is not None and self._route != "remote":
            self.name = f"{local.name} or {remote.name}"
        self.adapter: str = local.adapter if local else MODEL_AS_SHIPPED
        self.fim: FimTokens = remote.fim
        self.context_tokens: int = remote.context_tokens
        self.sends = True
        self.remote, self.local = remote, local
        self._timeout_ms = options.timeout_ms
        self._budget = DayBudget(options.tokens_a_day)
        self._changed = changed
        self._trouble = self._spent = ""
        self._last = _Answered((), "", REMOTE)
        # A race returns before its loser has ended, and neither takes two questions at once.
        self._here, self._there = threading.Lock(), threading.Lock()

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
            route=self._route,
            trouble=self._trouble,
            spent=self._spent,
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
        """Ask by the route; `model` and `route` of the generation say who answered.

        Raises `RemoteError` where there is no model here.
        """
        question = RoutedQuestion(tuple(prompt), max_tokens, stop, heal, hints, not_first)
        who: Who | None = None
        if not_first and self._last[:2] == (question.prompt, heal):
            who = self._last.who  # only who gave an answer knows what else might have come first
        done = self._asked(question, cancelled, who)
        if not not_first:
            answered: Who = LOCAL if done.route == LOCAL else REMOTE
            self._last = _Answered(question.prompt, heal, answered)
        return done

    def score(self, prompt: Sequence[int], answer: Sequence[int]) -> float:
        """Have the model here score; a server does not."""
        with self._here:
            return (self.local or self.remote).score(prompt, answer)

    def warm(self, prompt: Sequence[int], *, cancelled: Callable[[], bool]) -> Warmth:
        """Make ready whoever is asked first: the model here, or the server where it answers.

        A server that may not be asked at all reads nothing ahead of need.
        """
        if self.local is not None and self._route != "remote":
            return self._warm_here(self.local, prompt, cancelled)
        try:
            return self._warm_there(prompt, cancelled)
        except RemoteError as error:
            self._note(error)
            if self.local is None:
                return Warmth(len(prompt), 0, finished=False)
            return self._warm_here(self.local, prompt, cancelled)

    def connect(self) -> None:
        """Find out what is at the address; what goes wrong is noted as of any question."""
        client = self.remote.client
        try:
            self.remote.connect(Limits(client.clock() + _CONNECT_SECONDS, lambda: False))
        except RemoteError as error:
            self._note(error)
        self._changed()

    def close(self) -> None:
        """Close idle connections to the server."""
        self.remote.close()

    def _asked(
        self, question: RoutedQuestion, cancelled: Callable[[], bool], who: Who | None
    ) -> Generation:
        local = self.local
        if local is None:
            return replace(self._ask_there(question, cancelled), route=REMOTE)

        def here(cancelled: Callable[[], bool]) -> Generation:
            return self._ask_here(local, question, cancelled)

        def there(cancelled: Callable[[], bool], *, within_ms: int) -> Generation:
            return self._ask_there(question, cancelled, within_ms=within_ms)

        if who == LOCAL:
            return replace(here(cancelled), route=LOCAL)
        if who is None and self._route == "escalate":
            return escalate(
                cancelled,
                here=here,
                there=there,
                probability=lambda done: self._probability(question, done),
                threshold=threshold(),
                timeout_ms=self._timeout_ms,
            )
        if who is None and self._route == "race":
            return race(question, cancelled, here=here, there=there, timeout_ms=self._timeout_ms)
        try:
            return replace(self._ask_there(question, cancelled), route=REMOTE)
        except RemoteError as error:
            return replace(
                here(cancelled), route=LOCAL, route_why=f"instead of your server: {error}"
            )

    def _ask_here(
        self, local: Generator, question: RoutedQuestion, cancelled: Callable[[], bool]
    ) -> Generation:
        with self._here:
            done = question.of(local, cancelled)
        return replace(done, model=local.name, adapter=local.adapter)

    def _ask_there(
        self,
        question: RoutedQuestion,
        cancelled: Callable[[], bool],
        *,
        within_ms: int | None = None,
    ) -> Generation:
        """Ask the server, as far as the day's tokens go. Raises `RemoteError`, noted."""
        used = len(question.prompt)  # of a question that gets no answer
        try:
            reserved = self._budget.reserve(used + question.max_tokens)
            try:
                with self._there:
                    done = self.remote.generate(
                        question.prompt,
                        max_tokens=question.max_tokens,
                        stop=question.fresh_stop,
                        cancelled=cancelled,
                        heal=question.heal,
                        not_first=question.not_first,
                        within_ms=within_ms,
                    )
                used = done.prompt_tokens + len(done.token_ids)
            except (LeftAlone, RemoteRefused):
                used = 0  # nothing was sent, or it was not read
                raise
            finally:
                self._budget.settle(reserved, used)
        except RemoteError as error:
            self._note(error)
            raise
        if done.finish != "cancelled":
            self._note(None)
        return done

    def _warm_here(
        self, local: Generator, prompt: Sequence[int], cancelled: Callable[[], bool]
    ) -> Warmth:
        with self._here:
            return local.warm(prompt, cancelled=cancelled)

    def _warm_there(self, prompt: Sequence[int], cancelled: Callable[[], bool]) -> Warmth:
        reserved = self._budget.reserve(len(prompt) + 1)
        used = 0
        try:
            with self._there:
                warmth = self.remote.warm(prompt, cancelled=cancelled)
            server = self.remote.server
            used = reserved.tokens if server is not None and server.kind.warms else 0
        finally:
            self._budget.settle(reserved, used)
        return warmth

    def _probability(self, question: RoutedQuestion, done: Generation) -> float:
        line = line_of(question, self.tokenizer, self.fim)
        return line_probability(question, done, line=line, tokenizer=self.tokenizer)

    def _note(self, error: RemoteError | None) -> None:
        """Keep what became of a question; a change is logged in one line."""
        spent = str(error) if isinstance(error, BudgetSpent) else ""
        trouble = self._trouble if spent else str(error or "")
        if (trouble, spent) == (self._trouble, self._spent):
            return
        who = f"{self.local.name} answers" if self.local else "nothing else answers"
        if spent and not self._spent:
            logger.warning("%s; %s meanwhile", spent, who)
        if trouble and not self._trouble:
            logger.warning("%s; %s meanwhile", trouble, who)
        elif self._trouble and not trouble:
            logger.warning("%s answers again", self.remote.client.address.shown)
        self._trouble, self._spent = trouble, spent
        self._changed()
