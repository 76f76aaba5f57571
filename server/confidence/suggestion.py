"""What is judged: a text that the rules let pass, with all that is known of how it came about."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from homespun.models.types import Generation
from homespun.server.prompt.cursor import Cursor
from homespun.server.prompt.render import Snippet


@dataclass(frozen=True, slots=True)
class WrittenSuggestion:
    """A text that may be shown, and where it comes from. Lines end in LF."""

    text: str  # of `generation.text`, as the rules have cut it
    generation: Generation
    heal: str  # what the answer had to begin with, and stands in the document already
    cursor: Cursor
    language: str
    snippets: tuple[Snippet, ...]  # of the prompt
    is_block: bool
    model: str  # catalogue name of who wrote it
    explicit: bool = False  # asked for by hand: it is not silenced


@dataclass(frozen=True, slots=True)
class Verdict:
    """What of a suggestion is shown."""

    text: str  # a beginning of the suggestion's, "" where nothing is
    probability: float | None = (
        None  # that it is right: of `text`, or of the best that is not shown
    )
    least: float | None = None  # the probability from which on that one would be shown
    likelihood: float | None = None  # the same before the user's own log had a say
    chars: int = 0  # of the one that the probability is of
    enough: int = 0  # so many it needs to be shown, be it certain

    @property
    def is_too_short(self) -> bool:
        """Whether it would not be shown if it were certain."""
        return self.chars < self.enough


Judge = Callable[[WrittenSuggestion], Verdict]


def shown_whole(suggestion: WrittenSuggestion) -> Verdict:
    """Show what the rules let pass, however likely: a judge for who measures or asks by hand."""
    return Verdict(suggestion.text)
