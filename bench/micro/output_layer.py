"""Measure whether the screened output layer chooses what the whole one would choose.

    python -m bench.micro.output_layer FILE [FILE ...] [--model NAME] [--tokens 190]

Takes a stretch of each file (source code, prose, any language), runs it through the model and
compares, at every position, the token chosen by 4-bit screening and int8 re-ranking with the best
of all int8 logits.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from homespun.models.engine.decoder import PREFILL_CHUNK_TOKENS, OnnxDecoder
from homespun.models.load import load_generator


def main() -> None:
    """Print one line of totals."""
    args = _arguments()
    decoder = load_generator(args.model, context_tokens=args.tokens + 64)
    assert isinstance(decoder, OnnxDecoder)
    rng = np.random.default_rng(0)
    found = np.concatenate([_compare(decoder, path, args.tokens, rng) for path in args.files])
    wrong, error = found[:, 0], np.abs(found[:, 1])
    print(f"{len(found)} positions, {int(wrong.sum())} of them chosen differently")
    print(f"log-probability off by {error.mean():.5f} on average, {error.max():.5f} at most")


def _compare(decoder: OnnxDecoder, path: Path, tokens: int, rng: np.random.Generator) -> np.ndarray:
    """Return `(positions, 2)`: 1 where the choice differs, and the log-probability's error."""
    ids = decoder.tokenizer.encode(path.read_text(encoding="utf-8", errors="replace"))
    start = int(rng.integers(0, max(1, len(ids) - tokens)))
    ids = ids[start : start + tokens]
    decoder._slots.clear()
    slot = decoder._slots.take(ids)
    found = []
    for first in range(0, len(ids), PREFILL_CHUNK_TOKENS):
        chunk = ids[first : first + PREFILL_CHUNK_TOKENS]
        rows = decoder.run(slot, chunk, range(len(chunk)), None)
        for row, logits in enumerate(rows.full().astype(np.float64)):
            token, logprob, *_ = rows.best(row)
            exact = -np.log(np.exp(logits - logits.max()).sum())
            found.append((token != int(logits.argmax()), logprob - exact))
    return np.array(found, np.float64)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--model", default="qwen2.5-coder-0.5b")
    parser.add_argument("--tokens", type=int, default=190)
    return parser.parse_args()


if __name__ == "__main__":
    main()
