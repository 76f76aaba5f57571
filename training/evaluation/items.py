"""What an adapter is judged on: holes in lines that commits behind the cut-off added.

The document of an item is the one that the author had: everything above the cursor as the commit
leaves it, below the hole what the parent commit had (`edits.as_typed`). So nothing in it was
written after the hole, and what the commit says further down gives no hint. The index that the
retriever asks is that of the parent's tree. Commits that are no examples (moves, formatting,
reverts, huge ones, merges) are left out by `history`, files that nobody wrote here by
`source_filters`.

An item belongs to strata: "new-file" or "known-file" (was the file there at the cut-off, under this
name or an earlier one), "novel" or "boilerplate" (`leaks.is_novel`), "single-line" or "multi-line",
"names-visible" or "names-hidden" (does the document show every name that is wanted), and
"convention" where a convention of the house shows in the hole.
"""

from __future__ import annotations

import hashlib
import json
import random
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from homespun.indexer.secrets.mask import mask
from homespun.indexer.types import Skipped
from homespun.progress import NoProgress, Progress
from homespun.storage import write_private
from homespun.training.dataset.examples import Example
from homespun.training.dataset.holes import Hole, holes
from homespun.training.dataset.leaks import AROUND_LINES, Seen, is_novel
from homespun.training.errors import NothingToEvaluate
from homespun.training.evaluation.metrics import KEYWORDS
from homespun.training.history.as_typed import as_typed
from homespun.training.history.commits import Commit
from homespun.training.history.diffs import FileChange
from homespun.training.history.repository import Repository
from homespun.training.sources.filters import House, SourceText, filtered

ConventionSites = Callable[[str, str, str], Collection[int]]
"""(path, language, text) -> the 1-based lines where a convention of the house shows."""

_NAME = re.compile(r"[^\W\d]\w{2,}")
_MAX_FILE_BYTES = 300_000
_TRIED = 3  # holes looked at for each that may be taken
_TAIL_CHARS = 200  # before the cursor: with the same tail and the same hole, the same item


@dataclass(frozen=True, slots=True)
class ItemConfig:
    """Sizes; one default each."""

    items: int = 900
    per_commit: int = 8
    per_file: int = 5  # over the whole window
    least_tokens: int = 3  # of a hole
    most_tokens: int = 64
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Item:
    """A hole in a document, and what is known of it."""

    example: Example
    parent: str  # the commit whose tree the retriever may know; "" without a history
    strata: tuple[str, ...]

    @property
    def id(self) -> str:
        """Stable: made of the commit, the path and the texts around the cursor."""
        return self.example.id

    def to_json(self) -> dict[str, Any]:
        """Return the row of a JSONL file."""
        return {
            "example": self.example.to_json(),
            "parent": self.parent,
            "strata": list(self.strata),
        }

    @classmethod
    def from_json(cls, row: dict[str, Any]) -> Item:
        """Read a row. Raises KeyError, TypeError."""
        return cls(Example.from_json(row["example"]), row["parent"], tuple(row["strata"]))


class Judge:
    """Sorts items into strata by what training has seen."""

    def __init__(
        self,
        known: Iterable[str],
        seen: Seen,
        *,
        convention_sites: ConventionSites | None = None,
    ) -> None:
        """`known` are the paths at the cut-off; `seen` is all the text that was learned from."""
        self._known = set(known)
        self._seen = seen
        self._convention_sites = convention_sites

    def follow(self, commits: Iterable[Commit]) -> None:
        """Learn which files are known ones under another name; oldest commit first."""
        for commit in commits:
            for change in commit.changes:
                if change.old_path and change.old_path in self._known:
                    self._known.add(change.path)

    def strata(
        self,
        example: Example,
        source: SourceText,
        first_line: int,
        added: Collection[int] | None = None,
    ) -> tuple[str, ...]:
        """Return the strata of a hole that begins in a 1-based line of a file.

        Lines above it that were `added` with it (None: all) belong to it when it is compared with
        training; old ones do not: a new line in an old place is new.
        """
        last_line = first_line + example.middle.rstrip("\n").count("\n")
        lines = source.text.split("\n")
        target = "\n".join(lines[first_line - 1 : last_line])
        start = first_line
        while start > max(1, first_line - AROUND_LINES) and (added is None or start - 1 in added):
            start -= 1
        around = "\n".join(lines[start - 1 : first_line - 1])
        is_new = is_novel(target, self._seen, around=around)
        found = [
            "known-file" if example.path in self._known else "new-file",
            "novel" if is_new else "boilerplate",
            "multi-line" if last_line > first_line else "single-line",
            "names-hidden" if hidden_names(example) else "names-visible",
        ]
        if self._convention_sites is not None:
            sites = self._convention_sites(example.path, example.language, source.text)
            if any(first_line <= line <= last_line for line in sites):
                found.append("convention")
        return tuple(found)


def names_of(text: str) -> list[str]:
    """Return the names in a text, in order, each once; short ones and keywords say little."""
    return [name for name in dict.fromkeys(_NAME.findall(text)) if name not in KEYWORDS]


def hidden_names(example: Example) -> list[str]:
    """Return the names that the hole needs and the document around it does not have."""
    shown = set(_NAME.findall(example.prefix)) | set(_NAME.findall(example.suffix))
    return [name for name in names_of(example.middle) if name not in shown]


def items_of_history(
    repository: Repository,
    commits: Sequence[Commit],
    judge: Judge,
    house: House,
    count_tokens: Callable[[str], int],
    config: ItemConfig = ItemConfig(),
    *,
    name: str = "",
    progress: Progress | None = None,
) -> list[Item]:
    """Return at most `config.items` items, in the order of the history, then path and place.

    `commits` are those of the test window, oldest first, the unusable ones too. They give an item
    each in turns, in random order: many commits with few items say more than few with many. The
    same input and seed give the same items.
    """
    progress = progress or NoProgress()
    judge.follow(commits)
    usable = [commit for commit in commits if not commit.reason]
    order = list(range(len(usable)))
    random.Random(config.seed).shuffle(order)
    picker = _Picker(config, count_tokens)
    repo_name = name or repository.name
    streams = [
        (
            place,
            _CommitReader(repository, usable[place], house, repo_name).candidates(judge, config),
        )
        for place in order
    ]
    taken: list[tuple[int, Item]] = []
    progress.start("items", config.items, "items")
    for _ in range(config.per_commit):
        alive = []
        for place, candidates in streams:
            if len(taken) >= config.items:
                break
            found = picker.take(candidates, 1)
            if found:
                taken += [(place, item) for item in found]
                alive.append((place, candidates))
                progress.advance(1)
        streams = alive
    progress.finish()
    taken.sort(key=lambda pair: (pair[0], pair[1].example.path, len(pair[1].example.prefix)))
    return [item for _, item in taken]


def items_of_files(
    sources: Sequence[SourceText],
    judge: Judge,
    count_tokens: Callable[[str], int],
    config: ItemConfig = ItemConfig(),
    *,
    name: str,
) -> list[Item]:
    """Return items of whole files that training never saw, for a repository without a history.

    The document is the whole file but for the hole: the author's own order is not known.
    """
    rng = random.Random(config.seed)
    picker = _Picker(config, count_tokens)
    found: list[Item] = []
    for source in rng.sample(list(sources), len(sources)):
        places = holes(source.text, source.language, rng, count=config.per_file * _TRIED)
        rng.shuffle(places)
        candidates = (
            _item(source, _Document(source.text, hole), judge, name=name) for hole in places
        )
        most = min(config.per_file, config.items - len(found))
        found += picker.take((item for item in candidates if item is not None), most)
    return sorted(found, key=lambda item: (item.example.path, len(item.example.prefix)))


def write_items(items: Iterable[Item], path: Path) -> None:
    """Write items as JSONL."""
    rows = "".join(json.dumps(item.to_json(), ensure_ascii=False) + "\n" for item in items)
    write_private(path, rows)


def read_items(path: Path) -> Iterator[Item]:
    """Yield the items of a JSONL file. Raises `NothingToEvaluate` naming a line that is none."""
    with path.open(encoding="utf-8") as stream:
        for number, line in enumerate(stream, start=1):
            try:
                yield Item.from_json(json.loads(line))
            except (AttributeError, KeyError, TypeError, ValueError) as error:
                raise NothingToEvaluate(
                    f"{str(path)!r}, line {number}: no item ({type(error).__name__}: {error}); "
                    "delete the file to have it made anew"
                ) from error


@dataclass(frozen=True, slots=True)
class _Document:
    text: str
    hole: Hole
    added: Collection[int] | None = None  # 1-based lines; None: all


class _Picker:
    """Takes items as long as the caps allow it."""

    def __init__(self, config: ItemConfig, count_tokens: Callable[[str], int]) -> None:
        self._config = config
        self._count = count_tokens
        self._files: Counter[str] = Counter()
        self._seen: set[tuple[str, str]] = set()

    def take(self, candidates: Iterable[Item], most: int) -> list[Item]:
        found: list[Item] = []
        for item in candidates:
            if len(found) >= most:
                break
            if self._fits(item.example):
                self._files[item.example.path] += 1
                found.append(item)
        return found

    def _fits(self, example: Example) -> bool:
        config = self._config
        if self._files[example.path] >= config.per_file:
            return False
        tokens = self._count(example.middle)
        if not config.least_tokens <= tokens <= config.most_tokens:
            return False
        key = (example.prefix[-_TAIL_CHARS:], example.middle)
        if key in self._seen:
            return False
        self._seen.add(key)
        return True


class _CommitReader:
    """The holes of one commit."""

    def __init__(
        self, repository: Repository, commit: Commit, house: House, repo_name: str
    ) -> None:
        self._repository = repository
        self._commit = commit
        self._house = house
        self._repo_name = repo_name

    def candidates(self, judge: Judge, config: ItemConfig) -> Iterator[Item]:
        """Yield items in random order, from all files in turns."""
        rng = random.Random(f"{config.seed}:{self._commit.id}")
        changes = [change for change in self._commit.changes if change.added]
        rng.shuffle(changes)
        waiting = [self._of_file(change, judge, config, rng) for change in changes]
        while waiting:
            alive = []
            for items in waiting:
                item = next(items, None)
                if item is not None:
                    yield item
                    alive.append(items)
            waiting = alive

    def _of_file(
        self, change: FileChange, judge: Judge, config: ItemConfig, rng: random.Random
    ) -> Iterator[Item]:
        source = self._source(change.path)
        if source is None:
            return
        old = self._repository.file_at(self._commit.parent, change.old_path) or ""
        old = mask(old, source.language)
        added = {n for start, end in change.added for n in range(start, end + 1)}
        count = config.per_file * _TRIED
        found = holes(source.text, source.language, rng, count=count, lines=added - source.masked)
        rng.shuffle(found)
        for hole in found:
            last = source.text.count("\n", 0, max(hole.end - 1, hole.start)) + 1
            if not _is_added(source.text, hole, added):
                continue
            text = as_typed(old, source.text, change.hunks, line=last)
            document = _Document(text, hole, added)
            item = _item(source, document, judge, commit=self._commit, name=self._repo_name)
            if item is not None:
                yield item

    def _source(self, path: str) -> SourceText | None:
        text = self._repository.file_at(self._commit.id, path)
        if text is None:
            return None
        found = filtered(path, text.encode("utf-8"), self._house, most_bytes=_MAX_FILE_BYTES)
        # A text that was cut or decoded otherwise would not fit the hunks.
        is_same = isinstance(found, SourceText) and found.text.count("\n") == text.count("\n")
        return None if isinstance(found, Skipped) or not is_same else found


def _is_added(text: str, hole: Hole, added: Collection[int]) -> bool:
    """Tell whether every line of a hole was added; a blank one may have been there before."""
    first = text.count("\n", 0, hole.start) + 1
    body = text[hole.start : hole.end].rstrip("\n")
    lines = body.split("\n")
    return all(first + n in added for n, line in enumerate(lines) if line.strip())


def _item(
    source: SourceText,
    document: _Document,
    judge: Judge,
    *,
    name: str,
    commit: Commit | None = None,
) -> Item | None:
    text, hole = document.text, document.hole
    middle = text[hole.start : hole.end]
    if not middle.strip():
        return None
    example = Example(
        id="",
        repo=name,
        path=source.path,
        language=source.language,
        prefix=text[: hole.start],
        middle=middle,
        suffix=text[hole.end :],
        kind=hole.kind,
        commit=commit.id if commit else "",
        source="commit" if commit else "tree",
    )
    first_line = text.count("\n", 0, hole.start) + 1
    strata = judge.strata(example, source, first_line, document.added)
    return Item(replace(example, id=_id(example)), commit.parent if commit else "", strata)


def _id(example: Example) -> str:
    parts = (example.commit, example.path, example.prefix, example.middle, example.suffix)
    return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()[:16]
