"""Says which repositories have something to tune.

    python -m bench.house_forms [NAME ...] [--habits N]

An adapter is for the house's form where the file does not show it (docs/gate.md). So, before hours
of learning: how often does the model as shipped, with retrieval as it serves, write the other form
there? What it writes right already no adapter can win. Minutes a repository; prints a Markdown
table and keeps it, without a line of anybody's code, in bench/results/house-forms.json.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from bench.common.provenance import RESULTS
from bench.tuning import SUBJECTS as TUNED
from bench.tuning import Subject, checkout
from homespun.cli.progress import RichProgress
from homespun.server.options import CompletionOptions
from homespun.settings import resolve
from homespun.training.advice.shares import share_of
from homespun.training.config import TrainOptions
from homespun.training.evaluation.evaluate import evaluate
from homespun.training.evaluation.inputs import EvaluationConfig, Extras
from homespun.training.evaluation.items import ItemConfig
from homespun.training.evaluation.report import ScoredItem
from homespun.training.history.repository import Repository
from homespun.training.pipeline.exam import planned
from homespun.training.pipeline.habits import habit_places
from homespun.training.pipeline.house_style import some_of

ARM = "general/retrieval"
KEPT = RESULTS / "house-forms.json"
_MIN_SITES = 4  # of a rule that is named

_TUNED = {subject.name: subject for subject in TUNED}
SUBJECTS = (
    _TUNED["python-sdk"],
    Subject(
        "trio",
        "https://github.com/python-trio/trio",
        "60d0c2f84854ec6ef74995663dcdce3296840485",
        "2023-01-01",
    ),
    Subject(
        "twisted",
        "https://github.com/twisted/twisted",
        "64661601a1e492a9448ac1011deb9cd9467a9e30",
        "2023-01-01",
    ),
    replace(_TUNED["fastify"], until="2024-01-01"),
    Subject(
        "eslint",
        "https://github.com/eslint/eslint",
        "c27bc926e496985eb7911c09eb60914b2e4b5d0f",
        "2025-06-01",
    ),
)


@dataclass(frozen=True, slots=True)
class Screened:
    """What the model as shipped writes at habits that the file does not show."""

    name: str
    commit: str
    until: str
    places: int  # of later commits that an exam would have, at most as many as it asks
    habits: int
    asked: int
    sites: int  # of the asked rules that were written
    house: float  # share in the house's form
    low: float  # its 95 % interval, commits drawn
    high: float
    others: dict[str, str]  # rule -> "in the other form/written", the commonest first


def main() -> int:
    """Ask at each repository's habits; print and keep the table of all that was asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=_Raw)
    parser.add_argument("names", nargs="*", metavar="NAME", help="of these repositories only")
    parser.add_argument("--habits", type=int, default=100, help="to ask (default: 100)")
    parser.add_argument("--repos", type=Path, help="folder with clones")
    args = parser.parse_args()
    kept = json.loads(KEPT.read_text(encoding="utf-8")) if KEPT.is_file() else {}
    for subject in SUBJECTS:
        if not args.names or subject.name in args.names:
            kept[subject.name] = asdict(screened(subject, args.habits, args.repos))
            KEPT.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    print(table([Screened(**row) for row in kept.values()]))
    return 0


class _Raw(argparse.RawDescriptionHelpFormatter):
    pass


def screened(subject: Subject, habits: int, repos: Path | None) -> Screened:
    """Have the model as shipped write some habits of a repository's later commits."""
    folder = checkout(subject, repos)
    completion = resolve(CompletionOptions, "completion", workspace=folder).value
    options = TrainOptions(model=completion.model, until=subject.until)
    with RichProgress() as progress:
        with Repository.open(folder) as repository:
            plan = planned(repository, options, progress)
        pairs = some_of(plan.pairs, habits, seed=0)
        report = evaluate(
            folder,
            since=plan.windows.cutoff,
            adapter="none",
            options=completion,
            # One place, because an evaluation without any is an error.
            config=EvaluationConfig(
                arms=(ARM,), items=ItemConfig(items=1), with_loss=False, with_linter=False
            ),
            extras=Extras(
                convention_sites=plan.style.sites,
                written_forms=plan.style.written,
                habits=habit_places(pairs, subject.name),
            ),
            progress=progress,
        ).report
    exam = plan.exam
    return _counted(subject, report.habits, len(pairs), exam.places, exam.habits)


def _counted(
    subject: Subject, rows: tuple[ScoredItem, ...], asked: int, places: int, habits: int
) -> Screened:
    sites: list[tuple[bool, str]] = []
    other: Counter[str] = Counter()
    written: Counter[str] = Counter()
    for row in rows:
        score = row.scores.get(ARM)
        for rule, counts in ((score.forms or {}) if score else {}).items():
            sites += [(True, row.cluster)] * counts.house + [(False, row.cluster)] * counts.other
            other[rule] += counts.other
            written[rule] += counts.house + counts.other
    share = share_of(sites)
    named = {
        rule: f"{count}/{written[rule]}"
        for rule, count in other.most_common(4)
        if count and written[rule] >= _MIN_SITES
    }
    return Screened(
        subject.name,
        subject.commit,
        subject.until,
        places,
        habits,
        asked,
        len(sites),
        share.value,
        share.low,
        share.high,
        named,
    )


def table(rows: list[Screened]) -> str:
    """Return a Markdown table, the repository with most to win first."""
    lines = [
        "| repository | learned until | places, habits of later commits | asked | sites written "
        "| in the house's form | most often in the other form |",
        "|---|---|--:|--:|--:|--:|---|",
    ]
    for row in sorted(rows, key=lambda one: one.house):
        rules = ", ".join(f"{rule} {count}" for rule, count in row.others.items()) or "-"
        lines.append(
            f"| {row.name} | {row.until} | {row.places:,}, {row.habits:,} | {row.asked} "
            f"| {row.sites} | {row.house:.0%} [{row.low:.0%}, {row.high:.0%}] | {rules} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
