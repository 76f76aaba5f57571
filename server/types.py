"""What a completion request and a completion are. Standard library only.

`Completion.to_json` is the contract of `homespun complete --json`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Edited:
    """Lines around an edit, as they stand in the editor, secrets masked."""

    path: str  # relative to the workspace folder
    start_line: int  # 1-based, inclusive
    end_line: int
    text: str


@dataclass(frozen=True, slots=True)
class CompletionRequest:
    """One cursor. `offset` counts code points in `text` (not bytes, not UTF-16 units)."""

    text: str  # the whole document
    offset: int
    path: str = ""  # relative to the workspace with "/", "" for untitled or outside it
    language: str = ""  # tree-sitter name, "" = decide by path
    retrieval: bool = True
    max_tokens: int | None = None  # None = the setting
    id: str = ""
    explicit: bool = False  # asked for by hand: the rules of when to stay silent do not hold
    recent: tuple[Edited, ...] = ()  # edits in other documents, the newest first
    others: int = 0  # how many other answers are wanted, where the model has any


@dataclass(frozen=True, slots=True)
class SourceLocation:
    """Lines that entered the prompt, or that a completion is the same as.

    They stand in the repository, or, learnt, in a package below "registry/name-version/".
    """

    path: str
    start_line: int  # 1-based, inclusive
    end_line: int
    score: float
    licence: str = ""  # of others' lines that the completion is the same as
    is_learnt: bool = False  # not in the repository: the shipped adapter learned from them

    def to_json(self) -> dict[str, object]:
        """Return the contract's JSON object; "licence" and "learnt" only where they hold."""
        body: dict[str, object] = {
            "path": self.path,
            "start_line": self.start_line,
            "end_line": self.end_line,
            "score": round(self.score, 6),
        }
        body |= {"licence": self.licence} if self.licence else {}
        return body | ({"learnt": True} if self.is_learnt else {})


@dataclass(frozen=True, slots=True)
class PromptContext:
    """What was found for a prompt, for traces; the texts are the prompt's own, not copies."""

    parts_ms: Mapping[str, float] = field(default_factory=dict)  # what finding it took
    shown: tuple[str, ...] = ()  # the texts that the model saw
    cut: tuple[str, ...] = ()  # those that were found and had no room


@dataclass(frozen=True, slots=True)
class Completion:
    """A suggestion, or the reason why there is none (`finish` = "filtered:REASON", text "")."""

    text: str
    finish: str  # "newline", "block", "eos", "length", "cancelled", "filtered:REASON"
    model: str
    adapter: str = "none"
    sources: tuple[SourceLocation, ...] = ()
    logprob: float = 0.0  # UNKNOWN_LOGPROB where a server does not say it; null in JSON
    probability: float | None = None  # that `text` is right, where that is known
    timings_ms: dict[str, float] = field(default_factory=dict)
    tokens: dict[str, int] = field(default_factory=dict)
    id: str = ""
    route: str = "local"  # who answered: the model here, or a server ("remote")
    facts: Mapping[str, object] = field(default_factory=dict)  # for the sentence why; not in JSON
    others: tuple[Completion, ...] = ()  # to choose from, the most likely first; not in JSON
    same_as: tuple[SourceLocation, ...] = ()  # lines of others that the text is the same as
    context: PromptContext | None = None  # None where the model was not asked; not in JSON

    @property
    def places(self) -> tuple[SourceLocation, ...]:
        """Lines of others that it is the same as, then those of the prompt."""
        return self.same_as + self.sources

    def to_json(self) -> dict[str, object]:
        """Return the contract's JSON object; "id" only where the request had one.

        And "same_as" only where the text is the same as lines of others.
        """
        body: dict[str, object] = {"id": self.id} if self.id else {}
        same_as = [place.to_json() for place in self.same_as]
        marked: dict[str, object] = {"same_as": same_as} if same_as else {}
        return body | {
            "text": self.text,
            "sources": [place.to_json() for place in self.places],
            "model": self.model,
            "adapter": self.adapter,
            "route": self.route,
            "finish": self.finish,
            "logprob": None if math.isnan(self.logprob) else round(self.logprob, 4),
            "probability": None if self.probability is None else round(self.probability, 4),
            "timings_ms": {stage: round(ms, 2) for stage, ms in self.timings_ms.items()},
            "tokens": self.tokens,
            **marked,
        }
