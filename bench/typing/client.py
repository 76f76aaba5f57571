"""What the replay needs of each side, and what it gets from it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from bench.typing.sessions import Session


@dataclass(frozen=True, slots=True)
class Keystroke:
    """A keystroke as the editor sends it; `before` and `after` are the document behind it."""

    before: str  # up to the cursor
    after: str
    insert: str
    delete_chars: int


@dataclass(frozen=True, slots=True)
class ScreenAnswer:
    """What the screen shows for the newest keystroke from `at` on; "" when it is nothing."""

    at: float  # seconds, `time.perf_counter`
    text: str
    cached: bool = False  # no model was asked
    why: str = ""  # there is no text
    probability: float | None = None  # that it is right, where the engine says so


@dataclass(slots=True)
class TokenWork:
    """Tokens that the model went through, for whatever reason."""

    requests: int = 0
    prompt_tokens: int = 0
    computed_tokens: int = 0  # of prompts
    generated_tokens: int = 0
    by_kind: dict[str, int] = field(default_factory=dict)  # computed, by reason
    processor_seconds: float | None = None  # of the engine's process; None where not known

    def add(self, kind: str, *, prompt: int, reused: int, generated: int) -> None:
        """Count one run of the model."""
        self.requests += 1
        self.prompt_tokens += prompt
        self.computed_tokens += prompt - reused
        self.generated_tokens += generated
        self.by_kind[kind] = self.by_kind.get(kind, 0) + prompt - reused


def processor_seconds(pid: int) -> float | None:
    """Return the processor time that a process has taken; None where the system does not say."""
    path = Path(f"/proc/{pid}/stat")
    if not path.exists():
        return None
    fields = path.read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Side(Protocol):
    """An editor with one of the engines."""

    name: str
    facts: dict[str, Any]
    work: TokenWork

    def begin(self, session: Session) -> None:
        """Open the session's document, the cursor at its place, and let the engine get ready."""

    def press(self, edit: Keystroke) -> None:
        """Send a keystroke; whatever was asked before is superseded."""

    def answers(self, until: float) -> Iterator[ScreenAnswer]:
        """Yield what comes on the screen for the last keystroke, up to a time."""

    def accepted(self) -> None:
        """Hear that the keystroke to come takes the text on the screen."""

    def end(self) -> None:
        """Close the document and wait until the engine rests."""

    def close(self) -> None:
        """End the engine; `work` is complete then."""
