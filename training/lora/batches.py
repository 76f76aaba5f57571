"""Which examples a step learns from: batches of like lengths, in an order that the seed gives."""

from __future__ import annotations

import random
from collections.abc import Collection, Sequence

from homespun.training.dataset.examples import EncodedExample
from homespun.training.lora.presets import Preset

_LIKE_LENGTHS = 16  # batches whose examples are sorted by length together
_BEFORE_EARLY = 8  # batches before the early ones: little is learned while the rate still rises


def plan(
    train: Sequence[EncodedExample], preset: Preset, seed: int, *, early: Collection[str] = ()
) -> list[list[EncodedExample]]:
    """Return the batches of all epochs: like lengths together, in an order of chance.

    The batches of the first epoch with examples of `early` come right behind the first few.
    """
    batches: list[list[EncodedExample]] = []
    for epoch in range(preset.epochs):
        rng = random.Random(f"{seed}-{epoch}")
        shuffled = rng.sample(list(train), len(train))
        mean = sum(len(example.ids) for example in train) / len(train)
        window = max(int(preset.batch_tokens / mean * _LIKE_LENGTHS), 1)
        for start in range(0, len(shuffled), window):
            some = sorted(shuffled[start : start + window], key=lambda e: (len(e.ids), e.id))
            pieces = cut(some, preset.batch_tokens, is_packed=bool(preset.row_tokens))
            batches += rng.sample(pieces, len(pieces))
        if epoch == 0 and early:
            batches = _with_early(batches, early)
    return batches[: preset.steps]


def _with_early(
    batches: Sequence[list[EncodedExample]], early: Collection[str]
) -> list[list[EncodedExample]]:
    first: list[list[EncodedExample]] = []
    rest: list[list[EncodedExample]] = []
    for batch in batches:
        (first if any(example.id in early for example in batch) else rest).append(batch)
    return [*rest[:_BEFORE_EARLY], *first, *rest[_BEFORE_EARLY:]]


def cut(
    examples: Sequence[EncodedExample], most_tokens: int, *, is_packed: bool = False
) -> list[list[EncodedExample]]:
    """Cut a list sorted by length into batches of at most `most_tokens`, padding counted.

    Packed examples may have any order, and are not padded.
    """
    batches: list[list[EncodedExample]] = []
    tokens = 0
    for example in examples:
        tokens += len(example.ids)
        padded = len(example.ids) * (len(batches[-1]) + 1) if batches else 0
        if not batches or (tokens if is_packed else padded) > most_tokens:
            batches.append([])
            tokens = len(example.ids)
        batches[-1].append(example)
    return batches
