"""Tuning on real repositories (`make bench-tuning`): adapters against the model as shipped.

    python -m bench.tuning                          # train on each repository, then the tables
    python -m bench.tuning python-sdk --minutes 60
    python -m bench.tuning --tables                 # only the tables, from the kept results

Clones each repository at a pinned commit, runs `homespun train` on what was committed before a day
and judges on what came after it; then asks the remaining arms on a share of the items. None of the
repositories is in the training data of the general adapter or the encoder (`held_out.json`). Takes
two hours or more each on two cores; a run that was ended goes on. Prints Markdown tables; what they
are made of, without a line of anybody's code, stays in bench/results/tuning-NAME.json.gz.
"""

from __future__ import annotations

import argparse
import gzip
import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bench.common.provenance import RESULTS
from homespun import paths
from homespun.cli.progress import RichProgress
from homespun.server.options import CompletionOptions
from homespun.settings import resolve
from homespun.stats import Estimate, Paired
from homespun.training.config import CPU_ITEMS, TrainOptions
from homespun.training.evaluation.evaluate import evaluate
from homespun.training.evaluation.inputs import EvaluationConfig
from homespun.training.evaluation.items import ItemConfig
from homespun.training.evaluation.report import PRIMARY_METRIC, CompletionReport, ScoredItem
from homespun.training.pipeline.train import train
from homespun.training.runs import unfinished

ALL_ARMS = tuple(
    f"{model}/{context}"
    for model in ("base", "general", "repository")
    for context in ("none", "retrieval", "oracle")
)
CONTRASTS = (
    ("repository/retrieval", "general/retrieval"),
    ("repository/none", "general/none"),
    ("general/retrieval", "general/none"),
    ("repository/retrieval", "general/none"),
)
_OTHERS = (
    ("similarity", "edit similarity, points", 100),
    ("runs_on", "runs on, points", 100),
    ("loss", "loss, nats a token", 1),
)
_MIN_PAIRS = 20  # of a rule that is listed by itself


@dataclass(frozen=True, slots=True)
class Subject:
    """A repository, and the day that parts learning from judging."""

    name: str
    url: str
    commit: str
    until: str


SUBJECTS = (
    Subject(
        "python-sdk",
        "https://github.com/modelcontextprotocol/python-sdk",
        "57394b0548d1e2dc2dce8d67d84985769df3b8bb",
        "2026-05-01",
    ),
    Subject(
        "openai-agents-python",
        "https://github.com/openai/openai-agents-python",
        "7f7a44f8dc0650296bd5ab6c745c9bcbaa6ac3b7",
        "2026-08-01",
    ),
    Subject(
        "fastify",
        "https://github.com/fastify/fastify",
        "83e69762aff047940b376fc2a266d143499ef727",
        "2024-06-01",
    ),
)


def main() -> int:
    """Run what is asked for and print the tables of all that is kept."""
    args = _arguments()
    chosen = [s for s in SUBJECTS if not args.names or s.name in args.names]
    if not args.tables:
        for subject in chosen:
            run(subject, args)
    kept = [_read(path) for s in chosen if (path := _kept_at(s)).is_file()]
    if not kept:
        print("nothing was run yet", file=sys.stderr)
        return 1
    print("\n\n".join(tables(kept)))
    return 0


def run(subject: Subject, args: argparse.Namespace) -> None:
    """Train and judge one adapter, ask the other arms, keep the figures."""
    folder = checkout(subject, args.repos)
    settings = resolve(CompletionOptions, "completion", workspace=folder).value
    options = TrainOptions(
        model=settings.model,
        until=subject.until,
        minutes=args.minutes,
        items=args.items,
        whole_exam=args.whole_exam,
    )
    with RichProgress() as progress:
        done = train(
            folder,
            options,
            resume=unfinished(folder) is not None,
            completion=settings,
            progress=progress,
        )
        progress.say(done.verdict.explain())
        if not done.adapter:
            return
        evaluation = json.loads((done.folder / "evaluation.json").read_text(encoding="utf-8"))
        found = CompletionReport.from_json(evaluation)
        if args.more_items and found.rows:
            found = _with_more_arms(found, folder, done.adapter, settings, args, progress)
    probes = json.loads((done.folder / "probes.json").read_text(encoding="utf-8"))
    body = {
        "name": subject.name,
        "commit": subject.commit,
        "until": subject.until,
        "verdict": done.verdict.to_json(),
        "seconds": done.seconds,
        "fit": json.loads((done.folder / "fit.json").read_text(encoding="utf-8")),
        "rules": probes["rules"],
        # What each task of the infilling gave is in the verdict's one figure.
        "evaluation": found.to_json(kept=True) | {"infilling": None},
    }
    RESULTS.mkdir(exist_ok=True)
    text = json.dumps(body) + "\n"
    _kept_at(subject).write_bytes(gzip.compress(text.encode("utf-8"), mtime=0))


def checkout(subject: Subject, repos: Path | None) -> Path:
    """Return a clone at the pinned commit; made anew where it is not there."""
    folder = (repos or paths.home() / "bench" / "repositories") / subject.name
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(["git", "clone", "--quiet", subject.url, str(folder)], check=True)
    subprocess.run(["git", "-C", str(folder), "checkout", "--quiet", subject.commit], check=True)
    return folder


def _with_more_arms(
    found: CompletionReport,
    folder: Path,
    adapter: str,
    settings: CompletionOptions,
    args: argparse.Namespace,
    progress: RichProgress,
) -> CompletionReport:
    """Add the arms that a training does not ask, on some of the same items."""
    more = evaluate(
        folder,
        since=found.window["since"],
        adapter=adapter,
        options=settings,
        config=EvaluationConfig(arms=ALL_ARMS, items=ItemConfig(items=args.more_items)),
        progress=progress,
    ).report
    added = {row.id: row for row in more.rows}
    rows = [
        replace(row, scores={**added.pop(row.id).scores, **row.scores}) if row.id in added else row
        for row in found.rows
    ]
    return replace(
        found, arms=ALL_ARMS, models={**more.models, **found.models}, rows=(*rows, *added.values())
    )


def tables(kept: Sequence[dict[str, Any]]) -> list[str]:
    """Return the tables: arms, comparisons, other measures, verdicts, conventions."""
    reports = {body["name"]: CompletionReport.from_json(body["evaluation"]) for body in kept}
    if len(reports) > 1:
        reports["both"] = pooled(list(reports.values()))
    found = [_arms(reports), _contrasts(reports), _others(reports)]
    found += [_verdict(body) for body in kept]
    found.append(_rules(kept))
    return found


def pooled(reports: Sequence[CompletionReport]) -> CompletionReport:
    """Return one report with the rows of all."""
    rows: list[ScoredItem] = [row for report in reports for row in report.rows]
    return replace(reports[0], repo="both", rows=tuple(rows))


def _arms(reports: dict[str, CompletionReport]) -> str:
    lines = ["| exact first line | " + " | ".join(reports) + " |", "|---|" + "--:|" * len(reports)]
    for arm in ALL_ARMS:
        cells = [
            _share(report.estimate(arm, PRIMARY_METRIC), report, arm) for report in reports.values()
        ]
        if any(cells):
            lines.append(f"| {arm} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _contrasts(reports: dict[str, CompletionReport]) -> str:
    lines = [
        "| difference, points | " + " | ".join(reports) + " |",
        "|---|" + "--:|" * len(reports),
    ]
    for first, second in CONTRASTS:
        for strata in ((), ("novel",), ("new-file", "novel"), ("convention",)):
            found = [r.compare(first, second, PRIMARY_METRIC, *strata) for r in reports.values()]
            where = f", {' and '.join(strata)}" if strata else ""
            lines.append(f"| {first} - {second}{where} | " + " | ".join(map(_points, found)) + " |")
    return "\n".join(lines)


def _others(reports: dict[str, CompletionReport]) -> str:
    """Return what else the first contrast changes."""
    first, second = CONTRASTS[0]
    lines = [
        f"| {first} - {second} | " + " | ".join(reports) + " |",
        "|---|" + "--:|" * len(reports),
    ]
    for metric, name, unit in _OTHERS:
        cells = [
            _scaled(report.compare(first, second, metric), unit) for report in reports.values()
        ]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _verdict(body: dict[str, Any]) -> str:
    verdict = body["verdict"]
    lines = [f"**{body['name']}** ({body['seconds'] / 60:.0f} min): {verdict['headline']}", ""]
    lines += ["| condition | found | |", "|---|---|---|"]
    for row in verdict["conditions"]:
        holds = "yes" if row["passed"] else "open" if row.get("is_open") else "NO"
        lines.append(f"| {row['name']} | {row['found']} | {holds} |")
    return "\n".join(lines)


def _rules(kept: Sequence[dict[str, Any]]) -> str:
    lines = ["| convention | repository | pairs | before | after |", "|---|---|--:|--:|--:|"]
    won = lost = 0
    for body in kept:
        for rule in sorted(body["rules"], key=lambda rule: -rule["sites"]):
            if rule["sites"] < _MIN_PAIRS:
                continue
            won += rule["after"] > rule["before"]
            lost += rule["after"] < rule["before"]
            shares = f"{rule['before']:.0%} | {rule['after']:.0%}"
            lines.append(f"| {rule['rule']} | {body['name']} | {rule['sites']} | {shares} |")
    lines.append(f"\nrules with {_MIN_PAIRS} pairs or more: {won} better, {lost} worse")
    return "\n".join(lines)


def _share(found: Estimate | None, report: CompletionReport, arm: str) -> str:
    if found is None:
        return ""
    count = sum(arm in row.scores for row in report.rows)
    return f"{found.mean:.1%} [{found.low:.1%}, {found.high:.1%}], n={count}"


def _points(found: Paired | None) -> str:
    if found is None:
        return ""
    difference = found.difference
    interval = f"[{difference.low * 100:+.1f}, {difference.high * 100:+.1f}]"
    p = f", p={found.discordance.p:.3f}" if found.discordance else ""
    return f"{difference.mean * 100:+.1f} {interval}, n={found.n}{p}"


def _scaled(found: Paired | None, unit: int) -> str:
    if found is None:
        return ""
    low, mean, high = (
        unit * value
        for value in (found.difference.low, found.difference.mean, found.difference.high)
    )
    return f"{mean:+.3g} [{low:+.3g}, {high:+.3g}]"


def _kept_at(subject: Subject) -> Path:
    return RESULTS / f"tuning-{subject.name}.json.gz"


def _read(path: Path) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(gzip.decompress(path.read_bytes()))
    return body


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="default: all")
    parser.add_argument("--repos", type=Path, help="folder with clones")
    parser.add_argument("--minutes", type=float, default=60.0, help="of learning, each")
    parser.add_argument("--items", type=int, default=CPU_ITEMS, help="to judge by, each")
    parser.add_argument(
        "--more-items", type=int, default=0, help="also for the arms base and oracle"
    )
    parser.add_argument(
        "--whole-exam", action="store_true", help="as of `homespun train`: for all of the tables"
    )
    parser.add_argument("--tables", action="store_true", help="train nothing")
    args = parser.parse_args()
    known = [subject.name for subject in SUBJECTS]
    if unknown := set(args.names) - set(known):
        parser.error(f"there is no {', '.join(sorted(unknown))}; give some of {', '.join(known)}")
    return args


if __name__ == "__main__":
    sys.exit(main())
