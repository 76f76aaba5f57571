"""`homespun eval completion`: lines of later commits, completed with and without an adapter."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from homespun.cli.errors import UsageError
from homespun.cli.numbers import check_least
from homespun.cli.output import say
from homespun.cli.progress import RichProgress
from homespun.cli.verbs.eval import accepted

if TYPE_CHECKING:
    from homespun.training.evaluation.evaluate import Evaluation
    from homespun.training.evaluation.report import CompletionReport, CompletionVerdict

_ACCEPTED = "completion.json"
_SHIPPED_ARMS = ("general/none", "general/retrieval")
_REPOSITORY_ARMS = ("repository/none", "repository/retrieval")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("dir", nargs="?", default=".", metavar="DIR", help="folder (default: .)")
    parser.add_argument(
        "--since",
        required=True,
        metavar="REV",
        help="revision or day; only lines that were added behind it count",
    )
    parser.add_argument("--until", metavar="REV", help="revision or day (default: the last commit)")
    parser.add_argument("--items", type=int, default=900, metavar="N", help="(default: 900)")
    parser.add_argument(
        "--arms",
        nargs="+",
        metavar="MODEL/CONTEXT",
        help="base, general or repository / none, retrieval or oracle (default: general and, "
        "where there is an adapter, repository, each without and with retrieval)",
    )
    parser.add_argument(
        "--adapter",
        default="champion",
        metavar="ID",
        help="what the repository arms use: an ID, a folder or champion (default)",
    )
    parser.add_argument("--model", metavar="NAME", help="default: the setting completion.model")
    parser.add_argument(
        "--infilling",
        type=int,
        default=0,
        metavar="N",
        help="also N lines of ordinary Python, to see what was forgotten",
    )
    parser.add_argument("--seed", type=int, default=0, help="which items (default: 0)")
    parser.add_argument("--no-loss", action="store_true", help="leave the loss out; saves time")
    parser.add_argument("--no-lint", action="store_true", help="leave the linter out")
    accepted.add_arguments(parser, default=f"DIR/.homespun/{accepted.FOLDER}/{_ACCEPTED}")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")


def run(args: argparse.Namespace) -> int:
    """Evaluate, compare, print; 1 where it got worse or cannot be compared."""
    from homespun.training.errors import BadCompletionReport
    from homespun.training.evaluation import report as completion_report

    check_least("--items", args.items, 1)
    check_least("--infilling", args.infilling, 0)
    compared = accepted.ComparedPart(
        completion_report,
        BadCompletionReport,
        measure=lambda: _measured(args),
        show=lambda report, verdict: _print(report, verdict, args),
        drop_sentence=_drop_sentence,
    )
    return compared.run(args, Path(args.dir), _ACCEPTED)


def _measured(args: argparse.Namespace) -> CompletionReport:
    done = _evaluated(args)
    for note in done.notes:
        say(note)
    return done.report


def _evaluated(args: argparse.Namespace) -> Evaluation:
    from homespun.server.completion.open import completion_settings
    from homespun.training.evaluation.arms import check_arms
    from homespun.training.evaluation.evaluate import evaluate
    from homespun.training.evaluation.inputs import EvaluationConfig
    from homespun.training.evaluation.items import ItemConfig

    root = Path(args.dir)
    if not root.is_dir():
        raise UsageError(f"{args.dir!r} is no folder; give that of a repository")
    options = completion_settings(root, flags={"model": args.model}, say=say)
    config = EvaluationConfig(
        arms=tuple(check_arms(args.arms or _default_arms(root, args.adapter))),
        items=ItemConfig(items=args.items, seed=args.seed),
        infilling_tasks=args.infilling,
        with_loss=not args.no_loss,
        with_linter=not args.no_lint,
    )
    with RichProgress(quiet=args.json) as progress:
        return evaluate(
            root,
            since=args.since,
            until=args.until,
            adapter=args.adapter,
            options=options,
            config=config,
            progress=progress,
        )


def _default_arms(root: Path, adapter: str) -> list[str]:
    from homespun.models.adapters.registry import Registry

    if adapter == "champion" and Registry(root.resolve()).champion() is None:
        return list(_SHIPPED_ARMS)
    return [*_SHIPPED_ARMS, *_REPOSITORY_ARMS]


def _print(
    report: CompletionReport, verdict: CompletionVerdict | None, args: argparse.Namespace
) -> None:
    from homespun.cli.verbs.eval import completion_tables

    if args.json:
        comparison = completion_tables.verdict_json(verdict)
        print(json.dumps(report.to_json() | {"comparison": comparison}), flush=True)
        return
    completion_tables.print_report(report)
    if verdict is not None:
        completion_tables.print_verdict(verdict)


def _drop_sentence(verdict: CompletionVerdict) -> str:
    return (
        f"{verdict.arm} got worse against the accepted report; mend it, or take the new state "
        "with --accept"
    )
