"""What a training is asked to be, what came of it, and whom it tells. Standard library only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Protocol

from homespun.models.types import Progress
from homespun.training.gate.gate import Verdict

CPU_MINUTES = 60.0  # of learning, where nothing is said: one evening's patience for two cores
CPU_ITEMS = 300
GPU_ITEMS = 2_000
# All there are: with 300 the interval is wider than the margin that is allowed.
FORGETTING_TASKS = 1_033
ARMS = ("general/none", "general/retrieval", "repository/none", "repository/retrieval")


@dataclass(frozen=True, slots=True)
class TrainOptions:
    """One default each; None where it follows from the preset."""

    model: str
    preset: str = "cpu"
    until: str | None = None  # revision or date; None: the last tenth of the commits is kept back
    seed: int = 0
    steps: int | None = None  # at most so many
    minutes: float | None = None  # of learning; None: 60 on a CPU, no limit on a GPU
    examples: int | None = None  # wanted; None: the dataset's default
    items: int | None = None  # of the evaluation; None: 300 on a CPU, 2,000 on a GPU
    probes: int = 300  # minimal pairs
    forgetting_tasks: int = FORGETTING_TASKS
    canaries: int = 4
    arms: tuple[str, ...] = ARMS
    promote: bool = True  # when the gate says so
    anyway: bool = False  # train even where there is too little to judge the adapter by
    qlora: bool = False
    gpus: int = 1  # that learn together

    def to_json(self) -> dict[str, Any]:
        """Return it for a run's state."""
        return {**asdict(self), "arms": list(self.arms)}

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> TrainOptions:
        """Read it back; raises TypeError, KeyError for what another version wrote."""
        return cls(**{**row, "arms": tuple(row["arms"])})

    def changed(self, other: TrainOptions) -> list[str]:
        """Return the names of the options in which another one differs."""
        names = (field.name for field in fields(self))
        return [name for name in names if getattr(self, name) != getattr(other, name)]


@dataclass(frozen=True, slots=True)
class TrainResult:
    """How a training ended; a verdict against the adapter is a normal end."""

    run: str
    folder: Path
    verdict: Verdict
    outcome: str  # what was done with the adapter, a sentence
    adapter: str  # ID in the registry, "" where nothing was learned
    is_champion: bool
    report: Path
    seconds: float  # of all stages

    def to_json(self) -> dict[str, Any]:
        """Return what `homespun train --json` prints."""
        return {
            "run": self.run,
            "folder": str(self.folder),
            "adapter": self.adapter,
            "promoted": self.is_champion,
            "outcome": self.outcome,
            "verdict": self.verdict.to_json(),
            "report": str(self.report),
            "seconds": round(self.seconds, 1),
        }


class TrainProgress(Progress, Protocol):
    """A `Progress` that also says whole sentences, and a word beside the bar."""

    def say(self, sentence: str) -> None:
        """Tell something that stays on the screen."""

    def note(self, text: str) -> None:
        """Show a short text beside the bar, e.g. the loss; the next one takes its place."""


class SilentProgress:
    """Tells nobody."""

    def start(self, stage: str, total: int, unit: str) -> None:
        """Ignore."""

    def advance(self, n: int) -> None:
        """Ignore."""

    def finish(self) -> None:
        """Ignore."""

    def say(self, sentence: str) -> None:
        """Ignore."""

    def note(self, text: str) -> None:
        """Ignore."""
