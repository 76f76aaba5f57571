"""The seven stages of a training, in their order: each leaves its files in the run's folder.

A stage gets what the ones before left through `Prepared`, and returns what its mark in the run's
state says: so a run that was killed goes on with the first stage that has no mark.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from homespun.models.types import MODEL_AS_SHIPPED
from homespun.storage import write_private
from homespun.training.config import OTHER_ITEMS, TrainOptions
from homespun.training.dataset.build import build_dataset
from homespun.training.dataset.examples import read_examples
from homespun.training.errors import NothingToEvaluate
from homespun.training.evaluation.evaluate import evaluate
from homespun.training.evaluation.inputs import EvaluationConfig, Extras
from homespun.training.evaluation.report import CompletionReport, ScoredItem
from homespun.training.evaluation.served_model import served_scores
from homespun.training.gate.conditions import difference_in_words
from homespun.training.gate.evidence import evidence_of, form_at_habits
from homespun.training.gate.gate import is_lost
from homespun.training.gate.measured import RuleProbe, ServedFormLoss
from homespun.training.gate.verdict import Condition, GateVerdict
from homespun.training.history.repository import Repository
from homespun.training.pipeline.exam import exam_of, item_config, windows_of
from homespun.training.pipeline.given_away import GIVEN_AWAY, GivenAway
from homespun.training.pipeline.habits import habit_places
from homespun.training.pipeline.house_style import (
    house_style,
    probes_of_files,
    probes_of_window,
    some_of,
)
from homespun.training.pipeline.learn import learn, parity_of
from homespun.training.pipeline.on_a_server import parity_there, probes_there, server_of
from homespun.training.pipeline.prepared import PROBES, Prepared
from homespun.training.pipeline.register import keep_the_newest, register, serve_if_proven
from homespun.training.probes.pairs import Probe
from homespun.training.probes.scores import LogProbs, score_probes
from homespun.training.report.html import render
from homespun.training.report.samples import page_of, samples_of
from homespun.training.runs import read_stage, write_json
from homespun.training.safety.memorisation import Memorised, with_given_away
from homespun.training.sources.select import of_folder, of_revision


@dataclass(frozen=True, slots=True)
class Stage:
    """A step of a run that is done once."""

    name: str  # of its mark in the run's state
    do: Callable[[Prepared], dict[str, Any]]  # what it returns stands in the mark


# --- what to learn from


def _conventions(prepared: Prepared) -> dict[str, Any]:
    """Cut the history, and mine the conventions of the tree that is learned from."""
    config, progress, options = prepared.dataset_config, prepared.progress, prepared.options
    repository, exam = prepared.repository(), None
    if repository is None:
        learned = of_folder(prepared.workspace, config, progress=progress)
        style, cutoff = house_style(learned, progress=progress), ""
    else:
        with repository:
            windows = windows_of(repository, options)
            cutoff = windows.cutoff
            if not windows.test and not options.anyway:
                raise NothingToEvaluate(
                    f"nothing to learn from was committed after {cutoff[:12]}, so an adapter "
                    "could not be judged; give an earlier --until"
                    + "".join(f" ({note})" for note in windows.notes)
                )
            learned = of_revision(repository, windows.tree, config, progress=progress)
            style = house_style(learned, progress=progress)
            if windows.test:
                pairs = probes_of_window(
                    repository, cutoff, style, most=_most_pairs(options), seed=options.seed
                )
                _keep_pairs(prepared, pairs)
                exam = exam_of(repository, windows, learned.house, pairs, options, progress)
                progress.say(exam.sentence)
    write_json(
        prepared.folder / "conventions.json",
        {"forms": dict(style.forms), "paths": list(style.paths)},
    )
    told = exam.to_json() if exam else None
    return {"rules": len(style.forms), "cutoff": cutoff, "exam": told}


def _dataset(prepared: Prepared) -> dict[str, Any]:
    report = build_dataset(
        prepared.workspace,
        prepared.folder / "dataset",
        until=prepared.options.until,
        config=prepared.dataset_config,
        seed=prepared.options.seed,
        convention_sites=prepared.style().sites,
        progress=prepared.progress,
    )
    for note in report.notes:
        prepared.progress.say(note)
    prepared.progress.say(
        f"{report.train:,} examples of {report.files:,} files, {report.validation:,} held out"
    )
    return {"report": report.to_json()}


def _learning(prepared: Prepared) -> dict[str, Any]:
    dataset, options, progress = prepared.dataset(), prepared.options, prepared.progress
    learned = learn(
        prepared.folder, dataset.directory, dataset.repo, options, prepared.group, progress
    )
    parity = None
    if learned.is_better and options.exam is None:  # else it is the server's that counts
        parity = parity_of(learned, options, prepared.workspace, progress)
    return {
        "is_better": learned.is_better,
        "steps": len(learned.log.steps),
        "tokens": sum(step.tokens for step in learned.log.steps),
        "peak_mb": learned.peak_mb,
        "parity": _plain(parity),
    }


# --- what came of it


def _evaluation(prepared: Prepared) -> dict[str, Any]:
    if not prepared.is_better:
        return {"skipped": True}
    dataset, options = prepared.dataset(), prepared.options
    rows = list(read_examples(dataset.directory / "train.jsonl"))
    given = GivenAway.from_json(read_stage(prepared.folder / GIVEN_AWAY))
    style, server = prepared.style(), server_of(prepared)
    opened = server.opened(prepared.draft) if server else None
    found = evaluate(
        prepared.workspace,
        since=dataset.cutoff or None,
        adapter=prepared.draft,
        options=prepared.completion,
        config=EvaluationConfig(
            arms=options.arms,
            items=item_config(options),
            infilling_tasks=options.forgetting_tasks,
            others=OTHER_ITEMS,
        ),
        extras=Extras(
            held_out=prepared.held_out(),
            training_texts=[row.middle for row in rows],
            convention_sites=style.sites,
            written_forms=style.written,
            habits=habit_places(_some_pairs(prepared, options.habits), dataset.repo),
            goes_on=partial(
                _goes_on, prepared, with_given_away(None, given.exposures, given.drawn_out)
            ),
        ),
        name=dataset.repo,
        cache=prepared.folder / "answers.jsonl",
        opened=opened,
        progress=prepared.progress,
    )
    for note in found.notes:
        prepared.progress.say(note)
    memorised = with_given_away(found.report.memorised, given.exposures, given.drawn_out)
    report = replace(found.report, memorised=memorised)
    samples = samples_of(found, seed=options.seed)
    write_json(prepared.folder / "samples.json", [asdict(sample) for sample in samples])
    write_json(prepared.folder / "evaluation.json", report.to_json())
    parity = parity_there(prepared, opened["repository"].generator) if opened else None
    return {"items": len(found.items), "parity": _plain(parity)}


def _goes_on(prepared: Prepared, given: Memorised, at_habits: Sequence[ScoredItem]) -> bool:
    """Say whether the exam goes on behind the habits; if not, tell why."""
    parity = None if prepared.options.exam else _parity(prepared, "learning")
    form = form_at_habits(at_habits)
    if form is not None:
        found = difference_in_words(form, "habits that the file does not show")
        prepared.progress.say(f"house form in what is written: {found}")
    if prepared.options.whole_exam or not is_lost(form, given, parity):
        return True
    prepared.progress.say(
        "this adapter cannot pass any more, so the exam ends here; --whole-exam asks the rest, too"
    )
    return False


def _probes(prepared: Prepared) -> dict[str, Any]:
    if not prepared.is_better:
        return {"skipped": True}
    pairs = _some_pairs(prepared, prepared.options.probes)
    repo = prepared.dataset().repo
    if (server := server_of(prepared)) is not None:
        return probes_there(prepared, server, pairs)
    before, after = (
        score_probes(pairs, _scoring(prepared, adapter), contexts=("unseen",), repo=repo)
        for adapter in (MODEL_AS_SHIPPED, prepared.draft)
    )
    prepared.keep_probes(before, after)
    return {"pairs": len(pairs)}


def _verdict(prepared: Prepared) -> dict[str, Any]:
    folder = prepared.folder
    if prepared.is_better:
        report = CompletionReport.from_json(read_stage(folder / "evaluation.json"))
        found = read_stage(folder / PROBES)["rules"]
        rules = None if found is None else [RuleProbe(**row) for row in found]
        on_server = prepared.options.exam is not None
        evidence = evidence_of(
            report,
            training_examples=prepared.dataset().train,
            rules=rules,
            parity=_parity(prepared, "evaluation" if on_server else "learning"),
        )
        verdict = prepared.judge(evidence)
        verdict = verdict.on_a_server() if on_server else verdict
    else:
        verdict = _nothing_learned(read_stage(folder / "fit.json")["checks"])
    write_json(folder / "verdict.json", verdict.to_json())
    _write_page(prepared, verdict, "")
    return {"outcome": verdict.outcome}


def _registry(prepared: Prepared) -> dict[str, Any]:
    workspace, run, options = prepared.workspace, prepared.run, prepared.options
    verdict = prepared.verdict()
    if not prepared.is_better:
        outcome = "Nothing was put into the registry; the model completes as before."
        _write_page(prepared, verdict, outcome)
        return {"adapter": "", "champion": False, "outcome": outcome}
    identifier = register(workspace, run, options, prepared.dataset(), verdict, prepared.progress)
    outcome, is_champion = serve_if_proven(
        workspace, identifier, options, verdict, prepared.progress
    )
    keep_the_newest(workspace, prepared.progress)
    _write_page(prepared, verdict, outcome)
    return {"adapter": identifier, "champion": is_champion, "outcome": outcome}


STAGES = (
    Stage("conventions", _conventions),
    Stage("dataset", _dataset),
    Stage("learning", _learning),
    Stage("evaluation", _evaluation),
    Stage("probes", _probes),
    Stage("verdict", _verdict),
    Stage("registry", _registry),
)


# --- what they share


def _write_page(prepared: Prepared, verdict: GateVerdict, outcome: str) -> None:
    page = page_of(prepared.run, prepared.options, prepared.dataset(), verdict, outcome)
    write_json(prepared.folder / "page.json", page.to_json())
    write_private(prepared.folder / "report.html", render(page))


def _scoring(prepared: Prepared, adapter: str | Path) -> LogProbs:
    return lambda examples: served_scores(
        prepared.options.model,
        adapter,
        examples,
        workspace=prepared.workspace,
        progress=prepared.progress,
    )


def _parity(prepared: Prepared, stage: str) -> ServedFormLoss | None:
    """Return what a stage's mark says of the served form."""
    lost = prepared.run.stages[stage]["parity"]
    return None if lost is None else ServedFormLoss(*lost)


def _plain(parity: ServedFormLoss | None) -> list[float] | None:
    return None if parity is None else [parity.loss_served, parity.loss_float]


def _most_pairs(options: TrainOptions) -> int:
    return max(options.habits, options.probes)


def _keep_pairs(prepared: Prepared, pairs: Sequence[Probe]) -> None:
    write_json(prepared.folder / "pairs.json", {"pairs": [asdict(pair) for pair in pairs]})


def _some_pairs(prepared: Prepared, most: int) -> list[Probe]:
    """Return minimal pairs of the exam; mined once, which takes minutes."""
    if not (prepared.folder / "pairs.json").is_file():
        _keep_pairs(prepared, _mined_pairs(prepared))
    rows = read_stage(prepared.folder / "pairs.json")["pairs"]
    return some_of([Probe(**row) for row in rows], most, seed=prepared.options.seed)


def _mined_pairs(prepared: Prepared) -> list[Probe]:
    cutoff, options, style = prepared.dataset().cutoff, prepared.options, prepared.style()
    most = _most_pairs(options)
    if cutoff:
        with Repository.open(prepared.workspace) as repository:
            return probes_of_window(repository, cutoff, style, most=most, seed=options.seed)
    held = set(prepared.held_out())
    learned = of_folder(prepared.workspace, prepared.dataset_config, progress=prepared.progress)
    sources = [source for source in learned.sources if source.path in held]
    return probes_of_files(sources, style, most=most, seed=options.seed)


def _nothing_learned(checks: Sequence[Sequence[float]]) -> GateVerdict:
    """Return the verdict on an adapter that is no better than nothing on held-out examples."""
    before, best = float(checks[0][1]), min(float(loss) for _, loss in checks[1:] or checks)
    condition = Condition(
        name="learning",
        wanted="a lower loss on held-out examples than without an adapter",
        found=f"{before:.4f} before, {best:.4f} at best",
        value=best - before,
        threshold=0.0,
        passed=False,
    )
    headline = (
        "Keep what you have: nothing was learned that helps on examples that were held out "
        f"({condition.found})."
    )
    return GateVerdict("keep", headline, (condition,))
