"""A tree -> the files to learn from and when they were touched last; what is dropped and why."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from homespun.indexer.config import IndexConfig
from homespun.indexer.scan.decode import decode
from homespun.indexer.scan.walk import IGNORE_FILE, read, walk
from homespun.indexer.types import Skipped
from homespun.progress import Progress
from homespun.training.config import DatasetConfig
from homespun.training.history.commits import Commit
from homespun.training.history.repository import Repository
from homespun.training.sources.filters import House, SourceText, filtered, head_of, reason_by_path
from homespun.training.sources.near_duplicates import near_duplicates

_EXAMPLES = 5  # paths kept for each reason
_LICENCE_NAMES = ("licen", "copying", "copyright", "notice")
_HEAD_BYTES = 4_000

ReadFile = Callable[[str], bytes | None]


@dataclass(slots=True)
class Dropped:
    """Reason -> how many files, and a few of them."""

    counts: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[str]] = field(default_factory=dict)

    def add(self, path: str, reason: str, detail: str = "") -> None:
        """Count a file."""
        self.counts[reason] += 1
        shown = self.examples.setdefault(reason, [])
        if len(shown) < _EXAMPLES:
            shown.append(f"{path} ({detail})" if detail else path)


@dataclass(frozen=True, slots=True)
class LearnedFiles:
    """What is learned from."""

    sources: tuple[SourceText, ...]  # sorted by path
    dropped: Dropped
    house: House
    seen: int  # files that were looked at

    @property
    def code_lines(self) -> int:
        """Lines of code, all files together."""
        return sum(source.code_lines for source in self.sources)


def of_revision(
    repository: Repository, revision: str, config: DatasetConfig, *, progress: Progress
) -> LearnedFiles:
    """Filter the tree of a revision. Links and submodules do not count as files."""
    files = {file.path: file for file in repository.files(revision) if file.is_regular}
    dropped = Dropped()
    for path in [path for path, file in files.items() if file.size > config.most_file_bytes]:
        dropped.add(path, "too-large")
        del files[path]
    return _learned(
        list(files), lambda path: repository.blob(files[path].blob), config, dropped, progress
    )


def of_folder(folder: Path, config: DatasetConfig, *, progress: Progress) -> LearnedFiles:
    """Filter a folder without a history: the files that the index would take."""
    limits = IndexConfig(max_file_bytes=config.most_file_bytes, exclude=config.exclude)
    scan = walk(folder, limits)
    dropped = Dropped()
    for reason, count in scan.skipped.items():
        dropped.counts[reason] += count
        dropped.examples[reason] = list(scan.examples.get(reason, ()))

    def source_of(path: str) -> bytes | None:
        found = read(folder, path, limits)
        return None if isinstance(found, Skipped) else found

    return _learned([file.path for file in scan.files], source_of, config, dropped, progress)


def last_touched(
    sources: Iterable[SourceText], commits: Sequence[Commit], oldest: int
) -> dict[str, int]:
    """Return path -> date (seconds since 1970) of the last commit that changed the file.

    `commits` are oldest first; a file that none of them touched is as old as `oldest`.
    """
    found = {change.path: commit.date for commit in commits for change in commit.changes}
    return {source.path: found.get(source.path, oldest) for source in sources}


def _learned(
    paths: Sequence[str],
    source_of: ReadFile,
    config: DatasetConfig,
    dropped: Dropped,
    progress: Progress,
) -> LearnedFiles:
    house = _house(paths, source_of, config)
    found: list[SourceText] = []
    progress.start("files", len(paths), "files")
    for path in sorted(paths):
        progress.advance(1)
        # Most files of some repositories are pictures: their bytes are not asked for.
        reason = reason_by_path(path, house)
        if reason is not None:
            dropped.add(path, reason)
            continue
        source = source_of(path)
        if source is None:
            dropped.add(path, "unreadable")
            continue
        kept = filtered(path, source, house, most_bytes=config.most_file_bytes)
        if isinstance(kept, Skipped):
            dropped.add(path, kept.reason)
        else:
            found.append(kept)
    progress.finish()
    return LearnedFiles(tuple(_without_copies(found, config, dropped)), dropped, house, len(paths))


def _house(paths: Sequence[str], source_of: ReadFile, config: DatasetConfig) -> House:
    attributes, exclude, licences, heads = {}, list(config.exclude), [], []
    for path in paths:
        folder, _, name = path.rpartition("/")
        if name == ".gitattributes":
            attributes[f"{folder}/" if folder else ""] = _text(source_of(path))
        elif path == IGNORE_FILE:
            exclude += _text(source_of(path)).splitlines()
        elif not folder and name.lower().startswith(_LICENCE_NAMES):
            licences.append(_text(source_of(path)))
    plain = House.of((), exclude=exclude, attributes=attributes)
    for path in paths:
        if reason_by_path(path, plain) is None:
            heads.append(head_of(_text((source_of(path) or b"")[:_HEAD_BYTES])))
    return House.of(heads, licence_texts=licences, exclude=exclude, attributes=attributes)


def _text(source: bytes | None) -> str:
    text = decode(source or b"")
    return "" if isinstance(text, Skipped) else text


def _without_copies(
    sources: Sequence[SourceText], config: DatasetConfig, dropped: Dropped
) -> list[SourceText]:
    """Drop near-duplicates; of a group the file that most others name is kept, then the longest."""
    named = _named_by(sources)
    ordered = sorted(sources, key=lambda s: (-named[s.path], -s.code_lines, s.path))
    copies = near_duplicates([s.text for s in ordered], threshold=config.near_duplicate)
    gone = set()
    for copy, kept in sorted(copies.items()):
        gone.add(ordered[copy].path)
        dropped.add(ordered[copy].path, "near-duplicate", f"of {ordered[kept].path}")
    return sorted((s for s in sources if s.path not in gone), key=lambda s: s.path)


def _named_by(sources: Sequence[SourceText]) -> Mapping[str, int]:
    """Return path -> how many lines that import something name the file's module."""
    lines = [
        line
        for source in sources
        for line in source.text.split("\n")
        if line.lstrip().startswith(("import", "from", "use", "using", "require", "#include"))
    ]
    words = Counter(
        word for line in lines for word in set(line.replace("/", " ").replace(".", " ").split())
    )
    return {source.path: words[_stem(source.path)] for source in sources}


def _stem(path: str) -> str:
    name = os.path.splitext(path.rpartition("/")[2])[0]
    return path.split("/")[-2] if name in ("__init__", "index", "mod") and "/" in path else name
