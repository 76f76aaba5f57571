"""What a dataset is made of: files, commits and holes, before any context is asked for.

With a history the last commits up to the cut-off validate; where they are missing or say too
little, whole files are held out of everything that is learned from or shown.
"""

from __future__ import annotations

import hashlib
import random
import shutil
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from pathlib import Path

from homespun.indexer.config import IndexConfig
from homespun.indexer.scan.walk import read, walk
from homespun.indexer.types import Skipped
from homespun.progress import Progress
from homespun.storage import make_private_folder, write_private
from homespun.training.config import DatasetConfig
from homespun.training.dataset.context import RevisionRetriever
from homespun.training.dataset.examples import Example
from homespun.training.dataset.plan import ConventionSites, Planned, Planner, without_repeats
from homespun.training.errors import LeakFound
from homespun.training.history.checkout import Checkout, is_indexable
from homespun.training.history.commits import Commit, Windows
from homespun.training.history.repository import Repository
from homespun.training.sources import select
from homespun.training.sources.select import LearnedFiles

_MIN_VALIDATION = 20  # examples; fewer tell nothing


@dataclass(frozen=True, slots=True)
class DatasetRequest:
    """What a dataset is asked of."""

    root: Path
    config: DatasetConfig
    seed: int
    name: str
    convention_sites: ConventionSites | None = None
    general: Path | None = None  # JSONL of examples to replay
    repository: Repository | None = None
    windows: Windows | None = None
    notes: tuple[str, ...] = ()

    @property
    def own_examples(self) -> int:
        """How many examples of the repository itself are wanted."""
        replayed = self.config.replay_share if self.general is not None else 0.0
        return round(self.config.examples * (1 - replayed))

    def with_history(self, repository: Repository, windows: Windows) -> DatasetRequest:
        """Return the request with what git knows."""
        notes = (*self.notes, *windows.notes)
        return replace(self, repository=repository, windows=windows, notes=notes)

    def with_note(self, note: str) -> DatasetRequest:
        """Return the request with a sentence for the user."""
        return replace(self, notes=(*self.notes, note))

    def fingerprint(self) -> str:
        """Return a hash of the folder's files, for one without a history."""
        limits = IndexConfig(
            max_file_bytes=self.config.most_file_bytes, exclude=self.config.exclude
        )
        digest = hashlib.sha256()
        for file in walk(self.root, limits).files:
            source = read(self.root, file.path, limits)
            digest.update(f"{file.path}\0".encode())
            digest.update(b"" if isinstance(source, Skipped) else hashlib.sha256(source).digest())
        return digest.hexdigest()


@dataclass(frozen=True)
class DatasetInputs:
    """What was read and drawn."""

    request: DatasetRequest
    learned: LearnedFiles
    tree: str  # revision that is learned from, "" without a history
    now: int  # its date, seconds since 1970
    commits: tuple[Commit, ...]  # that are learned from
    held: frozenset[str]  # paths held out, empty where later commits validate
    train: list[Planned]
    validation: list[Planned]
    notes: list[str] = field(default_factory=list)

    @cached_property
    def order(self) -> Mapping[str, int]:
        """Revision -> place in the history, oldest first."""
        windows = self.request.windows
        if windows is None:
            return {}
        trees = [commit.parent for commit in (*windows.train, *windows.validation)]
        order = {tree: place for place, tree in enumerate(dict.fromkeys(trees))}
        # What the tree itself gives comes when the commits before it are done.
        order.setdefault(self.tree, sum(1 for _ in windows.train))
        return order

    def contexts(self, scratch: Path) -> Mapping[str, Callable[[], RevisionRetriever]]:
        """Return what makes each window's index, in a scratch folder that is empty then.

        Files that are held out are not in the index of the examples that are learned from.
        """
        shutil.rmtree(scratch, ignore_errors=True)
        if not self.held:
            both = cache(lambda: self._context(scratch / "tree", frozenset()))
            return {"train": both, "validation": both}
        return {
            "train": lambda: self._context(scratch / "train", self.held),
            "validation": lambda: self._context(scratch / "validation", frozenset()),
        }

    def _context(self, folder: Path, without: frozenset[str]) -> RevisionRetriever:
        request = self.request
        budget = request.config.context_tokens
        if request.repository is None:
            return RevisionRetriever(folder, _Copy(request, folder, without), budget_tokens=budget)
        checkout = Checkout(
            request.repository,
            folder,
            wanted=lambda path: is_indexable(path) and path not in without,
        )
        return RevisionRetriever(folder, checkout.move, budget_tokens=budget)

    def check_held_out(self, train: Sequence[Example]) -> None:
        """Assert that no example shows a file that is held out. Raises `LeakFound`."""
        for example in train:
            shown = {example.path, *(snippet.path for snippet in example.snippets)}
            if not self.held.isdisjoint(shown):
                raise LeakFound(
                    f"example {example.id!r} shows a file that is held out; nothing was written: "
                    "this is a fault of homespun, please report it"
                )


class _Copy:
    """Copies the files of a folder without a history, once."""

    def __init__(self, request: DatasetRequest, folder: Path, without: frozenset[str]) -> None:
        self._request = request
        self._folder = folder
        self._without = without
        self._done = False

    def __call__(self, _: str) -> list[str] | None:
        if self._done:
            return []
        limits = IndexConfig(exclude=self._request.config.exclude)
        for file in walk(self._request.root, limits).files:
            if file.path in self._without or not is_indexable(file.path):
                continue
            source = read(self._request.root, file.path, limits)
            if not isinstance(source, Skipped):
                place = self._folder / file.path
                make_private_folder(place.parent)
                write_private(place, source)
        self._done = True
        return None


def dataset_inputs(request: DatasetRequest, progress: Progress) -> DatasetInputs:
    """Read the files, draw the holes of both windows."""
    windows = request.windows
    if request.repository is None or windows is None:
        return _held_out(request, request.notes, progress)
    found = _by_time(request, request.repository, windows, progress)
    if len(found.validation) >= min(_MIN_VALIDATION, request.config.validation_examples // 2):
        return found
    note = (
        f"the last {len(windows.validation)} commits up to the cut-off give "
        f"{len(found.validation)} examples, too few to validate on: whole files are held out"
    )
    return _held_out(request, (*request.notes, note), progress)


def _by_time(
    request: DatasetRequest, repository: Repository, windows: Windows, progress: Progress
) -> DatasetInputs:
    config, planner = request.config, _planner(request)
    learned = select.of_revision(repository, windows.tree, config, progress=progress)
    tree, now = windows.tree, windows.tree_date
    train = _train(request, planner, learned, windows.train, tree, now, progress)
    later = select.of_revision(repository, windows.cutoff, config, progress=progress)
    validation = planner.of_commits(
        repository,
        windows.validation,
        later.sources,
        now=windows.cutoff_date,
        count=config.validation_examples,
        most_per_commit=config.most_validation_per_commit,
        used=Counter(),
        keep_stale=True,
    )
    return DatasetInputs(
        request=request,
        learned=learned,
        tree=windows.tree,
        now=now,
        commits=windows.train,
        held=frozenset(),
        train=train,
        validation=without_repeats(validation),
        notes=list(request.notes),
    )


def _held_out(request: DatasetRequest, notes: Sequence[str], progress: Progress) -> DatasetInputs:
    """Hold whole files out; with a history all commits up to the cut-off are learned from."""
    config, planner, windows = request.config, _planner(request), request.windows
    if request.repository is None or windows is None:
        learned = select.of_folder(request.root, config, progress=progress)
        tree, now, commits = "", 0, tuple[Commit, ...]()
    else:
        tree, now = windows.cutoff, windows.cutoff_date
        commits = (*windows.train, *windows.validation)
        learned = select.of_revision(request.repository, tree, config, progress=progress)
    paths = [source.path for source in learned.sources]
    count = min(max(1, round(config.held_out_files * len(paths))), len(paths))
    held = frozenset(random.Random(f"{request.seed}-held").sample(paths, count))
    kept = replace(learned, sources=tuple(s for s in learned.sources if s.path not in held))
    train = _train(request, planner, kept, commits, tree, now, progress)
    validation = planner.of_tree(
        [source for source in learned.sources if source.path in held],
        {},
        now=now,
        count=config.validation_examples,
        revision=tree,
        used=Counter(),
    )
    return DatasetInputs(
        request=request,
        learned=learned,
        tree=tree,
        now=now,
        commits=commits,
        held=held,
        train=train,
        validation=without_repeats(validation),
        notes=list(notes),
    )


def _train(
    request: DatasetRequest,
    planner: Planner,
    kept: LearnedFiles,
    commits: Sequence[Commit],
    tree: str,
    now: int,
    progress: Progress,
) -> list[Planned]:
    """Draw holes of commits first, the rest of the tree; `kept` are the files that are not held."""
    config, wanted = request.config, request.own_examples
    used: Counter[str] = Counter()
    found: list[Planned] = []
    progress.start("holes", 0, "examples")
    if request.repository is not None:
        found = planner.of_commits(
            request.repository,
            commits,
            kept.sources,
            now=now,
            count=round(wanted * config.commit_share),
            most_per_commit=config.most_per_commit,
            used=used,
        )
    oldest = commits[0].date if commits else now
    found += planner.of_tree(
        kept.sources,
        select.last_touched(kept.sources, commits, oldest),
        now=now,
        count=wanted - len(found),
        revision=tree,
        used=used,
    )
    progress.finish()
    return without_repeats(found)


def _planner(request: DatasetRequest) -> Planner:
    return Planner(request.name, request.config, request.seed, request.convention_sites)
