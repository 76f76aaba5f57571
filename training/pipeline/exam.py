"""What a repository has to judge an adapter by; told before an hour of learning, or by `--plan`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from homespun.models.types import FimTokens
from homespun.models.weights.piece_tokenizer import PieceTokenizer
from homespun.progress import Progress
from homespun.training.config import TrainOptions
from homespun.training.dataset.leaks import Seen
from homespun.training.evaluation.items import ItemConfig, Judge, items_of_history
from homespun.training.gate.exam import Exam
from homespun.training.history.commits import Windows
from homespun.training.history.repository import Repository
from homespun.training.pipeline.house_style import HouseStyle, house_style, probes_of_window
from homespun.training.pipeline.prepared import dataset_config_of, items_of
from homespun.training.probes.pairs import Probe
from homespun.training.sources.filters import House
from homespun.training.sources.select import LearnedFiles, of_revision

# Only where commits are few do these bind: each gives one place in turn.
_PER_COMMIT, _PER_FILE = 16, 10


def item_config(options: TrainOptions) -> ItemConfig:
    """Return which places an adapter is judged at."""
    return ItemConfig(
        items=items_of(options), per_commit=_PER_COMMIT, per_file=_PER_FILE, seed=options.seed
    )


def windows_of(repository: Repository, options: TrainOptions) -> Windows:
    """Cut the history as a training with these options does."""
    config = dataset_config_of(options)
    return repository.windows(
        until=options.until,
        test_share=config.test_share,
        validation_share=config.validation_share,
        most_validation=config.most_validation_commits,
    )


def exam_of(
    repository: Repository,
    windows: Windows,
    house: House,
    pairs: Sequence[Probe],
    options: TrainOptions,
    progress: Progress,
) -> Exam:
    """Draw the places as the evaluation will, without a model: about as many."""
    tokenizer = PieceTokenizer(FimTokens("", "", ""))
    items = items_of_history(
        repository,
        repository.commits(since=windows.cutoff),
        Judge((), Seen(())),
        house,
        lambda text: len(tokenizer.encode(text)),
        item_config(options),
        progress=progress,
    )
    commits = {item.example.commit for item in items}
    return Exam(len(items), len(commits), habits=min(len(pairs), options.habits))


@dataclass(frozen=True, slots=True)
class ExamPlan:
    """What a training that is not begun would learn from and be judged by."""

    windows: Windows
    learned: LearnedFiles
    style: HouseStyle
    pairs: tuple[Probe, ...]  # at lines behind the cut-off
    exam: Exam


def planned(repository: Repository, options: TrainOptions, progress: Progress) -> ExamPlan:
    """Go as far as a training goes before it learns, without a model."""
    windows = windows_of(repository, options)
    config = dataset_config_of(options)
    learned = of_revision(repository, windows.tree, config, progress=progress)
    style = house_style(learned, progress=progress)
    pairs = probes_of_window(
        repository, windows.cutoff, style, most=options.habits, seed=options.seed
    )
    exam = exam_of(repository, windows, learned.house, pairs, options, progress)
    return ExamPlan(windows, learned, style, tuple(pairs), exam)


def plan(workspace: Path, options: TrainOptions, progress: Progress) -> Exam:
    """Return the exam of a training that is not begun. Raises `HistoryUnreadable`."""
    with Repository.open(workspace) as repository:
        return planned(repository, options, progress).exam
