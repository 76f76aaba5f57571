"""What the general adapter brought on packages that it has not learned from: loss and exact text.

    python -m bench.completion.held_out_packages    # the original weights and the shipped ones
    python -m bench.completion.held_out_packages --adapters none FOLDER    # others, in this order

Holes in files of the packages that `make adapter` holds out, asked in turns through the served
decoder with prompts of the server's layout: mean loss of what stood there, and how often the model
writes exactly that and ends. Mines the examples first where they are not there (some minutes).
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.completion import unshipped_adapters
from homespun.cli.progress import RichProgress
from homespun.models.types import Generator
from homespun.stats import cluster_mean, paired
from homespun.training.dataset.examples import EncodedExample, Example, read_examples
from homespun.training.evaluation.served_model import open_model
from homespun.training.shipped.general_adapter import job
from homespun.training.shipped.general_adapter.examples import Mix

_CONTEXT_TOKENS = 1024


@dataclass(frozen=True, slots=True)
class AnsweredHole:
    """What one model made of one hole."""

    source: str  # the package, the cluster of all intervals
    loss: float  # nats a token
    is_exact: bool


def main() -> None:
    """Print loss and exact answers of each arm, compared with the first."""
    args = _arguments()
    examples, encoded = _held(args.model, args.examples)
    with RichProgress() as progress, ExitStack() as stack:
        arms = {
            name: stack.enter_context(_opened(args.model, name, progress)) for name in args.adapters
        }
        found: dict[str, list[AnsweredHole]] = {name: [] for name in arms}
        progress.start("held-out packages", len(encoded), "holes")
        for example, ids in zip(examples, encoded, strict=True):
            for name, generator in arms.items():
                found[name].append(_answer(generator, example, ids))
            progress.advance(1)
        progress.finish()
    packages = len({example.source for example in examples})
    print(f"{len(examples)} holes of {packages} packages")
    print("| weights | nats a token | exact | 95 % | against the first |\n|---|--:|--:|--:|--:|")
    first = found[args.adapters[0]]
    for name, answers in found.items():
        print(_row(name, answers, first))


@contextmanager
def _opened(model: str, adapter: str, progress: RichProgress) -> Iterator[Generator]:
    """Open the model with one adapter; a folder's takes the place of the shipped one."""
    how: dict[str, Any] = {"context_tokens": _CONTEXT_TOKENS, "progress": progress}
    if Path(adapter).is_dir():
        with unshipped_adapters.opened(model, Path(adapter), **how) as generator:
            yield generator
    else:
        yield open_model(model, adapter, workspace=Path(), **how).generator


def _held(model: str, count: int) -> tuple[list[Example], list[EncodedExample]]:
    """Return held-out examples and their token ids; lengths are those of the first phase."""
    phase, mix = job.PHASES[0], Mix()
    with RichProgress() as progress:
        path = job.make_examples(mix, progress=progress)
    _, held = job.parted(list(read_examples(path)), mix.seed)
    encoder = job.encoder_of(model, job.source_of(model))
    encoded = phase.encode(held, encoder, mix.seed)[:count]
    by_id = {example.id: example for example in held}
    return [by_id[one.id] for one in encoded], encoded


def _answer(generator: Generator, example: Example, ids: EncodedExample) -> AnsweredHole:
    prompt, wanted = ids.ids[: ids.start], ids.ids[ids.start :]
    logprob = generator.score(prompt, wanted)
    # One token more than is wanted, so that one who goes on is not exact.
    done = generator.generate(
        prompt, max_tokens=len(wanted), stop=lambda _: None, cancelled=lambda: False
    )
    text = generator.tokenizer.decode(wanted[:-1])
    return AnsweredHole(example.source, -logprob / len(wanted), done.text.rstrip() == text.rstrip())


def _row(name: str, answers: Sequence[AnsweredHole], first: Sequence[AnsweredHole]) -> str:
    clusters = [answer.source for answer in answers]
    right = [float(answer.is_exact) for answer in answers]
    exact = cluster_mean(right, clusters)
    loss = math.fsum(answer.loss for answer in answers) / len(answers)
    against = ""
    if answers is not first:
        difference = paired(right, [float(a.is_exact) for a in first], clusters).difference
        against = unshipped_adapters.difference_cell(difference)
    return (
        f"| {name} | {loss:.3f} | {exact.mean:.3f} | {exact.low:.3f}-{exact.high:.3f} | {against} |"
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument(
        "--adapters",
        nargs="+",
        default=["base", "none"],
        help="base: original weights, none: as shipped, or folders (default: base none)",
    )
    parser.add_argument("--model", default=job.MODEL)
    parser.add_argument("--examples", type=int, default=300)
    return parser.parse_args()


if __name__ == "__main__":
    main()
