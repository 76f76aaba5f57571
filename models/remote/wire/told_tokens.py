"""What a server tells of each token that it wrote, as far as it does: a stranger's JSON.

Whatever is of another type counts as not said, and an answer of which one token is not told counts
as not told at all: who judges by it would else judge another text.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

_NO_RUNNER_UP = 12.0  # nats: none is named
_LEAST = -60.0  # nats; servers write -9999 for what cannot be


@dataclass(frozen=True, slots=True)
class ToldToken:
    """A token of an answer. Nats."""

    text: str
    logprob: float
    margin: float  # by how much the likeliest other one was less likely
    entropy: float  # of the named ones, all others counting as one: somewhat less than of all


@dataclass(slots=True)
class ToldTokens:
    """The tokens of an answer while it streams, and where in its text each ends."""

    logprobs: list[float] = field(default_factory=list)
    margins: list[float] = field(default_factory=list)
    entropies: list[float] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    is_whole: bool = True  # of every piece so far it was told

    def add(self, tokens: Sequence[ToldToken], *, begin: int, end: int) -> None:
        """Take the tokens of a piece; it brought the text between two places of the answer."""
        if not tokens and end > begin:
            self.is_whole = False
        place = begin
        for number, token in enumerate(tokens):
            place = min(place + len(token.text), end)
            self.logprobs.append(token.logprob)
            self.margins.append(token.margin)
            self.entropies.append(token.entropy)
            self.ends.append(end if number == len(tokens) - 1 else place)

    def as_fields(self, tokens: int) -> dict[str, Any]:
        """Return them as `Generation` has them, nothing where one of so many was not told."""
        if not self.is_whole or len(self.logprobs) < max(tokens, 1):
            return {}
        return {
            "token_logprobs": tuple(self.logprobs),
            "token_margins": tuple(self.margins),
            "token_entropies": tuple(self.entropies),
            "token_ends": tuple(self.ends),
        }


def of_list(tokens: Sequence[Mapping[str, Any]]) -> tuple[ToldToken, ...]:
    """Read the list of llama.cpp, Ollama and chats: each token with its `top_logprobs`."""
    found = []
    for each in tokens:
        top = each.get("top_logprobs")
        if not isinstance(top, list):
            return ()
        named = [other.get("logprob") for other in top if isinstance(other, dict)]
        token = _told(each.get("token"), each.get("logprob"), named)
        if token is None:
            return ()
        found.append(token)
    return tuple(found)


def of_columns(said: Mapping[str, Any]) -> tuple[ToldToken, ...]:
    """Read the older form of /v1/completions: lists of texts, numbers and dicts, side by side."""
    columns = [said.get(name) for name in ("tokens", "token_logprobs", "top_logprobs")]
    texts, logprobs, tops = (each if isinstance(each, list) else [] for each in columns)
    if not len(texts) == len(logprobs) == len(tops):
        return ()
    found = []
    for text, logprob, top in zip(texts, logprobs, tops, strict=True):
        token = _told(text, logprob, list(top.values()) if isinstance(top, dict) else [])
        if token is None:
            return ()
        found.append(token)
    return tuple(found)


def _told(text: object, logprob: object, named: Sequence[object]) -> ToldToken | None:
    """Return a token; None where its text or number, or every other one, is not told."""
    if not isinstance(text, str) or not _is_number(logprob):
        return None
    known = sorted((_bounded(each) for each in named if _is_number(each)), reverse=True)
    own = _bounded(logprob)
    if not known:
        return None
    others = list(known)
    others.remove(min(known, key=lambda each: abs(each - own)))  # itself, however it is rounded
    shares = [math.exp(each) for each in known]
    rest = max(1.0 - math.fsum(shares), 0.0)
    entropy = math.fsum(-share * math.log(share) for share in (*shares, rest) if share > 0)
    margin = own - others[0] if others else _NO_RUNNER_UP
    return ToldToken(text, own, margin, max(entropy, 0.0))


def _is_number(value: object) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and not math.isnan(value)  # type: ignore[arg-type]


def _bounded(value: object) -> float:
    return min(max(float(value), _LEAST), 0.0)  # type: ignore[arg-type]
