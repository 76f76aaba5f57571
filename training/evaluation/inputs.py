"""What an evaluation of completions asks, and the trees that the items' context comes from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from homespun.progress import Progress
from homespun.training.config import DatasetConfig
from homespun.training.conventions.written import WrittenForms
from homespun.training.dataset.leaks import Seen
from homespun.training.errors import NothingToEvaluate
from homespun.training.evaluation.items import (
    ConventionSites,
    Item,
    ItemConfig,
    Judge,
    items_of_files,
    items_of_history,
)
from homespun.training.evaluation.report import ScoredItem
from homespun.training.history.indexed_trees import FolderTree, HistoryTrees, Trees
from homespun.training.history.repository import Repository
from homespun.training.sources.select import LearnedFiles, of_folder, of_revision


@dataclass(frozen=True, slots=True)
class EvaluationConfig:
    """What is measured, and on how much."""

    arms: tuple[str, ...] = (
        "general/none",
        "general/retrieval",
        "repository/none",
        "repository/retrieval",
    )
    items: ItemConfig = ItemConfig()
    infilling_tasks: int = 0  # of single-line infilling, 0 = not measured
    with_loss: bool = True
    with_linter: bool = True
    others: int | None = None  # items for the arms that the gate does not compare; None: all


@dataclass(frozen=True, slots=True)
class HabitPlace:
    """A line of a later commit, typed as far as the form of a habit is not decided yet."""

    item: Item  # what is asked: the document, cut so that it shows the habit nowhere else
    rule: str  # the habit
    head: str  # the whole document before the cursor
    tail: str  # and behind it
    start: int  # characters of `head` before the line


@dataclass(frozen=True, slots=True)
class Extras:
    """What a training run knows beside the repository; nothing of it is needed."""

    held_out: Sequence[str] = ()  # paths that training never saw, without a history
    training_texts: Iterable[str] = ()  # for the search of long copies
    convention_sites: ConventionSites | None = None
    written_forms: WrittenForms | None = None  # of the house's rules, in what is completed
    habits: Sequence[HabitPlace] = ()  # where a form is written that the document does not show
    # Asked once these are known: whether anything else is worth asking.
    goes_on: Callable[[Sequence[ScoredItem]], bool] = lambda _: True


@dataclass(slots=True)
class EvaluationInputs:
    """Items, where their context comes from, and what is to be said of them."""

    items: list[Item]
    trees: Trees
    window: dict[str, str]
    notes: list[str] = field(default_factory=list)


@contextmanager
def evaluation_inputs(
    root: Path,
    since: str | None,
    until: str | None,
    config: EvaluationConfig,
    extras: Extras,
    count: Callable[[str], int],
    name: str,
    progress: Progress,
) -> Iterator[EvaluationInputs]:
    """Give the items and the trees that their context comes from."""
    if since is None:
        yield from _of_folder(root, config, extras, count, name, progress)
        return
    with Repository.open(root) as repository:
        cutoff = repository.resolve(since)
        commits = repository.commits(since=cutoff, until=until)
        if not commits:
            raise NothingToEvaluate(
                f"nothing was committed behind {since!r} ({cutoff[:12]}); give an earlier --since"
            )
        known = of_revision(repository, cutoff, DatasetConfig(), progress=progress)
        judge = Judge(
            (file.path for file in repository.files(cutoff)),
            _seen(known),
            convention_sites=extras.convention_sites,
        )
        items = items_of_history(
            repository,
            commits,
            judge,
            known.house,
            count,
            config.items,
            name=name,
            progress=progress,
        )
        _check_count(items, f"the {len(commits)} commits behind {since!r} have no line to complete")
        window = {"since": cutoff, "until": commits[-1].id}
        dropped = Counter(commit.reason for commit in commits if commit.reason)
        with HistoryTrees(repository) as trees:
            yield EvaluationInputs(items, trees, window, _notes(len(items), config, dropped))


def _of_folder(
    root: Path,
    config: EvaluationConfig,
    extras: Extras,
    count: Callable[[str], int],
    name: str,
    progress: Progress,
) -> Iterator[EvaluationInputs]:
    held = set(extras.held_out)
    if not held:
        raise NothingToEvaluate(
            f"{str(root)!r} has no history to take lines from, and no file was held out; commit it "
            "to git and give --since"
        )
    learned = of_folder(root, DatasetConfig(), progress=progress)
    sources = [source for source in learned.sources if source.path in held]
    judge = Judge(
        (source.path for source in learned.sources if source.path not in held),
        _seen(learned, without=held),
        convention_sites=extras.convention_sites,
    )
    items = items_of_files(sources, judge, count, config.items, name=name)
    _check_count(items, f"the {len(held)} held-out files have no line to complete")
    notes = [
        *_notes(len(items), config, Counter()),
        "without a history the items come from whole files: what stands below the cursor was "
        "written later, so the figures flatter all arms",
    ]
    with FolderTree(root, held) as trees:
        yield EvaluationInputs(items, trees, {"since": "", "until": ""}, notes)


def _seen(learned: LearnedFiles, *, without: Iterable[str] = ()) -> Seen:
    left_out = set(without)
    return Seen(source.text for source in learned.sources if source.path not in left_out)


def _check_count(items: Sequence[Item], sentence: str) -> None:
    if not items:
        raise NothingToEvaluate(f"{sentence} (of 3 to 64 tokens, in code); widen the window")


def _notes(count: int, config: EvaluationConfig, dropped: Counter[str]) -> list[str]:
    notes = []
    if dropped:
        reasons = ", ".join(f"{number} {reason}" for reason, number in dropped.most_common())
        notes.append(f"commits left out: {reasons}")
    if count < config.items.items:
        notes.append(
            f"{count} items were found, {config.items.items} were wanted; with fewer than 850 a "
            "difference below 5 points cannot be told from chance"
        )
    return notes
