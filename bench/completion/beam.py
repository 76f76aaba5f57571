"""Greedy lines against the likeliest of a few: how many more are right, and for how much work.

    python -m bench.completion.beam            # tasks that `homespun eval infilling` does not ask
    python -m bench.completion.beam --default  # those that it asks

Where the greedy line has an unsure token, the runner-up takes its place and the line is written on
from there, greedily; the line with the highest probability counts. A beginning that is less likely
already than the best whole line is not followed. Beam search (Lowerre 1976) without the beams that
lead nowhere.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.completion import unshipped_adapters
from bench.completion.adapter_scale import chosen
from homespun.models.engine.decoder import OnnxDecoder
from homespun.stats import cluster_mean, paired
from homespun.training.evaluation.served_model import open_model
from homespun.training.safety import forgetting

_MIN_LOG_PROBABILITY = math.log(0.1)  # log-probability of a runner-up that is worth a look
_RUNNERS_UP = 2  # of one token
_LOOKS = 3  # beginnings tried for one line


@dataclass(frozen=True, slots=True)
class Beginning:
    """The greedy tokens up to one that is replaced, and the one in its place."""

    ids: list[int]
    logprob: float  # nats, of all of them


@dataclass(frozen=True, slots=True)
class Looked:
    """What became of one task."""

    function: str
    greedy: bool  # exact
    likeliest: bool  # exact
    among: bool  # the wanted line is one of those that were written
    looks: int  # beginnings that were followed
    tokens: int  # written behind them
    greedy_tokens: int


def main() -> None:
    """Print exact lines of both ways, and the work of the second."""
    args = _arguments()
    tasks = forgetting.tasks(count=args.tasks) if args.default else chosen(args.tasks)
    opened = open_model(
        args.model, "none", workspace=Path(), context_tokens=forgetting.CONTEXT_TOKENS
    )
    decoder = opened.generator
    assert isinstance(decoder, OnnxDecoder)
    rows = [look(decoder, task) for task in tasks]
    clusters = [row.function for row in rows]
    greedy = [float(row.greedy) for row in rows]
    likeliest = [float(row.likeliest) for row in rows]
    compared = paired(likeliest, greedy, clusters)
    print(f"| {len(rows)} lines | exact | against greedy |\n|---|--:|--:|")
    print(f"| greedy | {cluster_mean(greedy, clusters).mean:.3f} | |")
    cell = unshipped_adapters.difference_cell(compared.difference)
    print(f"| likeliest | {cluster_mean(likeliest, clusters).mean:.3f} | {cell} |")
    print(f"| any of them | {sum(row.among for row in rows) / len(rows):.3f} | |")
    print(f"\n{compared.discordance}")
    looked, more = sum(row.looks > 0 for row in rows), sum(row.tokens for row in rows)
    first = sum(row.greedy_tokens for row in rows)
    print(f"{looked} lines looked at again, {more} tokens behind {first} of the greedy lines")


def look(decoder: OnnxDecoder, task: forgetting.InfillingTask) -> Looked:
    """Write a task's line greedily, then from its unsure tokens on."""
    prompt = forgetting.prompt_ids(decoder, task)
    first = forgetting.written(decoder, prompt)
    found = {first.text.strip(): first.logprob}
    looks = more = 0
    for beginning in _beginnings(decoder, prompt, list(first.token_ids)):
        if beginning.logprob <= max(found.values()):
            break
        text, logprob = decoder.tokenizer.decode(beginning.ids), beginning.logprob
        if "\n" not in text:
            again = forgetting.written(decoder, [*prompt, *beginning.ids])
            text, logprob = text + again.text, logprob + again.logprob
            looks, more = looks + 1, more + len(again.token_ids)
        line = text.split("\n")[0].strip()
        found[line] = max(found.get(line, -math.inf), logprob)
    return Looked(
        task.function,
        first.text.strip() == task.line,
        max(found, key=found.__getitem__) == task.line,
        task.line in found,
        looks,
        more,
        len(first.token_ids),
    )


def _beginnings(decoder: OnnxDecoder, prompt: list[int], ids: list[int]) -> list[Beginning]:
    """Return the beginnings with a runner-up at their end, the likeliest ones first."""
    if not ids:
        return []
    rows = range(len(prompt) - 1, len(prompt) + len(ids) - 1)
    logits = decoder.logits([*prompt, *ids], rows).astype(np.float64)
    logits -= logits.max(axis=1, keepdims=True)
    logprobs = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    found = list(_replaced(decoder, ids, logprobs))
    return sorted(found, key=lambda beginning: -beginning.logprob)[:_LOOKS]


def _replaced(decoder: OnnxDecoder, ids: list[int], logprobs: np.ndarray) -> Iterator[Beginning]:
    before = 0.0
    for place, token in enumerate(ids):
        row = logprobs[place]
        for other in np.argsort(-row)[: _RUNNERS_UP + 1].tolist():
            if other != token and row[other] > _MIN_LOG_PROBABILITY:
                yield Beginning([*ids[:place], other], before + float(row[other]))
        before += float(row[token])


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--tasks", type=int, default=300)
    parser.add_argument("--default", action="store_true", help="the tasks of the evaluation")
    parser.add_argument("--model", default="qwen2.5-coder-0.5b")
    return parser.parse_args()


if __name__ == "__main__":
    main()
