"""What a run's page shows: examples before and after, costs, origin."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from homespun.training.config import DatasetReport, TrainOptions
from homespun.training.evaluation.arms import ArmAnswer
from homespun.training.evaluation.evaluate import Evaluation
from homespun.training.evaluation.metrics import Score
from homespun.training.evaluation.report import PRIMARY
from homespun.training.gate.measured import RuleProbe
from homespun.training.gate.verdict import GateVerdict
from homespun.training.report.figures import minutes
from homespun.training.report.page import ReportPage, Sample
from homespun.training.runs import Run, libraries, read_stage

_SHOWN_LINES = 6  # of the document, before an example's cursor
_OF_A_SORT = 4  # examples: won, lost, still wrong


def samples_of(found: Evaluation, *, seed: int) -> list[Sample]:
    """Draw items that the adapter won, lost, and that both got wrong, of each as many."""
    scores = {row.id: row.scores for row in found.report.rows}
    answers = {(answer.item.id, answer.arm): answer for answer in found.answers}
    sorts: dict[str, list[tuple[ArmAnswer, ArmAnswer]]] = {"won": [], "lost": [], "wrong": []}
    for item in found.items:
        after, before = (answers.get((item.id, arm)) for arm in PRIMARY)
        if after is None or before is None:
            continue
        sort = _sort(*(scores[item.id][arm] for arm in PRIMARY))
        if sort:
            sorts[sort].append((before, after))
    rng = random.Random(f"{seed}-samples")
    drawn = [
        pair for pairs in sorts.values() for pair in rng.sample(pairs, min(_OF_A_SORT, len(pairs)))
    ]
    return [_sample(before, after, scores[before.item.id]) for before, after in drawn]


def page_of(
    run: Run, options: TrainOptions, dataset: DatasetReport, verdict: GateVerdict, outcome: str
) -> ReportPage:
    """Collect what the stages left."""
    evaluation: dict[str, Any] = {}
    samples: list[Sample] = []
    rules: list[RuleProbe] = []
    if (run.folder / "evaluation.json").is_file():
        evaluation = read_stage(run.folder / "evaluation.json")
        samples = [Sample(**row) for row in read_stage(run.folder / "samples.json")]
    if (run.folder / "probes.json").is_file():
        rules = [RuleProbe(**row) for row in read_stage(run.folder / "probes.json")["rules"]]
    return ReportPage(
        repo=dataset.repo,
        run=run.name,
        made=datetime.now().astimezone().strftime("%Y-%m-%d %H:%M"),
        verdict=verdict,
        outcome=outcome,
        dataset=dataset.to_json(),
        fit=read_stage(run.folder / "fit.json"),
        evaluation=evaluation,
        rules=rules,
        samples=samples,
        costs=_costs(run.stages),
        provenance=_provenance(run, options, dataset),
    )


def _sort(after: Score, before: Score) -> str:
    if after.exact_line != before.exact_line:
        return "won" if after.exact_line else "lost"
    return "" if after.exact_line else "wrong"


def _sample(before: ArmAnswer, after: ArmAnswer, scores: Mapping[str, Score]) -> Sample:
    example = before.item.example
    shown = example.prefix.split("\n")
    return Sample(
        path=example.path,
        line=len(shown),
        shown="\n".join(shown[-_SHOWN_LINES:]),
        wanted=example.middle,
        before=before.completion.text,
        after=after.completion.text,
        before_is_exact=scores[PRIMARY[1]].exact_line,
        after_is_exact=scores[PRIMARY[0]].exact_line,
    )


def _costs(stages: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    costs = {
        f"{name}": minutes(float(result["seconds"]))
        for name, result in stages.items()
        if float(result.get("seconds", 0)) >= 1
    }
    learning = stages.get("learning", {})
    if learning.get("tokens"):
        costs["tokens learned from"] = f"{learning['tokens']:,}"
    if learning.get("peak_mb"):
        costs["peak memory"] = f"{learning['peak_mb'] / 1000:.1f} GB"
    return costs


def _provenance(run: Run, options: TrainOptions, dataset: DatasetReport) -> dict[str, str]:
    versions: Sequence[str] = [f"{name} {number}" for name, number in libraries().items()]
    kept = replace(options, arms=())
    shown = {name: value for name, value in kept.to_json().items() if value not in (None, [], "")}
    return {
        "model": options.model,
        "learned from the tree of": dataset.tree or "no history",
        "nothing later than": f"{dataset.cutoff} {dataset.cutoff_date}".strip() or "no history",
        "data card": dataset.card_sha256,
        "options": ", ".join(f"{name}={value}" for name, value in shown.items()),
        "made with": ", ".join(versions),
        "run": "/".join(run.folder.parts[-3:]),  # a page that is mailed shows nobody's folders
    }
