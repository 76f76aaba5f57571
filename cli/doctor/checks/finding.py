"""What a check is asked about, and what it says: facts, a line for a person, problems."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Grade = Literal["ok", "note", "broken"]


@dataclass(frozen=True, slots=True)
class Patient:
    """What is examined: this machine, this user, and a folder of theirs."""

    folder: Path  # absolute; it may be missing
    thorough: bool = False  # hash what is large, too

    @property
    def workspace(self) -> Path | None:
        """Return the folder where it is one, None else."""
        return self.folder if self.folder.is_dir() else None

    @property
    def shown(self) -> str:
        """Return the folder as a command line takes it."""
        return shlex.quote(str(self.folder))


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong, and what to do about it."""

    sentence: str  # what, and which value
    mend: str  # the command that mends it, or in words what does
    is_broken: bool = True  # False: a note, homespun works all the same

    def to_json(self) -> dict[str, object]:
        """Return the JSON object of `homespun doctor --json`."""
        return {"sentence": self.sentence, "mend": self.mend, "is_broken": self.is_broken}


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found. Facts are JSON; they hold no source text and no secret."""

    line: str  # for a person, one line
    facts: Mapping[str, object] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    hidden: tuple[str, ...] = ()  # words that a bundle must not hold, e.g. a host

    @property
    def grade(self) -> Grade:
        """Return how bad the worst of the problems is."""
        if any(problem.is_broken for problem in self.problems):
            return "broken"
        return "note" if self.problems else "ok"


def megabytes(count_bytes: float) -> str:
    """Return a size for a line, e.g. "491 MB"; below one, with a decimal."""
    mb = count_bytes / 1e6
    return f"{mb:,.0f} MB" if mb >= 10 else f"{mb:.1f} MB"
