"""What a commit, a tree's file and a history cut by time are; which commits are no examples."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from homespun.training.history.diffs import FileChange, Hunk

_REVERT = re.compile(r"^revert\b", re.IGNORECASE)
_REVERTED = re.compile(r"This reverts commit ([0-9a-f]{7,64})")
_REGULAR_MODES = ("100644", "100755", "100664")
_LAST_SECOND = 253_402_300_799  # of the year 9999
_MERGE_HISTORY = 0.5  # above this share of merges the merges are what brings the code


def day_of(seconds: int) -> str:
    """Return the day of a time since 1970 (UTC), as "2025-06-30"."""
    return datetime.fromtimestamp(in_range(seconds), UTC).strftime("%Y-%m-%d")


def in_range(seconds: int) -> int:
    """Return a time that has a day: git takes commits of any date."""
    return min(max(seconds, 0), _LAST_SECOND)


@dataclass(frozen=True, slots=True)
class Commit:
    """One step of the first-parent history."""

    id: str
    parent: str  # the first parent; "" for the first commit
    date: int  # of the commit, seconds since 1970 (UTC)
    is_merge: bool
    subject: str
    changes: tuple[FileChange, ...]  # text files that it left in the tree
    files: int  # that it touched, deleted and binary ones, too
    reason: str  # "" or why its lines are no example: "merge", "huge", "format", "revert" …

    @property
    def day(self) -> str:
        """The date, as "2025-06-30"."""
        return day_of(self.date)

    @property
    def added(self) -> dict[str, list[tuple[int, int]]]:
        """Path -> runs of lines (in this commit's version) that the parent had nowhere."""
        return {change.path: list(change.added) for change in self.changes if change.added}

    @property
    def hunks(self) -> dict[str, tuple[Hunk, ...]]:
        """Path -> all that was changed, moved lines included."""
        return {change.path: change.hunks for change in self.changes}

    def parent_path(self, path: str) -> str:
        """Return a file's path in the parent (another one if it was renamed), "" if it is new."""
        found = (change.old_path for change in self.changes if change.path == path)
        return next(found, path)


@dataclass(frozen=True, slots=True)
class Windows:
    """The history cut in three by time. Commits are those without a `reason`, oldest first."""

    train: tuple[Commit, ...]
    validation: tuple[Commit, ...]  # the last ones up to the cut-off
    test: tuple[Commit, ...]  # behind the cut-off
    tree: str  # the last commit before validation: the tree to learn from
    tree_date: int  # seconds since 1970 (UTC)
    cutoff: str  # the last commit of validation: nothing later is learned from
    cutoff_date: int  # seconds since 1970 (UTC)
    tip: str  # the newest commit
    dropped: dict[str, int]  # reason -> commits, of all three
    notes: tuple[str, ...]  # sentences for the user


class TreeFile(NamedTuple):
    """A file of a tree, as git lists it."""

    path: str
    mode: str
    blob: str
    size: int  # bytes; -1 where the object is missing

    @property
    def is_regular(self) -> bool:
        """A file with content: no link, no submodule, nothing that is missing."""
        return self.mode in _REGULAR_MODES and self.size >= 0


class Entry(NamedTuple):
    """A commit as `git log` lists it."""

    id: str
    parents: tuple[str, ...]
    tree: str
    date: int
    subject: str
    body: str


def usable(commits: Sequence[Commit]) -> tuple[Commit, ...]:
    """Return the commits that are examples."""
    return tuple(commit for commit in commits if not commit.reason)


def is_merge_history(entries: Sequence[Entry]) -> bool:
    """Tell whether merges are what brings the code."""
    merges = sum(len(entry.parents) > 1 for entry in entries)
    return merges > _MERGE_HISTORY * len(entries)


def reverts(entries: Sequence[Entry]) -> dict[str, str]:
    """Return which commits take others back, by their words or by their tree, and which are."""
    found: dict[str, str] = {}
    trees: dict[str, int] = {}
    for place, entry in enumerate(entries):
        taken_back = _REVERTED.findall(entry.body)
        if _REVERT.match(entry.subject) or taken_back or trees.get(entry.tree, place) < place - 1:
            found[entry.id] = "revert"
        for start in taken_back:
            for other in entries[:place]:
                if other.id.startswith(start):
                    found.setdefault(other.id, "reverted")
        trees[entry.tree] = place
    return found


def timestamp(day: str) -> int | None:
    """Return the last second that a date covers; None where it is none."""
    try:
        moment = datetime.fromisoformat(day)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    if len(day) <= len("2025-06-30"):
        moment += timedelta(days=1, seconds=-1)
    return int(moment.timestamp())
