"""What a run's page shows: examples before and after, costs, origin."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from homespun.training.config import DatasetReport, TrainOptions
from homespun.training.evaluation.arms import ArmAnswer
from homespun.training.evaluation.evaluate import Evaluation
from homespun.training.evaluation.report import PRIMARY
from homespun.training.gate.measured import RuleProbe
from homespun.training.gate.verdict import GateVerdict
from homespun.training.report.figures import minutes
from homespun.training.report.page import ReportPage, Sample
from homespun.training.runs import Run, libraries, read_stage

_SHOWN_LINES = 6  # of the document, before an example's cursor
_OF_A_SORT = 4  # examples: won, lost, still wrong


def samples_of(found: Evaluation, *, seed: int) -> list[Sample]:
    """Draw places that the adapter won, lost, and that both got wrong, of each as many.

    Habits first: what they show is what tuning is for. Of both wrong only other places are drawn.
    """
    at_habits = _drawn(_at_habits(found), ("won", "lost"), seed)
    return [*at_habits, *_drawn(_elsewhere(found), ("won", "lost", "wrong"), seed)]


def _elsewhere(found: Evaluation) -> Iterator[Sample]:
    scores = {row.id: row.scores for row in found.report.rows}
    for before, after in _pairs(found.answers):
        given = scores[before.item.id]
        right = [given[arm].exact_line for arm in (PRIMARY[1], PRIMARY[0])]
        yield _sample(before, after, *right)


def _at_habits(found: Evaluation) -> Iterator[Sample]:
    """Yield the places where both wrote the habit, in one form or the other."""
    scores = {row.id: row.scores for row in found.report.habits}
    for before, after in _pairs(found.at_habits):
        given = scores.get(before.item.id, {})
        forms = [given[arm].forms if arm in given else None for arm in (PRIMARY[1], PRIMARY[0])]
        if not all(forms):
            continue
        [rule] = forms[0] or {}
        right = [counts[rule].other == 0 for counts in forms if counts]
        yield replace(_sample(before, after, *right), habit=rule)


def _pairs(answers: Sequence[ArmAnswer]) -> Iterator[tuple[ArmAnswer, ArmAnswer]]:
    """Yield the answers of the model as shipped and of the adapter at the same places."""
    given = {(answer.item.id, answer.arm): answer for answer in answers}
    for place in dict.fromkeys(answer.item.id for answer in answers):
        after, before = (given.get((place, arm)) for arm in PRIMARY)
        if after is not None and before is not None:
            yield before, after


def _drawn(samples: Iterable[Sample], wanted: Sequence[str], seed: int) -> list[Sample]:
    sorts: dict[str, list[Sample]] = {sort: [] for sort in wanted}
    for sample in samples:
        if (sort := _sort(sample)) in sorts:
            sorts[sort].append(sample)
    rng = random.Random(f"{seed}-samples")
    return [it for sort in sorts.values() for it in rng.sample(sort, min(_OF_A_SORT, len(sort)))]


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
        found = read_stage(run.folder / "probes.json")["rules"] or ()  # None: not measured
        rules = [RuleProbe(**row) for row in found]
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


def _sort(sample: Sample) -> str:
    if sample.after_is_right != sample.before_is_right:
        return "won" if sample.after_is_right else "lost"
    return "" if sample.after_is_right else "wrong"


def _sample(
    before: ArmAnswer, after: ArmAnswer, before_is_right: bool, after_is_right: bool
) -> Sample:
    example = before.item.example
    shown = example.prefix.split("\n")
    return Sample(
        path=example.path,
        line=len(shown),
        shown="\n".join(shown[-_SHOWN_LINES:]),
        wanted=example.middle,
        before=before.completion.text,
        after=after.completion.text,
        before_is_right=before_is_right,
        after_is_right=after_is_right,
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
    shown = {name: value for name, value in kept.told().items() if value not in (None, [], "")}
    return {
        "model": options.model,
        "learned from the tree of": dataset.tree or "no history",
        "nothing later than": f"{dataset.cutoff} {dataset.cutoff_date}".strip() or "no history",
        "data card": dataset.card_sha256,
        "options": ", ".join(f"{name}={value}" for name, value in shown.items()),
        "made with": ", ".join(versions),
        "run": "/".join(run.folder.parts[-3:]),  # a page that is mailed shows nobody's folders
    }
