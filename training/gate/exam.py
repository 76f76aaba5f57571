"""Before anything is learned: what a repository has to tell whether an adapter is good."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from homespun.training.gate.conditions import FEWEST_COMMITS, FEWEST_PLACES
from homespun.training.gate.margins import FORM, OF_PLACES, places_needed


@dataclass(frozen=True, slots=True)
class Exam:
    """What there is to judge by, and what it takes."""

    places: int  # of later commits, as many as were asked for or are there
    commits: int  # that these are from
    habits: int  # lines of later commits where a rule of the house decides about the form

    @property
    def missing(self) -> list[str]:
        """Return the names of the conditions that there are too few places for."""
        found = [margin.name for margin in OF_PLACES if margin.places > self.places]
        return [FORM.name, *found] if FORM.places > self.habits else found

    @property
    def is_hopeless(self) -> bool:
        """Whether the gate cannot but say that there is too little to tell."""
        return self.places < FEWEST_PLACES or self.commits < FEWEST_COMMITS or not self.habits

    @property
    def sentence(self) -> str:
        """Say what it takes, what is there, and what to do."""
        there = (
            f"an adapter is judged at {self.places:,} places and {self.habits:,} habits in lines "
            f"of {self.commits:,} later commits; it takes {places_needed():,} and {FORM.places:,} "
            "to show within the margins that it is better and nowhere worse"
        )
        if not self.missing and not self.is_hopeless:
            return there
        why = ", ".join(self.missing) or "anything"
        return (
            f"{there}: too few to tell {why}, so that the verdict will "
            + ("be" if self.is_hopeless else "often be")
            + ' "too little to tell"; an earlier --until gives more'
        )

    def lines(self) -> list[str]:
        """Return a line a condition: the margin, what it takes, and what is there."""
        form = f"{FORM.name}, {FORM.size * 100:g} points to win: {FORM.places:,} habits"
        found = [_marked(f"{form}, {self.habits:,} are here", FORM.name not in self.missing)]
        for margin in OF_PLACES:
            line = f"{margin.name}, within {margin.size * 100:g} points: {margin.places:,} places"
            found.append(
                _marked(f"{line}, {self.places:,} are here", margin.name not in self.missing)
            )
        return found

    def to_json(self) -> dict[str, Any]:
        """Return what `homespun train --plan --json` prints."""
        rows = [
            {"name": margin.name, "margin": margin.size, "needed": margin.places}
            for margin in (FORM, *OF_PLACES)
        ]
        return {
            **asdict(self),
            "conditions": rows,
            "missing": self.missing,
            "sentence": self.sentence,
        }


def _marked(line: str, holds: bool) -> str:  # noqa: FBT001  (a mark and its line)
    return f"  {'+' if holds else '?'} {line}"
