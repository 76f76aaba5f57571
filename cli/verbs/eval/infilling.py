"""`homespun eval infilling`: ordinary Python, a line at a time, through the served decoder."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from homespun.cli.errors import UsageError
from homespun.cli.numbers import check_least
from homespun.cli.output import say, table_console
from homespun.cli.progress import RichProgress

if TYPE_CHECKING:
    from homespun.training.evaluation.served_model import Opened
    from homespun.training.safety.forgetting import Infilling, InfillingArm

_WIDTH = 110  # columns where the output goes to a file


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "--adapter",
        nargs="+",
        default=["none"],
        metavar="base|none|ID",
        help="adapters to measure in turns; later ones are compared with the first "
        "(default: none, the model as shipped)",
    )
    parser.add_argument("--tasks", type=int, default=300, help="of 1,033 (default: 300)")
    parser.add_argument("--seed", type=int, default=0, help="which tasks (default: 0)")
    parser.add_argument("--model", metavar="NAME", help="default: the setting completion.model")
    parser.add_argument("--path", default=".", metavar="DIR", help="workspace of the adapters")
    parser.add_argument("--threads", type=int, default=0, help="0 takes every physical core")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")


def run(args: argparse.Namespace) -> int:
    """Measure and print; 1 where a later adapter may be worse than the first by the margin."""
    from homespun.training.safety import forgetting

    check_least("--tasks", args.tasks, 1)
    if len(set(args.adapter)) < len(args.adapter):
        raise UsageError(f"--adapter names one twice: {' '.join(args.adapter)}")
    with RichProgress(quiet=args.json) as progress:
        models = _opened(args, progress)
        asked = forgetting.tasks(args.tasks, seed=args.seed)
        found = forgetting.measure(
            {name: opened.generator for name, opened in models.items()},
            asked,
            seed=args.seed,
            progress=progress,
        )
    if args.json:
        weights = {name: opened.weights for name, opened in models.items()}
        print(json.dumps(found.to_json() | {"weights": weights}), flush=True)
    else:
        _print(found)
    forgetful = [arm.name for arm in found.arms[1:] if found.forgets(arm)]
    if forgetful:
        points = forgetting.MARGIN * 100
        say(
            f"{', '.join(forgetful)} may be more than {points:g} points worse than "
            f"{found.arms[0].name}"
        )
    return 1 if forgetful else 0


def _opened(args: argparse.Namespace, progress: RichProgress) -> dict[str, Opened]:
    from homespun.models.recommend.auto import named_model
    from homespun.server.options import CompletionOptions
    from homespun.settings import resolve
    from homespun.training.evaluation.served_model import open_model
    from homespun.training.safety.forgetting import CONTEXT_TOKENS

    workspace = Path(args.path)
    settings = resolve(CompletionOptions, "completion", workspace=workspace)
    model = named_model(args.model or settings.value.model, threads=args.threads, say=say)
    return {
        adapter: open_model(
            model,
            adapter,
            workspace=workspace,
            threads=args.threads,
            context_tokens=CONTEXT_TOKENS,
            progress=progress,
        )
        for adapter in args.adapter
    }


def _print(found: Infilling) -> None:
    from rich import box
    from rich.table import Table

    console = table_console(_WIDTH)
    count = len(found.arms[0].answers)
    title = f"single-line infilling, {count} tasks (seed {found.seed})"
    table = Table(title=title, title_justify="left", box=box.SIMPLE, pad_edge=False)
    table.add_column("adapter", no_wrap=True)
    first = found.arms[0].name
    for name in ("exact", "95 %", f"against {first}", "p", "s a task", "tokens/s", "prompt t/s"):
        table.add_column(name, justify="right", no_wrap=True)
    for arm in found.arms:
        table.add_row(arm.name, *_cells(found, arm))
    console.print(table)


def _cells(found: Infilling, arm: InfillingArm) -> list[str]:
    from homespun.cli.verbs.eval.retrieval_tables import signed

    exact = arm.exact
    difference, p = "", ""
    if arm is not found.arms[0]:
        compared = found.against_first(arm)
        difference = signed(compared.difference)
        p = f"{compared.discordance.p:.3f}" if compared.discordance else ""
    return [
        f"{exact.mean:.3f}",
        f"{exact.low:.3f}-{exact.high:.3f}",
        difference,
        p,
        f"{arm.seconds:.2f}",
        f"{arm.tokens_per_second:.1f}",
        f"{arm.prompt_tokens_per_second:.0f}",
    ]
