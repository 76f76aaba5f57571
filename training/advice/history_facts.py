"""How large and old a history is, what changes weekly in it, and what stays.

Ages are counted back from the newest commit, not from today: a clone that rests is not older.
Who wrote is counted, and named nowhere.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from homespun.training.history.commits import Commit, Windows, day_of, in_range
from homespun.training.sources.filters import SourceText
from homespun.training.sources.select import LearnedFiles, last_touched

DAY = 86_400  # seconds
WEEK = 7 * DAY
CHURN_WEEKS = 26  # that are looked at for what changes weekly
SHOWN_WEEKS = 104
_FOLDER_PARTS = 2
AGES = (  # since the last change, days
    ("a week", 7),
    ("a month", 31),
    ("three months", 92),
    ("a year", 365),
)
OLDER = "longer ago"


@dataclass(frozen=True, slots=True)
class FolderChurn:
    """How often a folder changes."""

    folder: str  # "" is the repository itself
    files: int  # of code, now
    code_lines: int
    weeks: int  # with a change, of those looked at
    added: int  # lines in these weeks


@dataclass(frozen=True, slots=True)
class HistoryFacts:
    """A history in figures; a line is a line of code of a file that people wrote."""

    commits: int
    usable: int  # that are examples: no merge, no formatting, none of hundreds of files
    dropped: Mapping[str, int]  # reason -> commits
    authors: int
    recent_authors: int  # within a year before the newest commit
    first_day: str
    last_day: str
    days: int
    files: int
    code_lines: int
    ages: Mapping[str, int]  # touched within … -> lines of code in such files
    weeks: int  # that folders are judged by
    folders: tuple[FolderChurn, ...]  # the one that changes most often first
    added_by_week: tuple[int, ...]  # the oldest first; the last one ends with the newest commit

    @property
    def settled_share(self) -> float:
        """The share of the code whose files nobody touched for a year."""
        return self.ages[OLDER] / self.code_lines if self.code_lines else 0.0

    @property
    def weekly(self) -> tuple[FolderChurn, ...]:
        """The folders that change in at least every second week."""
        return tuple(one for one in self.folders if self.weeks and one.weeks * 2 >= self.weeks)

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object."""
        return asdict(self) | {
            "settled_share": round(self.settled_share, 4),
            "weekly": [folder.folder for folder in self.weekly],
        }


def history_facts(
    windows: Windows, learned: LearnedFiles, authors: Sequence[tuple[str, int]]
) -> HistoryFacts:
    """Count. `learned` are the files of the newest tree, `authors` (who, when) of each commit."""
    commits = [*windows.train, *windows.validation, *windows.test]
    dates = [in_range(date) for _, date in authors]
    newest, oldest = max(dates, default=0), min(dates, default=0)
    touched = last_touched(learned.sources, commits, oldest)
    weeks = min(CHURN_WEEKS, (newest - oldest) // WEEK + 1)
    return HistoryFacts(
        commits=len(authors),
        usable=len(commits),
        dropped=dict(windows.dropped),
        authors=len({who for who, _ in authors}),
        recent_authors=len({who for who, date in authors if in_range(date) > newest - 365 * DAY}),
        first_day=day_of(oldest),
        last_day=day_of(newest),
        days=(newest - oldest) // DAY,
        files=len(learned.sources),
        code_lines=learned.code_lines,
        ages=_ages(learned.sources, touched, newest),
        weeks=weeks,
        folders=tuple(_folders(learned.sources, commits, newest, weeks)),
        added_by_week=_added_by_week(commits, newest),
    )


def _ages(sources: Iterable[SourceText], touched: Mapping[str, int], newest: int) -> dict[str, int]:
    found = dict.fromkeys([*(name for name, _ in AGES), OLDER], 0)
    for source in sources:
        days = (newest - in_range(touched[source.path])) / DAY
        name = next((name for name, most in AGES if days <= most), OLDER)
        found[name] += source.code_lines
    return found


def _folders(
    sources: Iterable[SourceText], commits: Iterable[Commit], newest: int, weeks: int
) -> list[FolderChurn]:
    files, lines, added = Counter[str](), Counter[str](), Counter[str]()
    changed: dict[str, set[int]] = defaultdict(set)
    known = set()
    for source in sources:
        folder = _folder(source.path)
        known.add(source.path)
        files[folder] += 1
        lines[folder] += source.code_lines
    for commit in commits:
        week = (newest - in_range(commit.date)) // WEEK
        for change in commit.changes if 0 <= week < weeks else ():
            if change.path in known:
                changed[_folder(change.path)].add(week)
                added[_folder(change.path)] += _added_lines(change.added)
    found = [
        FolderChurn(name, files[name], lines[name], len(changed[name]), added[name])
        for name in files
    ]
    return sorted(found, key=lambda one: (-one.weeks, -one.added, one.folder))


def _folder(path: str) -> str:
    return "/".join(path.split("/")[:-1][:_FOLDER_PARTS])


def _added_by_week(commits: Iterable[Commit], newest: int) -> tuple[int, ...]:
    found = Counter[int]()
    for commit in commits:
        week = (newest - in_range(commit.date)) // WEEK
        if 0 <= week < SHOWN_WEEKS:
            found[week] += sum(_added_lines(change.added) for change in commit.changes)
    first = max(found, default=-1)
    return tuple(found[week] for week in range(first, -1, -1))


def _added_lines(ranges: Iterable[tuple[int, int]]) -> int:
    return sum(end - start + 1 for start, end in ranges)
