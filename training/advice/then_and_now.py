"""Do the house's habits stay? The same rules, mined in the tree of a year ago and in today's.

Where a history is younger than two years, "then" is the middle of it; below two months nothing
is compared, nor where the folder was not there yet. Rules that a formatter settles are left out:
nobody has to learn them.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from homespun.progress import Progress
from homespun.training.advice.history_facts import DAY
from homespun.training.config import DatasetConfig
from homespun.training.conventions.mine import Convention, Conventions, Status
from homespun.training.errors import HistoryUnreadable
from homespun.training.history.commits import in_range
from homespun.training.history.repository import Repository
from homespun.training.pipeline.house_style import conventions_of
from homespun.training.sources.select import LearnedFiles, of_revision

_LOOK_BACK = 365 * DAY
_SHORTEST = 60 * DAY  # of a history, to compare anything


@dataclass(frozen=True, slots=True)
class RuleThenAndNow:
    """One rule; then is "" and 0 where it had no places, or nothing was compared."""

    rule: str
    title: str
    form: str  # the commonest one now, in words
    share: float  # of that form
    sites: int
    status: Status  # "house": an interval above 80 %; "mixed"; "few" places
    form_then: str
    share_then: float  # of today's form
    sites_then: int
    status_then: Status | None

    @property
    def is_unsettled(self) -> bool:
        """Whether it was a rule of the house, and is none now or has another form."""
        return self.status_then == "house" and (
            self.status != "house" or self.form != self.form_then
        )


@dataclass(frozen=True, slots=True)
class HouseThenAndNow:
    """All rules of today's tree that no formatter settles, those with most places first."""

    day_then: str  # "" where nothing was compared
    rules: tuple[RuleThenAndNow, ...]

    @property
    def judged(self) -> int:
        """How many rules have places enough."""
        return sum(rule.status != "few" for rule in self.rules)

    @property
    def settled(self) -> int:
        """How many of them are rules of the house."""
        return sum(rule.status == "house" for rule in self.rules)

    @property
    def house_then(self) -> int:
        """How many were rules of the house then, as far as they still have a place."""
        return sum(rule.status_then == "house" for rule in self.rules)

    @property
    def unsettled(self) -> tuple[RuleThenAndNow, ...]:
        """Those of them that have not stayed."""
        return tuple(rule for rule in self.rules if rule.is_unsettled)

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object."""
        counts = {"judged": self.judged, "settled": self.settled, "house_then": self.house_then}
        rules = [asdict(rule) | {"is_unsettled": rule.is_unsettled} for rule in self.rules]
        return {"day_then": self.day_then, **counts, "rules": rules}


def house_then_and_now(
    repository: Repository, learned: LearnedFiles, dates: tuple[int, int], *, progress: Progress
) -> HouseThenAndNow:
    """Mine both trees. `learned` is today's; `dates` are of the oldest and the newest commit."""
    now = conventions_of(learned, progress=progress)
    moment = _moment(*dates)
    if moment is None:
        return compared(now, None, "")
    revision = repository.resolve(moment.isoformat())
    try:
        files = of_revision(repository, revision, DatasetConfig(), progress=progress)
    except HistoryUnreadable:  # a part of a repository that is younger than it
        return compared(now, None, "")
    then = conventions_of(files, progress=progress)
    return compared(now, then, moment.strftime("%Y-%m-%d"))


def compared(now: Conventions, then: Conventions | None, day: str) -> HouseThenAndNow:
    """Put each rule of now beside what it was."""
    rules = [
        _rule(found, None if then is None else then.get(found.rule.id))
        for found in now.rules
        if not found.rule.fixable
    ]
    return HouseThenAndNow(day, tuple(sorted(rules, key=lambda rule: (-rule.sites, rule.rule))))


def _moment(oldest: int, newest: int) -> datetime | None:
    oldest, newest = in_range(oldest), in_range(newest)
    if newest - oldest < _SHORTEST:
        return None
    seconds = max(newest - _LOOK_BACK, (oldest + newest) // 2)
    return datetime.fromtimestamp(seconds, UTC)


def _rule(now: Convention, then: Convention | None) -> RuleThenAndNow:
    same = 0 if then is None else sum(f.sites for f in then.forms if f.form == now.house.form)
    return RuleThenAndNow(
        rule=now.rule.id,
        title=now.rule.title,
        form=now.house.label,
        share=round(now.adherence, 4),
        sites=now.sites,
        status=now.status,
        form_then="" if then is None else then.house.label,
        share_then=0.0 if then is None else round(same / then.sites, 4),
        sites_then=0 if then is None else then.sites,
        status_then=None if then is None else then.status,
    )
