"""A share with the interval that a handful of places leaves it."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import asdict, dataclass
from typing import Any

from homespun.stats import wilson

# How alike two places of one commit are: the intraclass correlation that the sizes of a training's
# exam were planned with as well. So of m places a commit each counts as 1 / (1 + (m - 1) * 0.2).
_LIKENESS = 0.2


@dataclass(frozen=True, slots=True)
class Share:
    """So many of so many; `low` and `high` are the ends of the 95 % interval."""

    count: int
    of: int
    low: float
    high: float

    @property
    def value(self) -> float:
        """The share; 0 of none."""
        return self.count / self.of if self.of else 0.0

    @property
    def is_known(self) -> bool:
        """Whether anything was counted."""
        return self.of > 0

    def to_json(self) -> dict[str, Any]:
        """Return it with its value."""
        numbers = {name: round(number, 4) for name, number in asdict(self).items()}
        return {"share": round(self.value, 4), **numbers}

    def __str__(self) -> str:
        """Return "21 % [12, 35]", or what there was none of."""
        if not self.of:
            return "none to count"
        return f"{self.value * 100:.0f} % [{self.low * 100:.0f}, {self.high * 100:.0f}]"


def share_of(hits: Iterable[tuple[bool, Hashable]]) -> Share:
    """Count hits, each with the commit that it is of.

    Wilson's interval, so that none of a few is not taken for none at all, with as many places as
    they are worth where several are of one commit.
    """
    found = list(hits)
    count = sum(hit for hit, _ in found)
    if not found:
        return Share(0, 0, 0.0, 1.0)
    per_commit = len(found) / len({commit for _, commit in found})
    worth = 1 / (1 + (per_commit - 1) * _LIKENESS)
    return Share(count, len(found), *wilson(count * worth, len(found) * worth))
