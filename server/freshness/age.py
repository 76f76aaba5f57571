"""How old an adapter is and what its last check said, in the words that an editor shows."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from homespun.indexer.errors import GitFailed
from homespun.indexer.scan.git import Git
from homespun.models.adapters.adapter import Adapter
from homespun.models.adapters.registry import Registry
from homespun.models.adapters.upkeep.age import trained_at
from homespun.models.adapters.upkeep.last_check import LastCheck, last_check

OLD = timedelta(days=90)  # habits change slowly: docs/tuning.md says once a quarter
_COMMIT = re.compile(r"[0-9a-f]{7,64}")
_OUTCOMES = {
    "fresh": "it still does its work",
    "stale": "it has gone stale; `homespun train` learns a new one",
    "too little": "too little was committed since to tell",
}


@dataclass(frozen=True, slots=True)
class AdapterAge:
    """The age of an adapter, and what is known of how it does now."""

    adapter: str
    trained: datetime | None  # None: its manifest does not say
    commits: int | None  # newer than what it learned from; None: not known
    check: LastCheck | None
    now: datetime

    @property
    def is_stale(self) -> bool:
        """Tell whether there is something to do: train, or at least check."""
        return (self.check is not None and self.check.outcome == "stale") or self._is_unchecked

    @property
    def sentence(self) -> str:
        """Say it for people, with the command where there is something to do."""
        age = "at a time that is not known" if self.trained is None else self._ago(self.trained)
        parts = [f"learned {age}"]
        if self.commits is not None:
            parts.append(f"{self.commits} commits are newer than what it learned from")
        if self.check is not None:
            outcome = _OUTCOMES.get(self.check.outcome, self.check.outcome)
            parts.append(f"checked {self._ago(self.check.when)}: {outcome}")
        if self._is_unchecked:
            parts.append("`homespun adapters check` says whether it is still good")
        return "; ".join(parts)

    def to_json(self) -> dict[str, object]:
        """Return it as it goes to the editor."""
        return {
            "adapter": self.adapter,
            "trained": self.trained.isoformat() if self.trained else None,
            "commits": self.commits,
            "checked": self.check.when.isoformat() if self.check else None,
            "outcome": self.check.outcome if self.check else None,
            "isStale": self.is_stale,
            "sentence": self.sentence,
        }

    @property
    def _is_unchecked(self) -> bool:
        """Tell whether it is old, and nobody has looked for long."""
        times = [self.trained, self.check.when if self.check else None]
        known = [when for when in times if when is not None]
        return bool(known) and self.now - max(known) > OLD

    def _ago(self, when: datetime) -> str:
        days = (self.now - when).days
        return "today" if days < 1 else "yesterday" if days == 1 else f"{days} days ago"


def age_of(registry: Registry, adapter: Adapter) -> AdapterAge:
    """Look at a known adapter's manifest, at its last check, and ask git to count; some 10 ms."""
    return AdapterAge(
        adapter.id,
        trained_at(adapter.manifest),
        _commits_since(registry, str(adapter.manifest.get("commit") or "")),
        last_check(registry, adapter.id),
        datetime.now().astimezone(),
    )


def _commits_since(registry: Registry, commit: str) -> int | None:
    """Count the first-parent history behind a commit; None where git cannot say."""
    if not _COMMIT.fullmatch(commit):
        return None
    try:
        git = Git(registry.workspace)
    except GitFailed:
        return None
    counted = git.ask("rev-list", "--count", "--first-parent", f"{commit}..HEAD", "--")
    return int(counted) if counted is not None and counted.isdecimal() else None
