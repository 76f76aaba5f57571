"""What an agent reads until it has opened the right place: calls, tokens, milliseconds.

Both arms of the comparison count the same: each call's answer in tokens of the model's tokenizer,
and each place that is opened as the lines that it shows. What the agent thinks is not counted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from homespun.indexer.evaluation.queries import Query
from homespun.indexer.types import Region

MAX_OPENED = 10  # places; who has not found it by then goes another way
WINDOW_LINES = 80  # of a place that is opened, the place in the middle
CountTokens = Callable[[str], int]


@dataclass(slots=True)
class Trail:
    """One question on its way to its answer."""

    count_tokens: CountTokens
    calls: int = 0
    tokens: int = 0
    ms: float = 0.0  # of the calls that search; opening a file costs both arms the same
    opened: int = 0
    is_found: bool = False

    def searched(self, answer: str, seconds: float) -> None:
        """Count a call that searches."""
        self.calls += 1
        self.tokens += self.count_tokens(answer)
        self.ms += seconds * 1000

    def open(self, root: Path, place: Region, query: Query, below: str) -> bool:
        """Open a window around a place; say whether it shows what answers the query."""
        lines = (root / place.path).read_text(encoding="utf-8", errors="replace").splitlines()
        first, last = window(place, len(lines))
        self.calls += 1
        self.opened += 1
        self.tokens += self.count_tokens("\n".join(lines[first - 1 : last]))
        path = f"{below}/{place.path}" if below else place.path
        self.is_found = any(
            target.is_in(path) and target.overlaps(first, last) for target in query.targets
        )
        return self.is_found


def window(place: Region, count: int) -> tuple[int, int]:
    """Return the first and last line that are read, 1-based; a longer place is read whole."""
    missing = max(0, WINDOW_LINES - (place.end_line - place.start_line + 1))
    first = max(1, place.start_line - missing // 2)
    return first, min(count, max(place.end_line, first + WINDOW_LINES - 1))


def follow(trail: Trail, places: Sequence[Region], root: Path, query: Query, below: str) -> bool:
    """Open places in their order until one answers; say whether one did."""
    return any(
        trail.open(root, place, query, below) for place in places[: MAX_OPENED - trail.opened]
    )
