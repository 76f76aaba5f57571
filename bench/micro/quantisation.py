"""What int8 costs: loss of the served model against float32, not smoothed, and in seven bits.

    python -m bench.micro.quantisation [--model NAME] [--tokens 500]

Mean next-token loss on six files of Python's standard library, and what all lose against float32
with its 95 % interval. Needs the dev extra.
"""

from __future__ import annotations

import argparse
import email.message
import json.decoder
import shutil
import tarfile
import tempfile
import textwrap
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from unittest import mock

import numpy as np
import torch

from homespun import paths
from homespun.models import catalogue
from homespun.models.convert import convert, quantize
from homespun.models.convert.smoothquant import SmoothedSource
from homespun.models.engine.decoder import OnnxDecoder
from homespun.models.load import load_generator
from homespun.models.serve import decoder_form, float_weights
from homespun.models.weights.gguf import GgufSource
from homespun.models.weights.source import WeightSource
from homespun.models.weights.transformers_model import as_transformers
from homespun.progress import NoProgress

FILES = (argparse, json.decoder, email.message, shutil, tarfile, textwrap)
_SKIPPED_TOKENS = 200  # licence and docstring at the head of a file
_STRETCH = 50  # tokens that are drawn together: the losses of neighbours are not independent


def main() -> None:
    """Print the table."""
    args = _arguments()
    if args.adapter == "base":
        file = catalogue.get(args.model).files[0].name
        source: WeightSource = GgufSource(paths.source_dir(args.model) / file)
    else:
        source = float_weights(args.model)
    served = load_generator(args.model, adapter=args.adapter, context_tokens=args.tokens + 64)
    texts = [Path(str(module.__file__)).read_text(encoding="utf-8") for module in FILES]
    ids = [served.tokenizer.encode(text)[_SKIPPED_TOKENS:][: args.tokens] for text in texts]
    model = as_transformers(source)
    with torch.no_grad():
        reference = [_losses(model(torch.tensor([row])).logits[0].numpy(), row) for row in ids]
    del model
    print("| weights | " + " | ".join(module.__name__ for module in FILES) + " | mean | all |")
    print("|---|" + "--:|" * (len(FILES) + 2))
    _print("float32", reference, reference)
    assert isinstance(served, OnnxDecoder)
    _print("served", [_losses(served.logits(row), row) for row in ids], reference)
    usual = 8 if quantize.int8_products_are_exact() else 7
    for name, bits, is_smoothed in (
        (f"{usual} bits, not smoothed", usual, False),
        ("7 bits, smoothed", 7, True),
        ("7 bits, not smoothed", 7, False),
    ):
        with tempfile.TemporaryDirectory() as scratch:
            form = Path(scratch) / "served"
            _convert(source, form, bits=bits, is_smoothed=is_smoothed)
            other = OnnxDecoder(decoder_form(form), threads=0, context_tokens=args.tokens + 64)
            _print(name, [_losses(other.logits(row), row) for row in ids], reference)
            del other


def _convert(source: WeightSource, target: Path, *, bits: int, is_smoothed: bool) -> None:
    def ones(_: SmoothedSource, normed: np.ndarray, __: Sequence[str]) -> np.ndarray:
        return np.ones(normed.shape[1], np.float32)

    unsmoothed = mock.patch.object(SmoothedSource, "_scale", ones)
    with nullcontext() if is_smoothed else unsmoothed:
        convert.convert_decoder(
            source,
            target,
            name="measured",
            fim=catalogue.get("qwen2.5-coder-0.5b").fim,
            source_sha256="",
            bits=bits,
            progress=NoProgress(),
        )


def _losses(logits: np.ndarray, ids: list[int]) -> np.ndarray:
    """Return the loss of each token but the first, nats."""
    most = logits.max(axis=1)
    sums = [np.exp(row - top).sum(dtype=np.float64) for row, top in zip(logits, most, strict=True)]
    picked = logits[np.arange(len(ids) - 1), ids[1:]] - most[:-1]
    return np.log(sums[:-1]) - picked


def _print(name: str, losses: list[np.ndarray], reference: list[np.ndarray]) -> None:
    pairs = [(a.mean(), b.mean()) for a, b in zip(losses, reference, strict=True)]
    cells = [f"{ours:.4f} ({ours / theirs - 1:+.2%})" for ours, theirs in pairs]
    ours, theirs = np.concatenate(losses), np.concatenate(reference)
    least, most = _lost(ours, theirs)
    share = f"{ours.sum() / theirs.sum() - 1:+.2%} [{least:+.2%}, {most:+.2%}]"
    print("| " + " | ".join([name, *cells, f"{ours.mean():.4f}", share]) + " |", flush=True)


def _lost(ours: np.ndarray, theirs: np.ndarray) -> tuple[float, float]:
    """Return the 95 % interval of what `ours` loses, as a share; drawn by stretches of text."""
    ends = len(ours) // _STRETCH * _STRETCH
    sums = np.stack([ours[:ends], theirs[:ends]]).reshape(2, -1, _STRETCH).sum(axis=2)
    drawn = np.random.default_rng(0).integers(0, sums.shape[1], (10_000, sums.shape[1]))
    totals = sums[:, drawn].sum(axis=2)
    least, most = np.quantile(totals[0] / totals[1] - 1, [0.025, 0.975])
    return float(least), float(most)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", default="qwen2.5-coder-0.5b")
    parser.add_argument("--tokens", type=int, default=500)
    parser.add_argument(
        "--adapter",
        choices=("base", "none"),
        default="base",
        help="the original weights, or the model as shipped, with the general adapter",
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
