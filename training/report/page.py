"""All that a training's page shows, as JSON: the page can be made again from a run's folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from homespun.training.gate.measured import RuleProbe
from homespun.training.gate.verdict import GateVerdict


@dataclass(frozen=True, slots=True)
class Sample:
    """One item of the evaluation, completed before and after.

    At a habit it counts whether the house's form was written, at other places the exact line.
    """

    path: str
    line: int  # 1-based, of the cursor
    shown: str  # the document's last lines before the cursor
    wanted: str
    before: str  # by the model as shipped
    after: str  # with the adapter
    before_is_right: bool
    after_is_right: bool
    habit: str = ""  # the rule whose form was to be written, "" at other places


@dataclass(frozen=True, slots=True)
class ReportPage:
    """All that the page shows; empty or None where a part was not made."""

    repo: str
    run: str
    made: str  # ISO date and time
    verdict: GateVerdict
    outcome: str  # what was done with the adapter, a sentence
    dataset: Mapping[str, Any] = field(default_factory=dict)  # DatasetReport.to_json()
    fit: Mapping[str, Any] = field(default_factory=dict)  # FitLog.to_json()
    evaluation: Mapping[str, Any] = field(default_factory=dict)  # CompletionReport.to_json()
    rules: Sequence[RuleProbe] = ()
    samples: Sequence[Sample] = ()
    costs: Mapping[str, Any] = field(default_factory=dict)  # name -> text
    provenance: Mapping[str, Any] = field(default_factory=dict)  # name -> text

    def to_json(self) -> dict[str, Any]:
        """Return what `from_json` reads."""
        return {**asdict(self), "verdict": self.verdict.to_json()}

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> ReportPage:
        """Read it back. Raises KeyError, TypeError on anything else."""
        return cls(
            **{
                **row,
                "verdict": GateVerdict.from_json(row["verdict"]),
                "rules": [RuleProbe(**rule) for rule in row["rules"]],
                "samples": [Sample(**sample) for sample in row["samples"]],
            }
        )
