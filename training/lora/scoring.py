"""Log-probabilities of what fills the holes, in float, by the model that is being trained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from homespun.progress import NoProgress, Progress
from homespun.training.dataset.examples import EncodedExample

_BATCH_TOKENS = 2048


class ScoresBatches(Protocol):
    """`homespun.training.lora.model.LoraModel`, or a stand-in."""

    def logprobs(self, batch: Sequence[EncodedExample]) -> list[float]:
        """Return the summed log-probability (nats) of each example's `ids[start:]`."""


@dataclass(frozen=True, slots=True)
class Scored:
    """How likely a model found what fills a hole."""

    logprob: float  # nats, summed over the tokens, the end token among them
    tokens: int


def score(
    model: ScoresBatches,
    encoded: Sequence[EncodedExample],
    *,
    batch_tokens: int = _BATCH_TOKENS,
    progress: Progress | None = None,
) -> list[Scored]:
    """Return a score for each example, in input order; like lengths are computed together."""
    listener = progress or NoProgress()
    listener.start("scoring", len(encoded), "examples")
    order = sorted(range(len(encoded)), key=lambda place: len(encoded[place].ids))
    found: dict[int, Scored] = {}
    batch: list[int] = []
    for place in [*order, -1]:
        is_full = place < 0 or len(encoded[place].ids) * (len(batch) + 1) > batch_tokens
        if batch and is_full:
            logprobs = model.logprobs([encoded[member] for member in batch])
            for member, logprob in zip(batch, logprobs, strict=True):
                tokens = len(encoded[member].ids) - encoded[member].start
                found[member] = Scored(logprob, tokens)
            listener.advance(len(batch))
            batch = []
        if place >= 0:
            batch.append(place)
    listener.finish()
    return [found[place] for place in range(len(encoded))]
