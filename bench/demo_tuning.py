"""What `make demo-tuning` runs: learn ten minutes from a small real repository, show what changed.

    python -m bench.demo_tuning
    python -m bench.demo_tuning --repository DIR --minutes 20    # yours; nothing is promoted

The repository is APScheduler (MIT) at a pinned commit; none of it is in what the shipped parts
learned from. A tenth of its commits is kept back, and lines of them are completed before and after:
most where the house's form of a habit is to be written and the file does not show it. It is the
training of `homespun train`, with a smaller exam: too small for a verdict in the adapter's favour,
which takes 1,250 places and 900 habits, and so the verdict says what it could not tell.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from bench.tuning import Subject, checkout
from homespun.cli.progress import RichProgress
from homespun.errors import HomespunError
from homespun.server.options import CompletionOptions
from homespun.settings import resolve
from homespun.training.config import TrainOptions
from homespun.training.evaluation.report import PRIMARY
from homespun.training.pipeline.train import TrainResult, train
from homespun.training.report.page import Sample
from homespun.training.runs import read_stage

SUBJECT = Subject(
    "apscheduler",
    "https://github.com/agronholm/apscheduler",
    "f2337f7aa675718ba5f0af33e0cb53006304ab0a",
    "",
)
_LINES = 5


def main() -> int:
    """Print the demonstration; exit status 0 when there is a verdict."""
    args = _arguments()
    folder = args.repository or checkout(SUBJECT, None)
    settings = resolve(CompletionOptions, "completion", workspace=folder).value
    options = TrainOptions(
        model=settings.model,
        minutes=args.minutes,
        items=60,
        habits=120,
        probes=60,
        forgetting_tasks=60,
        canaries=0,  # to rank them takes longer than all else here
        arms=PRIMARY,
        promote=False,
    )
    started = time.perf_counter()
    try:
        with RichProgress() as progress:
            done = train(folder, options, completion=settings, progress=progress)
    except HomespunError as error:
        print(error, file=sys.stderr)
        return 1
    show(done, Console(highlight=False, soft_wrap=True))
    print(f"\nall of it took {(time.perf_counter() - started) / 60:.0f} min")
    return 0


def show(done: TrainResult, console: Console) -> None:
    """Print lines before and after, the verdict, and where the page is."""
    kept = done.folder / "samples.json"
    samples = [Sample(**row) for row in read_stage(kept)] if kept.is_file() else []
    for sample in chosen(samples):
        console.print(f"\n[bold]{escape(sample.path)}:{sample.line}[/bold] {escape(sample.habit)}")
        typed = sample.shown.rpartition("\n")[2]
        for name, text, is_right in (
            ("as committed", sample.wanted, None),
            ("as shipped", sample.before, sample.before_is_right),
            ("with the adapter", sample.after, sample.after_is_right),
        ):
            mark = {None: " ", True: "[green]+[/green]", False: "[red]-[/red]"}[is_right]
            line = (text.splitlines() or [""])[0]
            console.print(f"{name:>18} {mark} [dim]{escape(typed.lstrip())}[/dim]{escape(line)}")
    console.print(f"\n{escape(done.verdict.explain())}")
    console.print(f"\n{escape(done.outcome)}\nthe page: {done.report}")


def chosen(samples: Sequence[Sample]) -> list[Sample]:
    """Return five lines, won and lost in turns; where fewer changed, ones that stayed wrong."""
    won, lost, wrong = (
        [it for it in samples if (it.before_is_right, it.after_is_right) == sort]
        for sort in ((False, True), (True, False), (False, False))
    )
    most = max(len(won), len(lost))
    turns = [it for number in range(most) for it in (*won[number:][:1], *lost[number:][:1])]
    return [*turns, *wrong][:_LINES]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--repository", type=Path, metavar="DIR", help="another one, with history")
    parser.add_argument("--minutes", type=float, default=10.0, help="of learning")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
