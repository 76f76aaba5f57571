"""Opens the served form of a model with an adapter, as a completion would, and names its bytes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from homespun.models.adapters.stack import named
from homespun.models.convert.served_form import read_manifest
from homespun.models.types import Generator
from homespun.progress import NoProgress, Progress
from homespun.server.completion.open import open_generator
from homespun.server.options import CompletionOptions
from homespun.training.dataset.examples import EncodedExample, Example, ExampleEncoder

_PROMPT_TOKENS = 320  # a pair has to be likely by the code right around it
SCORED_TOKENS = _PROMPT_TOKENS + 512  # prompt and answer of a pair
_OPTIONS = CompletionOptions()


@dataclass(frozen=True, slots=True)
class Opened:
    """A model that is ready, and what makes it differ from others."""

    adapter: str  # what is merged: "none", "base", an ID, a folder's name
    weights: str  # hash of the served files: equal weights, equal answers
    generator: Generator


def open_model(
    model: str,
    adapter: str | Path,
    *,
    workspace: Path,
    threads: int = _OPTIONS.threads,
    context_tokens: int,
    cache_mb: int = _OPTIONS.cache_mb,
    progress: Progress | None = None,
) -> Opened:
    """Open a model by name or path with an adapter; converts where that is due.

    `adapter` is what the setting `completion.adapter` may be, or the path of an adapter's folder.
    Raises the errors of `homespun.models`.
    """
    generator = open_generator(
        model,
        adapter=named(adapter) if isinstance(adapter, str) else adapter,
        workspace=workspace,
        threads=threads,
        context_tokens=context_tokens,
        cache_mb=cache_mb,
        progress=progress,
    )
    return Opened(generator.adapter, weights_hash(generator.directory), generator)


def weights_hash(directory: Path) -> str:
    """Return a hash of a served form's files, from its manifest; the tokenizer's too."""
    manifest = read_manifest(directory) or {}
    files = {name: facts["sha256"] for name, facts in manifest.get("files", {}).items()}
    return hashlib.sha256(json.dumps(files, sort_keys=True).encode()).hexdigest()[:16]


def served_scores(
    model: str,
    adapter: str | Path,
    examples: Sequence[Example],
    *,
    workspace: Path,
    progress: Progress | None = None,
) -> list[tuple[float, int]]:
    """Return the log-probability (nats) and the number of tokens of each example's answer."""
    opened = open_model(
        model,
        adapter,
        workspace=workspace,
        context_tokens=SCORED_TOKENS,
        progress=progress,
    )
    return scores_by(opened.generator, examples, progress)


def encoded_for_scores(generator: Generator, example: Example) -> EncodedExample:
    """Return an example as `scores_by` asks for it."""
    encoder = ExampleEncoder(generator.tokenizer, generator.fim)
    return encoder.encode(example, budget=_PROMPT_TOKENS)


def scores_by(
    generator: Generator, examples: Sequence[Example], progress: Progress | None = None
) -> list[tuple[float, int]]:
    """Return what `served_scores` does, of a model that is open."""
    listener = progress or NoProgress()
    encoder = ExampleEncoder(generator.tokenizer, generator.fim)
    found = []
    listener.start("minimal pairs", len(examples), "lines")
    for example in examples:
        one = encoder.encode(example, budget=_PROMPT_TOKENS)
        answer = one.ids[one.start :]
        found.append((generator.score(one.ids[: one.start], answer), len(answer)))
        listener.advance(1)
    listener.finish()
    return found
