"""EDGE torch: the embedder's table and its training loop.

A vector is the sum of the rows of a text's words, each times its learned weight and 1 + ln(count),
at unit length. Trained with InfoNCE in both directions over the pairs of a batch; pairs that share
a side are no negatives of each other.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from homespun.progress import Progress
from homespun.training.shipped.static_encoder.corpus import Corpus
from homespun.training.shipped.static_encoder.data import Bags, batches

if TYPE_CHECKING:
    import torch

Table = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Settings:
    """What a run of the training is made of; all of it goes into the manifest."""

    seed: int = 21
    words: int = 48_000
    dimensions: int = 256
    epochs: float = 0.75
    batch: int = 2048  # pairs
    run: int = 256  # pairs of one package that stand together in a batch
    flatness: float = 0.7  # a language with n pairs is drawn n ** flatness often
    rate: float = 0.004  # highest learning rate (Adam)
    warm: float = 0.05  # share of the steps until it is reached
    temperature: float = 0.06  # where the learned one starts
    dropout: float = 0.1  # share of words that a step does not see
    threads: int = 1  # two are no faster beside other work


@dataclass(frozen=True, slots=True)
class Trained:
    """The rows that a runtime needs: word weight and vector in one."""

    table: Table  # (words, dimensions)
    temperature: float
    losses: list[float]
    seconds: float


def train(
    corpus: Corpus,
    bags: Bags,
    rows: npt.NDArray[np.int64],
    start: Table,
    settings: Settings,
    *,
    progress: Progress,
) -> Trained:
    """Train on the pairs `rows` from the rows `start` `(words, dimensions)`."""
    import torch

    torch.manual_seed(settings.seed)
    torch.set_num_threads(settings.threads)
    began = time.monotonic()
    table = torch.nn.Parameter(torch.from_numpy(start.copy()))
    gains = torch.nn.Parameter(torch.zeros(len(start)))  # ln of each word's weight
    sharpness = torch.nn.Parameter(torch.tensor(math.log(1 / settings.temperature)))
    optimizer = torch.optim.Adam(
        [table, gains, sharpness], lr=settings.rate, betas=(0.9, 0.98), fused=True
    )
    plan = _plan(corpus, rows, settings)
    steps = len(plan)
    keys = _sides(corpus, bags)
    progress.start("training", steps, "steps")
    losses = []
    chance = np.random.default_rng(settings.seed)
    for step, batch in enumerate(plan):
        for group in optimizer.param_groups:
            group["lr"] = settings.rate * _rate(step / steps, settings.warm)
        scaled = table * gains.exp().unsqueeze(1)
        pairs = corpus.pairs[batch].astype(np.int64)
        left = _vectors(scaled, bags, pairs[:, 1], settings.dropout, chance)
        right = _vectors(scaled, bags, pairs[:, 2], settings.dropout, chance)
        loss = _loss(left, right, sharpness.exp(), keys[pairs[:, 1]], keys[pairs[:, 2]])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        losses.append(float(loss.detach()))
        progress.advance(1)
    progress.finish()
    return Trained(
        table=_rows(table, gains),
        temperature=float((-sharpness).exp().detach()),
        losses=losses,
        seconds=time.monotonic() - began,
    )


def vectors(table: Table, bags: Bags, texts: npt.NDArray[np.int64]) -> Table:
    """Return `(len(texts), dimensions)` unit rows; a text without known words is all zeros."""
    out = np.zeros((len(texts), table.shape[1]), np.float32)
    for place, text in enumerate(texts):
        first, last = bags.starts[text], bags.starts[text + 1]
        out[place] = bags.weights[first:last] @ table[bags.words[first:last]]
    norms = np.linalg.norm(out, axis=1, keepdims=True)
    return np.asarray(out / np.maximum(norms, 1e-9), np.float32)


def _plan(
    corpus: Corpus, rows: npt.NDArray[np.int64], settings: Settings
) -> list[npt.NDArray[np.int64]]:
    plan: list[npt.NDArray[np.int64]] = []
    for epoch in range(math.ceil(settings.epochs)):
        drawn = batches(
            corpus,
            rows,
            size=settings.batch,
            run=settings.run,
            flatness=settings.flatness,
            seed=settings.seed + epoch,
        )
        plan += list(drawn)
    return plan[: round(len(plan) * settings.epochs / math.ceil(settings.epochs))]


def _rate(done: float, warm: float) -> float:
    """Linear up, cosine down."""
    if done < warm:
        return done / warm + 0.02
    return 0.5 * (1 + math.cos(math.pi * (done - warm) / (1 - warm))) + 0.01


def _sides(corpus: Corpus, bags: Bags) -> npt.NDArray[np.int64]:
    """Return a number a text: texts of the same words have the same."""
    salt = np.random.default_rng(0).integers(1, 2**62, 2**16, dtype=np.int64)
    mixed = salt[bags.words] * (bags.weights * 1000).astype(np.int64)
    sums = np.concatenate([[0], np.cumsum(mixed)])  # wraps around, which is as good
    return np.asarray(sums[bags.starts[1:]] - sums[bags.starts[:-1]], np.int64)


def _vectors(
    scaled: torch.Tensor,
    bags: Bags,
    texts: npt.NDArray[np.int64],
    dropout: float,
    chance: np.random.Generator,
) -> torch.Tensor:
    import torch

    words, weights, starts = bags.take(texts)
    if dropout:
        weights = weights * (chance.random(len(weights), dtype=np.float32) >= dropout)
    summed = torch.nn.functional.embedding_bag(
        torch.from_numpy(words),
        scaled,
        torch.from_numpy(starts),
        mode="sum",
        per_sample_weights=torch.from_numpy(weights),
    )
    return torch.nn.functional.normalize(summed, dim=1, eps=1e-6)


def _loss(
    left: torch.Tensor,
    right: torch.Tensor,
    sharpness: torch.Tensor,
    left_keys: npt.NDArray[np.int64],
    right_keys: npt.NDArray[np.int64],
) -> torch.Tensor:
    import torch

    logits = (left @ right.T) * sharpness.clamp(max=100.0)
    rows, columns = _shared(left_keys, right_keys)
    logits = logits.index_put((rows, columns), torch.tensor(-1e4))
    wanted = torch.arange(len(left))
    cross = torch.nn.functional.cross_entropy
    return (cross(logits, wanted) + cross(logits.T, wanted)) / 2


def _shared(*sides: npt.NDArray[np.int64]) -> tuple[torch.Tensor, torch.Tensor]:
    """Return (rows, columns) of the pairs that share a side and so are no negatives."""
    import torch

    found: list[tuple[int, int]] = []
    for keys in sides:
        order = np.argsort(keys, kind="stable")
        bounds = np.flatnonzero(np.diff(keys[order])) + 1
        for group in np.split(order, bounds):
            if len(group) > 1:
                found += [(a, b) for a in group.tolist() for b in group.tolist() if a != b]
    pairs = torch.tensor(found, dtype=torch.int64).reshape(-1, 2)
    return pairs[:, 0], pairs[:, 1]


def _rows(table: torch.Tensor, gains: torch.Tensor) -> Table:
    rows: Table = (table * gains.exp().unsqueeze(1)).detach().numpy().copy()
    return rows
