"""What int8 costs: loss of the served model against float32, with and without smoothing.

    python -m bench.micro.quantisation [--model NAME] [--tokens 500]

Mean next-token loss on four files of Python's standard library. Needs the dev extra.
"""

from __future__ import annotations

import argparse
import email.message
import json.decoder
import shutil
import tempfile
from collections.abc import Sequence
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

FILES = (argparse, json.decoder, email.message, shutil)
_SKIPPED_TOKENS = 200  # licence and docstring at the head of a file


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
        reference = [_loss(model(torch.tensor([row])).logits[0].numpy(), row) for row in ids]
    del model
    print("| weights | " + " | ".join(module.__name__ for module in FILES) + " | mean |")
    print("|---|" + "--:|" * (len(FILES) + 1))
    _print("float32", reference, reference)
    assert isinstance(served, OnnxDecoder)
    _print("int8, served", [_loss(served.logits(row), row) for row in ids], reference)
    with tempfile.TemporaryDirectory() as scratch:
        plain = _without_smoothing(source, Path(scratch) / "served", args.tokens + 64)
        _print("int8, not smoothed", [_loss(plain.logits(row), row) for row in ids], reference)


def _without_smoothing(source: WeightSource, target: Path, context_tokens: int) -> OnnxDecoder:
    def ones(_: SmoothedSource, normed: np.ndarray, __: Sequence[str]) -> np.ndarray:
        return np.ones(normed.shape[1], np.float32)

    with mock.patch.object(SmoothedSource, "_scale", ones):
        convert.convert_decoder(
            source,
            target,
            name="plain",
            fim=catalogue.get("qwen2.5-coder-0.5b").fim,
            source_sha256="",
            bits=8 if quantize.int8_products_are_exact() else 7,
            progress=NoProgress(),
        )
    return OnnxDecoder(decoder_form(target), threads=0, context_tokens=context_tokens)


def _loss(logits: np.ndarray, ids: list[int]) -> float:
    rows = logits[:-1].astype(np.float64)
    rows -= rows.max(axis=1, keepdims=True)
    picked = rows[np.arange(len(ids) - 1), ids[1:]]
    return float(np.mean(np.log(np.exp(rows).sum(axis=1)) - picked))


def _print(name: str, losses: list[float], reference: list[float]) -> None:
    cells = [f"{a:.4f} ({a / b - 1:+.2%})" for a, b in zip(losses, reference, strict=True)]
    mean = f"{np.mean(losses):.4f} ({np.mean(losses) / np.mean(reference) - 1:+.2%})"
    print("| " + " | ".join([name, *cells, mean]) + " |", flush=True)


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
