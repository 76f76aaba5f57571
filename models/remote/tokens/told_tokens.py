"""What a server tells of the tokens of an answer, as the decoder here tells it of its own.

A server tells a few of the likeliest tokens of each place, not the distribution: what is behind
them counts as many tokens, each as likely as the last that was told, so an entropy is a lower
bound. And it tells how likely a token was to a model that may say anything: where an answer has to
begin with half a word, only the tokens that do count, as they do here.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

_FEWEST = 2  # choices: one alone says nothing of how close the next one was


@dataclass(frozen=True, slots=True)
class Token:
    """A token that might have come."""

    id: int | None
    text: str
    logprob: float  # natural


@dataclass(frozen=True, slots=True)
class ToldToken:
    """A token that came."""

    text: str  # "" where only its probability is told, and of one that ends an answer
    logprob: float  # natural; NaN where it is not told
    choices: tuple[Token, ...] = ()  # what might have come in its place, itself among them
    id: int | None = None

    @property
    def others(self) -> tuple[Token, ...]:
        """What might have come in its place, without itself."""
        return tuple(each for each in self.choices if not self._is(each))

    def _is(self, choice: Token) -> bool:
        if self.id is not None and choice.id is not None:
            return self.id == choice.id
        return self.text == choice.text if self.text else self.logprob == choice.logprob


class TokenRecord:
    """What is told of each token of one answer, in order."""

    def __init__(self, heal: str = "") -> None:
        """`heal` is text that the answer must begin with."""
        self.logprobs: list[float] = []  # natural
        self.margins: list[float] = []  # nats to the likeliest other one
        self.entropies: list[float] = []  # nats
        self._ends: list[int] = []  # characters of all that was written
        self._heal, self._told = heal, ""
        self._is_known = True

    def add(self, tokens: Sequence[ToldToken]) -> None:
        """Take the next tokens."""
        for token in tokens:
            if math.isnan(token.logprob) or len(token.choices) < _FEWEST:
                self._is_known = False
            if self._is_known:
                self._take(token)

    def is_whole(self, written: str) -> bool:
        """Whether all that was written is told of."""
        return self._is_known and 0 < len(written) <= len(self._told)

    def ends(self, written: str) -> list[int]:
        """Return up to which character of what was written behind `heal` each token goes."""
        own = len(written) - len(self._heal)
        return [min(max(end - len(self._heal), 0), own) for end in self._ends]

    def _take(self, token: ToldToken) -> None:
        others = [each.logprob for each in token.others if self._fits(each.text)]
        known = [token.logprob, *others]
        is_any = len(others) == len(token.others)
        total = 0.0 if is_any else math.log(math.fsum(map(math.exp, known)))
        self.logprobs.append(min(token.logprob - total, 0.0))
        self.margins.append(max(token.logprob - max(others, default=-math.inf), 0.0))
        self.entropies.append(_entropy([each - total for each in known]))
        self._told += token.text
        self._ends.append(len(self._told))

    def _fits(self, text: str) -> bool:
        then = self._told + text
        return then.startswith(self._heal) or self._heal.startswith(then)


def _entropy(logprobs: Sequence[float]) -> float:
    """Return the least entropy, in nats, of a distribution of which the likeliest are these."""
    told = [math.exp(each) for each in logprobs]
    rest = max(1 - math.fsum(told), 0.0)
    spread = -math.fsum(p * each for p, each in zip(told, logprobs, strict=True))
    return max(spread - rest * min(logprobs), 0.0)
