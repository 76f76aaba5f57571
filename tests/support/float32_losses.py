"""What the shipped model's float32 weights lose on six texts, token by token: recorded, and anew.

    python -m tests.support.float32_losses    # writes the record; minutes of one core

Everything that is served is held against these numbers. They follow from the weights and the tokens
alone, so they are computed once for the weights whose hashes stand beside them.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from homespun.models.load import load_generator
from homespun.models.serve import float_weights, identity
from homespun.models.weights.transformers_model import as_transformers

MODEL = "qwen2.5-coder-0.5b"
TEXTS = ("argparse", "json.decoder", "email.message", "shutil", "tarfile", "textwrap")
TOKENS = slice(200, 701)
RECORD = Path(__file__).parents[1] / "golden" / "float32-losses.json"


@dataclass(frozen=True, slots=True)
class Text:
    """501 tokens of a module of the standard library; the loss of each but the first, nats."""

    tokens: list[int]
    losses: np.ndarray


@dataclass(frozen=True, slots=True)
class Record:
    """The texts, and what names the weights."""

    weights: dict[str, object]  # as in an adapter's manifest
    texts: list[Text]


def recorded() -> Record:
    """Return what is recorded."""
    body = json.loads(RECORD.read_text(encoding="utf-8"))
    texts = [Text(it["tokens"], np.array(it["losses"])) for it in body["texts"]]
    return Record(body["weights"], texts)


def token_losses(logits: np.ndarray, ids: list[int]) -> np.ndarray:
    """Return the loss of each token but the first, nats, from the logits [tokens, vocabulary]."""
    most = logits.max(axis=1)
    # A row at a time: all rows at once are gigabytes of float64.
    sums = (np.exp(row - top).sum(dtype=np.float64) for row, top in zip(logits, most, strict=True))
    picked = logits[np.arange(len(ids) - 1), ids[1:]] - most[:-1]
    return np.log(np.fromiter(sums, np.float64)[:-1]) - picked


def reference() -> Callable[[list[int]], np.ndarray]:
    """Return what gives the losses of tokens by transformers, in float32."""
    import torch

    model = as_transformers(float_weights(MODEL))

    def of(ids: list[int]) -> np.ndarray:
        with torch.no_grad():
            return token_losses(model(torch.tensor([ids])).logits[0].numpy(), ids)

    return of


def main() -> None:
    """Write the record anew."""
    tokenizer = load_generator(MODEL, context_tokens=1024).tokenizer
    of = reference()
    texts = []
    for name in TEXTS:
        source = Path(importlib.import_module(name).__file__ or "").read_text(encoding="utf-8")
        ids = tokenizer.encode(source)[TOKENS]
        lost = [round(float(it), 5) for it in of(ids)]
        texts.append({"module": name, "tokens": ids, "losses": lost})
    weights = identity(MODEL).facts()
    body = json.dumps({"weights": weights, "texts": texts}, separators=(",", ":"))
    RECORD.write_text(body + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
