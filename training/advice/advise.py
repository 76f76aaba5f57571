"""Which lever does a repository need: later commits completed as it is now, and its history read.

    found = advise(Path("repo"), CompletionOptions(), AdviceOptions())
    found.verdict.headline

The places are those of a training's exam, the first of the same draw. Nothing of the repository is
executed, nothing leaves the machine, and nothing is written but `DIR/.homespun/eval/`, where the
model's answers are kept: asked again, or with more places, only new ones cost time.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from homespun.models.adapters.registry import CHAMPION, Registry
from homespun.models.recommend.speeds import MachineSpeeds
from homespun.progress import TrainProgress
from homespun.server.completion.open import context_length
from homespun.server.options import CompletionOptions
from homespun.stats import paired
from homespun.training.advice.history_facts import HistoryFacts, history_facts
from homespun.training.advice.levers import AdviceFacts, AdviceVerdict, decide
from homespun.training.advice.measured import LargerAsked, Measured, measured
from homespun.training.advice.prices import LargerPrice, expected_seconds, larger_price
from homespun.training.advice.shares import share_of
from homespun.training.advice.then_and_now import HouseThenAndNow, house_then_and_now
from homespun.training.config import DatasetConfig, TrainOptions
from homespun.training.evaluation.arms import ArmAnswer, KeptAnswers, answers
from homespun.training.evaluation.evaluate import Evaluation, answers_file, evaluate
from homespun.training.evaluation.inputs import EvaluationConfig, Extras
from homespun.training.evaluation.metrics import first_line
from homespun.training.evaluation.report import CompletionReport
from homespun.training.evaluation.served_model import open_model
from homespun.training.gate.exam import Exam
from homespun.training.history.indexed_trees import HistoryTrees
from homespun.training.history.repository import Repository
from homespun.training.pipeline.exam import ExamPlan, item_config, planned
from homespun.training.pipeline.habits import habit_places
from homespun.training.pipeline.house_style import some_of
from homespun.training.report.figures import minutes
from homespun.training.sources.select import of_revision

FORMAT = 1  # of the JSON
_CONTEXTS = ("none", "retrieval", "oracle")
_LARGER = "larger/retrieval"


@dataclass(frozen=True, slots=True)
class AdviceOptions:
    """How much is asked; one default each."""

    items: int = 60  # places, and as many habits
    until: str | None = None  # revision or day; None: the last tenth of the commits is asked
    seed: int = 0
    with_larger: bool = False  # the next larger model as well, where it is on this machine


@dataclass(frozen=True, slots=True)
class Advice:
    """The whole: verdict, figures, history."""

    repo: str
    window: dict[str, str]
    model: str
    adapter: str
    verdict: AdviceVerdict
    measured: Measured
    history: HistoryFacts
    house: HouseThenAndNow
    exam: Exam
    larger: LargerPrice | None
    notes: tuple[str, ...]
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """Return what `homespun advise --json` prints."""
        return {
            "format": FORMAT,
            "repo": self.repo,
            "window": self.window,
            "model": self.model,
            "adapter": self.adapter,
            "verdict": self.verdict.to_json(),
            "measured": self.measured.to_json(),
            "history": self.history.to_json(),
            "house": self.house.to_json(),
            "exam": self.exam.to_json(),
            "notes": list(self.notes),
            "seconds": round(self.seconds, 1),
        }


def advise(
    root: Path,
    completion: CompletionOptions,
    options: AdviceOptions,
    *,
    speeds: MachineSpeeds,
    progress: TrainProgress,
) -> Advice:
    """Read the history, complete places of later commits, and say which lever is due.

    Raises `HistoryUnreadable`, `NothingToEvaluate` where no later line can be completed, and the
    errors of `homespun.models`.
    """
    began = time.monotonic()
    root = root.resolve()
    asked = TrainOptions(model=completion.model, until=options.until, seed=options.seed)
    with Repository.open(root) as repository:
        name = repository.name
        plan = planned(repository, asked, progress)
        authors = repository.authors()
        tip = of_revision(repository, repository.head, DatasetConfig(), progress=progress)
        history = history_facts(plan.windows, tip, authors)
        dates = [date for _, date in authors]
        house = house_then_and_now(repository, tip, (min(dates), max(dates)), progress=progress)
    arms = _arms(root, completion)
    price = larger_price(completion.model, speeds)
    _say_how_long(plan, completion, options, speeds, price, progress)
    done = _evaluated(root, name, plan, arms, completion, options, progress)
    model = arms[0].partition("/")[0]
    found = measured(done.report, model, missing=_missing(done, arms[1]))
    if options.with_larger and done.items:
        found = replace(found, larger=_larger(root, done, arms[1], price, completion, progress))
    facts = AdviceFacts(found, history, house, plan.exam, price, completion.context_tokens)
    return Advice(
        repo=done.report.repo,
        window=dict(done.report.window),
        model=completion.model,
        adapter=done.report.models.get(model, {}).get("adapter", ""),
        verdict=decide(facts),
        measured=found,
        history=history,
        house=house,
        exam=plan.exam,
        larger=price,
        notes=(*plan.windows.notes, *_notes(plan)),
        seconds=time.monotonic() - began,
    )


def _arms(root: Path, completion: CompletionOptions) -> list[str]:
    """Return the arms of the model as it serves now, by the contexts that are asked."""
    if completion.adapter == "base":
        model = "base"
    elif completion.adapter == "none":
        model = "general"
    elif completion.adapter == CHAMPION and Registry(root).champion() is None:
        model = "general"
    else:
        model = "repository"
    return [f"{model}/{context}" for context in _CONTEXTS]


def _say_how_long(
    plan: ExamPlan,
    completion: CompletionOptions,
    options: AdviceOptions,
    speeds: MachineSpeeds,
    larger: LargerPrice | None,
    progress: TrainProgress,
) -> None:
    places = min(options.items, plan.exam.places)
    habits = min(options.items, plan.exam.habits)
    seconds = expected_seconds(
        completion.model,
        speeds,
        places=places,
        habits=habits,
        context_tokens=completion.context_tokens,
    )
    how_long = (
        "" if seconds is None else f", some {minutes(seconds)} as fast as this machine is now"
    )
    if options.with_larger and larger is not None and larger.is_here:
        more = expected_seconds(
            larger.name, speeds, places=places, habits=0, context_tokens=completion.context_tokens
        )
        how_long += "" if more is None else f", and {larger.name} {minutes(more)} at most"
    progress.say(
        f"{completion.model} completes {places} places and {habits} habits of later commits"
        f"{how_long}; what is done is kept"
    )


def _evaluated(
    root: Path,
    name: str,
    plan: ExamPlan,
    arms: Sequence[str],
    completion: CompletionOptions,
    options: AdviceOptions,
    progress: TrainProgress,
) -> Evaluation:
    if not plan.exam.places:
        return Evaluation(CompletionReport(name, {}, {}, {}, tuple(arms), ()), (), ())
    items = item_config(TrainOptions(completion.model, items=options.items, seed=options.seed))
    pairs = some_of(plan.pairs, options.items, seed=options.seed)
    return evaluate(
        root,
        since=plan.windows.cutoff,
        adapter=completion.adapter,
        options=completion,
        config=EvaluationConfig(arms=tuple(arms), items=items, with_linter=False),
        extras=Extras(
            convention_sites=plan.style.sites,
            written_forms=plan.style.written,
            habits=habit_places(pairs, name),
        ),
        progress=progress,
    )


def _missing(done: Evaluation, arm: str) -> list[str]:
    """Return the names that an arm's prompts did not show, one for each place that needs it."""
    return [name for answer in done.answers if answer.arm == arm for name in set(answer.missing)]


def _larger(
    root: Path,
    done: Evaluation,
    arm: str,
    price: LargerPrice | None,
    completion: CompletionOptions,
    progress: TrainProgress,
) -> LargerAsked | None:
    """Ask the next larger model at the same places; None, with a sentence, where it is not here."""
    if price is None or not price.is_here:
        why = "the catalogue has none" if price is None else f"{price.name} is not on this machine"
        progress.say(f"no larger model was asked: {why}")
        return None
    opened = open_model(
        price.name,
        "none",
        workspace=root,
        threads=completion.threads,
        context_tokens=context_length(completion),
        cache_mb=completion.cache_mb,
        progress=progress,
    )
    kept = KeptAnswers(answers_file(root))
    with Repository.open(root) as repository, HistoryTrees(repository) as trees:
        found = list(
            answers(
                done.items,
                [_LARGER],
                {"larger": opened},
                trees,
                completion,
                kept,
                with_loss=False,
                progress=progress,
            )
        )
    served = {row.id: row for row in done.report.rows}
    exact = [_is_exact(answer) for answer in found]
    rows = [served[answer.item.id] for answer in found]
    clusters = [row.cluster for row in rows]
    times = [answer.completion.timings_ms for answer in found]
    return LargerAsked(
        model=price.name,
        exact=share_of(zip(exact, clusters, strict=True)),
        gain=paired(exact, [row.scores[arm].exact_line for row in rows], clusters),
        ms=statistics.median(time["prefill"] + time["decode"] for time in times),
    )


def _is_exact(answer: ArmAnswer) -> bool:
    return first_line(answer.item.example.middle) == first_line(answer.completion.text)


def _notes(plan: ExamPlan) -> list[str]:
    if plan.style.forms:
        return []
    return ["no convention of this repository is settled that no formatter settles"]
