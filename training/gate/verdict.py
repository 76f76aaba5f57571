"""What the gate says, and why: conditions in words, kept in the adapter's manifest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

Outcome = Literal["promote", "keep", "insufficient data"]
ServedForm = Literal["int8", "endpoint"]


@dataclass(frozen=True, slots=True)
class Condition:
    """One thing that must hold."""

    name: str
    wanted: str  # the threshold in plain words
    found: str  # what was measured, in plain words
    value: float | None  # None: not measured
    threshold: float
    passed: bool
    is_open: bool = False  # neither shown nor refuted, and there are too few places to tell

    @property
    def mark(self) -> str:
        """The condition's sign in a list."""
        return "+" if self.passed else "?" if self.is_open else "-"


@dataclass(frozen=True, slots=True)
class GateVerdict:
    """What the gate says, and why."""

    outcome: Outcome
    headline: str
    conditions: tuple[Condition, ...]
    bonus: str = ""  # what the adapter is better at though nobody asked, a sentence
    served_form: ServedForm = "int8"  # that was judged: no other one is proven by it

    @property
    def promote(self) -> bool:
        """Whether the adapter may serve on this machine."""
        return self.outcome == "promote" and self.served_form == "int8"

    @property
    def is_for_a_server(self) -> bool:
        """Whether the adapter may serve where it was judged, on a server, and nowhere else."""
        return self.outcome == "promote" and self.served_form == "endpoint"

    def on_a_server(self) -> GateVerdict:
        """Return it as one on what a server wrote, with the adapter unmerged."""
        only = " It was judged as a server serves it, and is proven for that alone."
        return replace(self, served_form="endpoint", headline=self.headline + only)

    def to_json(self) -> dict[str, Any]:
        """Return it for the manifest."""
        return {"promote": self.promote, **asdict(self), "conditions": self._rows()}

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> GateVerdict:
        """Read it back, an older version's too. Raises KeyError, TypeError on anything else."""
        conditions = tuple(Condition(**condition) for condition in row["conditions"])
        form = row.get("served_form", "int8")
        return cls(row["outcome"], row["headline"], conditions, row.get("bonus", ""), form)

    def explain(self) -> str:
        """Return the verdict for people: the headline, then a line a condition."""
        lines = [self.headline]
        lines += [
            f"  {condition.mark} {condition.name}: {condition.found} (wanted: {condition.wanted})"
            for condition in self.conditions
        ]
        return "\n".join([*lines, self.bonus] if self.bonus else lines)

    def _rows(self) -> list[dict[str, Any]]:
        return [asdict(condition) for condition in self.conditions]
