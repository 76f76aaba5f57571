"""Which holes become examples: of the tree by file, of the history by commit, recent ones first.

How many a file or commit gives follows its size and age: `half_life_days` old weighs half. What a
commit added, and what the tree no longer has, counts less: it is how the house no longer writes.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from homespun.indexer.secrets import mask
from homespun.indexer.types import Skipped
from homespun.training.config import DatasetConfig
from homespun.training.dataset.examples import Example
from homespun.training.dataset.holes import Hole, holes
from homespun.training.history.as_typed import as_typed
from homespun.training.history.commits import Commit
from homespun.training.history.repository import Repository
from homespun.training.sources.filters import SourceText, source_text

# (path, language, text) -> the 1-based lines where a convention of the house shows.
ConventionSites = Callable[[str, str, str], Collection[int]]

_DAY = 86_400
_MIN_TREE_WEIGHT = 0.2  # an old file of the tree is still how the house writes
_LINES_A_HOLE = 3  # of code, at least: fewer would ask for the same lines again and again
_MAX_WEIGHED_LINES = 400  # a long file is not worth more
_SIZE_POWER = 0.75
_WHOLE_HUNK = 0.5  # share of a commit's holes whose hunk is written below the cursor, too
_TAIL_CHARS = 200


@dataclass(frozen=True, slots=True)
class Planned:
    """An example without context yet, and the tree that its context comes from."""

    example: Example
    tree: str  # revision; "" where there is no history
    parent_path: str = ""  # of a commit's file in `tree`


@dataclass(frozen=True, slots=True)
class Planner:
    """What all drawing of holes needs."""

    repo: str
    config: DatasetConfig
    seed: int
    convention_sites: ConventionSites | None = None

    def of_tree(
        self,
        sources: Sequence[SourceText],
        touched: Mapping[str, int],
        *,
        now: int,
        count: int,
        revision: str,
        used: Counter[str],
    ) -> list[Planned]:
        """Draw holes of a tree's files. `used` are the examples that a path has already."""
        weights = [
            max(self._recency(touched.get(source.path, now), now), _MIN_TREE_WEIGHT)
            * min(source.code_lines, _MAX_WEIGHED_LINES) ** _SIZE_POWER
            for source in sources
        ]
        caps = [
            min(self.config.most_per_file - used[source.path], source.code_lines // _LINES_A_HOLE)
            for source in sources
        ]
        found = []
        for source, quota in zip(sources, allocate(weights, caps, count), strict=True):
            rng = self._rng("tree", source.path)
            for hole in self._draw(source, rng, count=quota, lines=None):
                text = source.text
                example = self._example(source, hole, text[hole.end :], commit="", kind="tree")
                found.append(Planned(example, revision))
        return found

    def of_commits(
        self,
        repository: Repository,
        commits: Sequence[Commit],
        sources: Sequence[SourceText],
        *,
        now: int,
        count: int,
        most_per_commit: int,
        used: Counter[str],
        keep_stale: bool = False,
    ) -> list[Planned]:
        """Draw holes that begin in lines that commits added, newest commits first.

        Files that are not among the sources (deleted, filtered) are left out; `used` counts what a
        path gives. With `keep_stale` lines that the tree has no more are as good as others.
        """
        paths = {source.path: source for source in sources}
        alive = None if keep_stale else _Alive(paths)
        newest = [
            (commit, paths_of)
            for commit in reversed(commits)
            if (paths_of := [path for path in commit.added if path in paths])
        ]
        sizes = [
            sum(end - start + 1 for path in names for start, end in commit.added[path])
            for commit, names in newest
        ]
        weights = [
            self._recency(commit.date, now) * min(size, _MAX_WEIGHED_LINES) ** _SIZE_POWER
            for (commit, _), size in zip(newest, sizes, strict=True)
        ]
        caps = [min(most_per_commit, -(-size // _LINES_A_HOLE)) for size in sizes]
        found: list[Planned] = []
        for (commit, names), quota in zip(newest, allocate(weights, caps, count), strict=True):
            found += self._of_commit(repository, commit, names, quota, used, alive)
        return found

    def _of_commit(
        self,
        repository: Repository,
        commit: Commit,
        names: Sequence[str],
        quota: int,
        used: Counter[str],
        alive: _Alive | None,
    ) -> list[Planned]:
        rng = self._rng(commit.id, "")
        names = rng.sample(sorted(names), len(names))
        found: list[Planned] = []
        for number, path in enumerate(names):
            # What is left, spread over the files that are left.
            share = -(-(quota - len(found)) // (len(names) - number))
            most = min(share, self.config.most_per_file - used[path])
            if most <= 0:
                continue
            drawn = list(self._of_change(repository, commit, path, most, rng, alive))
            used[path] += len(drawn)
            found += drawn
        return found

    def _of_change(
        self,
        repository: Repository,
        commit: Commit,
        path: str,
        count: int,
        rng: random.Random,
        alive: _Alive | None,
    ) -> Iterator[Planned]:
        raw = repository.source_at(commit.id, path)
        if raw is None:
            return
        source = source_text(path, raw, most_bytes=self.config.most_file_bytes)
        if isinstance(source, Skipped):
            return
        parent_path = commit.parent_path(path)
        old = repository.file_at(commit.parent, parent_path) or ""
        old = mask.mask(old, source.language)
        added = {n for start, end in commit.added[path] for n in range(start, end + 1)}
        if alive is not None:
            added = alive.among(path, source.text, added, rng, self.config.stale_share)
        for hole in self._draw(source, rng, count=count, lines=added):
            document = as_typed(
                old,
                source.text,
                commit.hunks[path],
                line=_last_line(source.text, hole),
                whole_hunk=rng.random() < _WHOLE_HUNK,
            )
            suffix = document[hole.end :]
            example = self._example(source, hole, suffix, commit=commit.id, kind="commit")
            yield Planned(example, commit.parent, parent_path)

    def _draw(
        self, source: SourceText, rng: random.Random, *, count: int, lines: Collection[int] | None
    ) -> list[Hole]:
        """Return holes that show no masked secret, likelier where a convention shows."""
        if count <= 0:
            return []
        text, language = source.text, source.language
        sites = set(self._sites(source))
        if lines is not None:
            sites &= set(lines)
        found: list[Hole] = []
        if sites:
            total = len(lines) if lines is not None else max(source.code_lines, 1)
            weight = self.config.convention_weight
            share = weight * len(sites) / (total + (weight - 1) * len(sites))
            found = holes(text, language, rng, count=round(count * min(share, 1.0)), lines=sites)
        rest = None
        if sites or lines is not None:
            every = range(1, text.count("\n") + 2) if lines is None else lines
            rest = set(every) - sites
        found += holes(text, language, rng, count=count - len(found), lines=rest)
        kept = (hole for hole in found if not _shows_masked(source, hole))
        return sorted(kept, key=lambda hole: hole.start)

    def _sites(self, source: SourceText) -> Collection[int]:
        if self.convention_sites is None:
            return ()
        return self.convention_sites(source.path, source.language, source.text)

    def _example(
        self, source: SourceText, hole: Hole, suffix: str, *, commit: str, kind: str
    ) -> Example:
        return Example(
            id=f"{commit[:12] or 'tree'}/{source.path}:{hole.start}-{hole.end}",
            repo=self.repo,
            path=source.path,
            language=source.language,
            prefix=source.text[: hole.start],
            middle=source.text[hole.start : hole.end],
            suffix=suffix,
            kind=hole.kind,
            commit=commit,
            source=kind,
        )

    def _recency(self, date: int, now: int) -> float:
        age_days = max(now - date, 0) / _DAY
        return float(0.5 ** (age_days / self.config.half_life_days))

    def _rng(self, *what: str) -> random.Random:
        return random.Random("\0".join((str(self.seed), *what)))


class _Alive:
    """The lines that the tree still has, file by file."""

    def __init__(self, sources: Mapping[str, SourceText]) -> None:
        self._sources = sources
        self._lines: dict[str, set[str]] = {}

    def among(
        self, path: str, text: str, added: Collection[int], rng: random.Random, stale_share: float
    ) -> set[int]:
        """Return the added lines that are still there, and a share of the others."""
        if path not in self._lines:
            self._lines[path] = {line.strip() for line in self._sources[path].text.split("\n")}
        known, lines = self._lines[path], text.split("\n")
        return {
            number
            for number in sorted(added)
            if number <= len(lines)
            and (lines[number - 1].strip() in known or rng.random() < stale_share)
        }


def allocate(weights: Sequence[float], caps: Sequence[int], total: int) -> list[int]:
    """Share out `total` by weight, nobody more than the cap; sums to `total` where caps allow it.

    What the caps leave over goes to the others; the rest of the rounding to the largest remainders.
    """
    given = [0] * len(weights)
    caps = [max(cap, 0) for cap in caps]
    left = min(total, sum(caps))
    while left > 0:
        open_ = [i for i in range(len(weights)) if given[i] < caps[i] and weights[i] > 0]
        if not open_:
            break
        scale = left / sum(weights[i] for i in open_)
        shares = {i: min(weights[i] * scale, caps[i] - given[i]) for i in open_}
        whole = {i: int(share) for i, share in shares.items()}
        if not any(whole.values()):
            by_remainder = sorted(open_, key=lambda i: (-shares[i], i))
            whole = {i: 1 for i in by_remainder[:left]}
        for i, count in whole.items():
            given[i] += count
        left = min(total, sum(caps)) - sum(given)
    return given


def without_repeats(planned: Iterable[Planned]) -> list[Planned]:
    """Drop what asks the same again: the first of the same path, end of prefix and middle stays."""
    seen: set[tuple[str, str, str]] = set()
    kept = []
    for item in planned:
        example = item.example
        asked = (example.path, example.prefix[-_TAIL_CHARS:], example.middle)
        if asked not in seen:
            seen.add(asked)
            kept.append(item)
    return kept


def _last_line(text: str, hole: Hole) -> int:
    """Return the 1-based line in which the hole ends; a line end belongs to its line."""
    return text.count("\n", 0, max(hole.end - 1, hole.start)) + 1


def _shows_masked(source: SourceText, hole: Hole) -> bool:
    if not source.masked:
        return False
    first = source.text.count("\n", 0, hole.start) + 1
    last = _last_line(source.text, hole)
    return any(first <= line <= last for line in source.masked)
