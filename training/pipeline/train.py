"""`homespun train`: conventions -> dataset -> LoRA -> evaluation -> gate -> registry.

    result = train(Path("repo"), TrainOptions(model="qwen2.5-coder-0.5b"))
    result.verdict.promote, result.outcome, result.report

Each stage leaves its files in the run's folder and then its mark in the run's state (`runs.py`), so
a run that was killed at any moment goes on with `resume` and ends as one that was not. The result
"keep what you have" is a normal end.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from homespun.indexer.config import IndexConfig
from homespun.indexer.scan.walk import walk
from homespun.models.types import MODEL_AS_SHIPPED
from homespun.progress import NoProgress, TrainProgress
from homespun.server.options import CompletionOptions
from homespun.settings import settings_of
from homespun.storage import write_private
from homespun.training.config import (
    CPU_ITEMS,
    GPU_ITEMS,
    DatasetConfig,
    DatasetReport,
    TrainOptions,
)
from homespun.training.dataset.build import build_dataset
from homespun.training.dataset.examples import read_examples
from homespun.training.errors import HistoryUnreadable, NothingToEvaluate, RunUnreadable
from homespun.training.evaluation.evaluate import evaluate
from homespun.training.evaluation.inputs import EvaluationConfig, Extras
from homespun.training.evaluation.items import ItemConfig
from homespun.training.evaluation.report import CompletionReport
from homespun.training.evaluation.served_model import served_scores
from homespun.training.gate import gate
from homespun.training.gate.evidence import evidence_of, rule_probes
from homespun.training.gate.gate import Condition, GateVerdict, RuleProbe, ServedFormLoss
from homespun.training.history.repository import Repository
from homespun.training.pipeline.house_style import (
    HouseStyle,
    house_style,
    probes_of_files,
    probes_of_window,
)
from homespun.training.pipeline.learn import check_machine, learn, parity_of
from homespun.training.pipeline.register import dataset_of, register, serve_if_proven
from homespun.training.probes.pairs import Probe
from homespun.training.probes.scores import LogProbs, compare_scores, score_probes
from homespun.training.report.page import render
from homespun.training.report.samples import page_of, samples_of
from homespun.training.runs import (
    Run,
    begin,
    read_stage,
    training_folder,
    training_lock,
    unfinished,
    write_json,
    writing,
)
from homespun.training.safety.canaries import plant
from homespun.training.safety.memorisation import Canary
from homespun.training.sources.select import of_folder, of_revision

TEST_SHARE = 0.1  # of the commits, kept behind the cut-off where no `until` is given
_STAGES = ("conventions", "dataset", "learning", "evaluation", "probes", "verdict", "registry")


@dataclass(frozen=True, slots=True)
class TrainResult:
    """How a training ended; a verdict against the adapter is a normal end."""

    run: str
    folder: Path
    verdict: GateVerdict
    outcome: str  # what was done with the adapter, a sentence
    adapter: str  # ID in the registry, "" where nothing was learned
    is_champion: bool
    report: Path
    seconds: float  # of all stages

    def to_json(self) -> dict[str, Any]:
        """Return what `homespun train --json` prints."""
        return {
            "run": self.run,
            "folder": str(self.folder),
            "adapter": self.adapter,
            "promoted": self.is_champion,
            "outcome": self.outcome,
            "verdict": self.verdict.to_json(),
            "report": str(self.report),
            "seconds": round(self.seconds, 1),
        }


def train(
    workspace: Path | str = ".",
    options: TrainOptions | None = None,
    *,
    resume: bool = False,
    completion: CompletionOptions | None = None,
    progress: TrainProgress | None = None,
    judge: Callable[[gate.Evidence], GateVerdict] = gate.judge,
) -> TrainResult:
    """Train an adapter of the repository in `workspace`, judge it, and promote it if it may.

    With `resume` the last run goes on, with its own options. `completion` are the settings of the
    workspace, by default read from there: what is judged is what is served. Without `options` the
    model is theirs.

    Raises `TrainingLocked`, `RunUnreadable`, `LibrariesMissing`, `TrainingFailed`,
    `TrainingUnwritable`, `TooLittleCode`, `NothingToEvaluate`, `HistoryUnreadable`, and what
    `homespun.models` raises for a model that is missing or damaged.
    """
    progress = progress or NoProgress()
    workspace = Path(workspace).resolve()
    if not workspace.is_dir():
        raise HistoryUnreadable(
            f"{str(workspace)!r} is no directory; give the folder of a repository"
        )
    if completion is None:
        completion = settings_of(
            CompletionOptions, "completion", workspace=workspace, say=progress.say
        )
    options = options or TrainOptions(completion.model)
    check_machine(options)
    with training_lock(workspace):
        run = _run_of(workspace, options, progress, resume=resume)
        job = _Job(workspace, run, completion, progress, judge)
        for stage in _STAGES:
            if run.result(stage) is None:
                began = time.monotonic()
                with writing(run.folder):
                    result = job.do(stage)
                run.done(stage, {**result, "seconds": round(time.monotonic() - began, 1)})
        return job.finish()


def _run_of(
    workspace: Path, options: TrainOptions, progress: TrainProgress, *, resume: bool
) -> Run:
    last = _unfinished(workspace, progress, resume=resume)
    if resume:
        if last is None:
            raise RunUnreadable(
                f"there is no unfinished training in {str(workspace)!r}; start one without --resume"
            )
        _check_untracked(workspace)
        left = next((stage for stage in _STAGES if last.result(stage) is None), "the end")
        progress.say(f"going on with {last.name} at: {left}")
        return last
    if last is not None:
        progress.say(
            f"{last.name} was not finished and is left behind (--resume would go on with it)"
        )
    began = datetime.now().astimezone().isoformat(timespec="seconds")
    return begin(workspace, {**options.to_json(), "began": began})


def _unfinished(workspace: Path, progress: TrainProgress, *, resume: bool) -> Run | None:
    """Return the run that was not finished; one that cannot be read is no obstacle to a new one."""
    try:
        return unfinished(workspace)
    except RunUnreadable as error:
        if resume:
            raise
        progress.say(str(error))
        return None


def _check_untracked(workspace: Path) -> None:
    """Raise `RunUnreadable` where git knows files of a training: a pull may have changed them."""
    inside = f"{training_folder(workspace).relative_to(workspace).as_posix()}/".casefold()
    tracked = walk(workspace, IndexConfig()).tracked_state
    if any(path.casefold().startswith(inside) for path in tracked):
        raise RunUnreadable(
            f"git tracks files in {inside!r}, so what is there may be another's; take them out "
            "(`git rm -r --cached .homespun`) and start a new training without --resume"
        )


class _Job:
    """One run's stages; each reads what the ones before left in the folder."""

    def __init__(
        self,
        workspace: Path,
        run: Run,
        completion: CompletionOptions,
        progress: TrainProgress,
        judge: Callable[[gate.Evidence], GateVerdict],
    ) -> None:
        self._workspace = workspace
        self._run = run
        self._progress = progress
        self._judge = judge
        kept = {key: value for key, value in run.options.items() if key != "began"}
        self._options = TrainOptions.from_json(kept)
        self._completion = replace(completion, model=self._options.model, adapter="none")

    def do(self, stage: str) -> dict[str, Any]:
        """Do one stage; return what its mark in the state says."""
        stages = {
            "conventions": self._conventions,
            "dataset": self._dataset,
            "learning": self._learning,
            "evaluation": self._evaluation,
            "probes": self._probes,
            "verdict": self._verdict,
            "registry": self._registry,
        }
        return stages[stage]()

    def finish(self) -> TrainResult:
        """End the run: the checkpoint goes, the result is told."""
        run = self._run
        registry = run.stages["registry"]
        for name in ("fit", "draft"):
            shutil.rmtree(run.folder / name, ignore_errors=True)
        run.finish()
        return TrainResult(
            run=run.name,
            folder=run.folder,
            verdict=GateVerdict.from_json(read_stage(run.folder / "verdict.json")),
            outcome=registry["outcome"],
            adapter=registry["adapter"],
            is_champion=registry["champion"],
            report=run.folder / "report.html",
            seconds=sum(stage["seconds"] for stage in run.stages.values()),
        )

    # --- what to learn from

    def _conventions(self) -> dict[str, Any]:
        """Cut the history, and mine the conventions of the tree that is learned from."""
        config = self._dataset_config()
        repository = self._repository()
        if repository is None:
            learned = of_folder(self._workspace, config, progress=self._progress)
            style, cutoff = house_style(learned, progress=self._progress), ""
        else:
            with repository:
                windows = repository.windows(
                    until=self._options.until,
                    test_share=config.test_share,
                    validation_share=config.validation_share,
                    most_validation=config.most_validation_commits,
                )
                cutoff = windows.cutoff
                if not windows.test and not self._options.anyway:
                    raise NothingToEvaluate(
                        f"nothing to learn from was committed after {cutoff[:12]}, so an adapter "
                        "could not be judged; give an earlier --until"
                        + "".join(f" ({note})" for note in windows.notes)
                    )
                learned = of_revision(repository, windows.tree, config, progress=self._progress)
                style = house_style(learned, progress=self._progress)
        write_json(
            self._run.folder / "conventions.json",
            {"forms": dict(style.forms), "paths": list(style.paths)},
        )
        return {"rules": len(style.forms), "cutoff": cutoff}

    def _dataset(self) -> dict[str, Any]:
        report = build_dataset(
            self._workspace,
            self._run.folder / "dataset",
            until=self._options.until,
            config=self._dataset_config(),
            seed=self._options.seed,
            convention_sites=self._style().sites,
            progress=self._progress,
        )
        for note in report.notes:
            self._progress.say(note)
        self._progress.say(
            f"{report.train:,} examples of {report.files:,} files, {report.validation:,} held out"
        )
        return {"report": report.to_json()}

    def _learning(self) -> dict[str, Any]:
        dataset = self._report()
        learned = learn(
            self._run.folder, dataset.directory, dataset.repo, self._options, self._progress
        )
        parity = None
        if learned.is_better:
            parity = parity_of(learned, self._options, self._workspace, self._progress)
        return {
            "is_better": learned.is_better,
            "steps": len(learned.log.steps),
            "tokens": sum(step.tokens for step in learned.log.steps),
            "peak_mb": learned.peak_mb,
            "parity": None if parity is None else [parity.loss_served, parity.loss_float],
        }

    # --- what came of it

    def _evaluation(self) -> dict[str, Any]:
        if not self._run.stages["learning"]["is_better"]:
            return {"skipped": True}
        dataset, options = self._report(), self._options
        rows = list(read_examples(dataset.directory / "train.jsonl"))
        planted = plant(dataset.repo, options.canaries, seed=options.seed)
        found = evaluate(
            self._workspace,
            since=dataset.cutoff or None,
            adapter=self._run.folder / "draft",
            options=self._completion,
            config=EvaluationConfig(
                arms=options.arms,
                items=ItemConfig(items=self._items(), seed=options.seed),
                infilling_tasks=options.forgetting_tasks,
            ),
            extras=Extras(
                held_out=self._held_out(dataset),
                training_texts=[row.middle for row in rows],
                canaries=[Canary.from_json(row.to_json()) for row in planted],
                convention_sites=self._style().sites,
            ),
            name=dataset.repo,
            cache=self._run.folder / "answers.jsonl",
            progress=self._progress,
        )
        for note in found.notes:
            self._progress.say(note)
        samples = samples_of(found, seed=options.seed)
        write_json(self._run.folder / "samples.json", [asdict(sample) for sample in samples])
        write_json(self._run.folder / "evaluation.json", found.report.to_json())
        return {"items": len(found.items)}

    def _probes(self) -> dict[str, Any]:
        if not self._run.stages["learning"]["is_better"]:
            return {"skipped": True}
        pairs = self._pairs()
        repo = self._report().repo
        before, after = (
            score_probes(pairs, self._scoring(adapter), contexts=("unseen",), repo=repo)
            for adapter in (MODEL_AS_SHIPPED, self._run.folder / "draft")
        )
        changes = compare_scores(before, after)
        rows = [change.to_json() for change in changes]
        rules = [asdict(rule) for rule in rule_probes(changes)]
        write_json(self._run.folder / "probes.json", {"changes": rows, "rules": rules})
        return {"pairs": len(pairs)}

    def _verdict(self) -> dict[str, Any]:
        folder, stages = self._run.folder, self._run.stages
        dataset, learning = self._report(), stages["learning"]
        if learning["is_better"]:
            report = CompletionReport.from_json(read_stage(folder / "evaluation.json"))
            rules = [RuleProbe(**row) for row in read_stage(folder / "probes.json")["rules"]]
            lost = learning["parity"]
            evidence = evidence_of(
                report,
                training_examples=dataset.train,
                rules=rules,
                parity=None if lost is None else ServedFormLoss(*lost),
            )
            verdict = self._judge(evidence)
        else:
            verdict = _nothing_learned(read_stage(folder / "fit.json")["checks"])
        write_json(folder / "verdict.json", verdict.to_json())
        self._write_page(verdict, "")
        return {"outcome": verdict.outcome}

    def _registry(self) -> dict[str, Any]:
        run, options, progress = self._run, self._options, self._progress
        verdict = GateVerdict.from_json(read_stage(run.folder / "verdict.json"))
        if not run.stages["learning"]["is_better"]:
            outcome = "Nothing was put into the registry; the model completes as before."
            self._write_page(verdict, outcome)
            return {"adapter": "", "champion": False, "outcome": outcome}
        identifier = register(self._workspace, run, options, self._report(), verdict, progress)
        outcome, is_champion = serve_if_proven(
            self._workspace, identifier, options, verdict, progress
        )
        self._write_page(verdict, outcome)
        return {"adapter": identifier, "champion": is_champion, "outcome": outcome}

    # --- what the stages share

    def _write_page(self, verdict: GateVerdict, outcome: str) -> None:
        page = page_of(self._run, self._options, self._report(), verdict, outcome)
        write_json(self._run.folder / "page.json", page.to_json())
        write_private(self._run.folder / "report.html", render(page))

    def _repository(self) -> Repository | None:
        """Open the history; None where there is none and nobody asked for one."""
        try:
            return Repository.open(self._workspace)
        except HistoryUnreadable as error:
            if self._options.until is not None:
                raise
            self._progress.say(f"no history is used: {error}")
            return None

    def _dataset_config(self) -> DatasetConfig:
        config = DatasetConfig(test_share=TEST_SHARE)
        wanted = self._options.examples
        return config if wanted is None else replace(config, examples=wanted)

    def _style(self) -> HouseStyle:
        row = read_stage(self._run.folder / "conventions.json")
        return HouseStyle(row["forms"], tuple(row["paths"]))

    def _report(self) -> DatasetReport:
        return dataset_of(self._run.stages["dataset"]["report"])

    def _held_out(self, dataset: DatasetReport) -> list[str]:
        card = read_stage(dataset.directory / "data_card.json")
        return list(card["provenance"]["held_out_files"])

    def _items(self) -> int:
        default = CPU_ITEMS if self._options.preset == "cpu" else GPU_ITEMS
        return self._options.items or default

    def _scoring(self, adapter: str | Path) -> LogProbs:
        return lambda examples: served_scores(
            self._options.model,
            adapter,
            examples,
            workspace=self._workspace,
            progress=self._progress,
        )

    def _pairs(self) -> list[Probe]:
        dataset, options, style = self._report(), self._options, self._style()
        if dataset.cutoff:
            with Repository.open(self._workspace) as repository:
                return probes_of_window(
                    repository, dataset.cutoff, style, most=options.probes, seed=options.seed
                )
        held = set(self._held_out(dataset))
        learned = of_folder(self._workspace, self._dataset_config(), progress=self._progress)
        sources = [source for source in learned.sources if source.path in held]
        return probes_of_files(sources, style, most=options.probes, seed=options.seed)


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
