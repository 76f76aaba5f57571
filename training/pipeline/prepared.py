"""What each stage of a run has before it: the run, its options, and what earlier stages left."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from homespun.progress import TrainProgress
from homespun.server.options import CompletionOptions
from homespun.training.config import (
    CPU_ITEMS,
    GPU_ITEMS,
    DatasetConfig,
    DatasetReport,
    TrainOptions,
)
from homespun.training.errors import HistoryUnreadable
from homespun.training.gate.evidence import rule_probes
from homespun.training.gate.measured import Evidence
from homespun.training.gate.verdict import GateVerdict
from homespun.training.history.repository import Repository
from homespun.training.lora.distributed import ProcessGroup
from homespun.training.pipeline.house_style import HouseStyle
from homespun.training.pipeline.register import dataset_of
from homespun.training.probes.scores import RuleScore, compare_scores
from homespun.training.runs import Run, read_stage, write_json

PROBES = "probes.json"
TEST_SHARE = 0.1  # of the commits, kept behind the cut-off where no `until` is given

Judge = Callable[[Evidence], GateVerdict]


@dataclass(frozen=True, slots=True)
class Prepared:
    """One run, and where it is; what a stage left is read back from the run's folder."""

    workspace: Path
    run: Run
    options: TrainOptions  # the run's own, also where it goes on
    completion: CompletionOptions  # with the run's model and no adapter
    group: ProcessGroup  # that learns; this process is its first
    progress: TrainProgress
    judge: Judge

    @classmethod
    def of(
        cls,
        workspace: Path,
        run: Run,
        completion: CompletionOptions,
        group: ProcessGroup,
        progress: TrainProgress,
        judge: Judge,
    ) -> Prepared:
        """Read the run's options back. Raises TypeError, KeyError for another version's."""
        options = options_of(run)
        as_shipped = replace(completion, model=options.model, adapter="none")
        return cls(workspace, run, options, as_shipped, group, progress, judge)

    @property
    def folder(self) -> Path:
        """The run's folder."""
        return self.run.folder

    @property
    def draft(self) -> Path:
        """The adapter as it was learned, before it is in the registry."""
        return self.run.folder / "draft"

    @property
    def is_better(self) -> bool:
        """Whether anything was learned that helps on the examples held out."""
        return bool(self.run.stages["learning"]["is_better"])

    @property
    def dataset_config(self) -> DatasetConfig:
        """What the dataset is asked to be."""
        return dataset_config_of(self.options)

    def repository(self) -> Repository | None:
        """Open the history; None where there is none and nobody asked for one."""
        try:
            return Repository.open(self.workspace)
        except HistoryUnreadable as error:
            if self.options.until is not None:
                raise
            self.progress.say(f"no history is used: {error}")
            return None

    def style(self) -> HouseStyle:
        """Return what the conventions' stage found."""
        row = read_stage(self.run.folder / "conventions.json")
        return HouseStyle(row["forms"], tuple(row["paths"]))

    def dataset(self) -> DatasetReport:
        """Return what the dataset's stage made."""
        return dataset_of(self.run.stages["dataset"]["report"])

    def held_out(self) -> list[str]:
        """Return the paths that nothing is learned from; none where later commits validate."""
        card = read_stage(self.dataset().directory / "data_card.json")
        return list(card["provenance"]["held_out_files"])

    def keep_probes(self, before: Sequence[RuleScore], after: Sequence[RuleScore]) -> None:
        """Leave what both models find likelier, and the rules by that, for the verdict."""
        changes = compare_scores(before, after)
        rules = [asdict(rule) for rule in rule_probes(changes)]
        body = {"changes": [change.to_json() for change in changes], "rules": rules}
        write_json(self.run.folder / PROBES, body)

    def verdict(self) -> GateVerdict:
        """Return what the gate said."""
        return GateVerdict.from_json(read_stage(self.run.folder / "verdict.json"))


def dataset_config_of(options: TrainOptions) -> DatasetConfig:
    """Return what the dataset of a training is asked to be."""
    config = DatasetConfig(test_share=TEST_SHARE)
    return config if options.examples is None else replace(config, examples=options.examples)


def items_of(options: TrainOptions) -> int:
    """Return how many places of the evaluation are wanted."""
    return options.items or (CPU_ITEMS if options.preset == "cpu" else GPU_ITEMS)


def options_of(run: Run) -> TrainOptions:
    """Return what a run was asked to be. Raises TypeError, KeyError for another version's."""
    kept = {key: value for key, value in run.options.items() if key != "began"}
    return TrainOptions.from_json(kept)
