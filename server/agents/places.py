"""What an agent is answered: places in files, each with few lines, as text or as JSON.

All of it is a stranger's text. What does more than be seen is shown as its escape, so that neither
a terminal nor a transcript obeys it, and every part has a bound.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Sized
from dataclasses import dataclass, field

from homespun.showable import showable, showable_line

MAX_ANSWER_CHARS = 24_000  # some 6,000 tokens; what an agent reads it pays for
_MAX_LINE_CHARS = 200


@dataclass(frozen=True, slots=True)
class CodePlace:
    """A run of lines; lines are 1-based and inclusive at both ends."""

    path: str  # from the folder's root, with "/"
    start_line: int
    end_line: int
    name: str = ""  # of the definition that it is or lies in
    kind: str = ""  # "function", "class", "call", "import", …
    note: str = ""  # a definition's signature and documentation
    score: float | None = None  # comparable within one answer only
    lines: tuple[str, ...] = ()  # the first of them

    def to_json(self) -> dict[str, object]:
        """Return a JSON object without what is empty."""
        body: dict[str, object] = {
            "path": self.path,
            "start_line": self.start_line,
            "end_line": self.end_line,
            "name": self.name,
            "kind": self.kind,
            "note": self.note,
            "score": None if self.score is None else round(self.score, 4),
            "snippet": "\n".join(self.lines),
        }
        return {key: value for key, value in body.items() if value not in ("", None)}

    def to_text(self) -> str:
        """Return a head like `src/app.py:10-24  Session.send  method`, and the lines below it.

        A place of one line is one line.
        """
        span = str(self.start_line)
        if self.end_line != self.start_line:
            span += f"-{self.end_line}"
        parts = [f"{_one_line(self.path)}:{span}", _one_line(self.name), _one_line(self.kind)]
        if not self.note and self.start_line == self.end_line and len(self.lines) == 1:
            return "  ".join(part for part in (*parts, _one_line(self.lines[0].strip())) if part)
        head = "  ".join(part for part in parts if part)
        note = [f"    {_one_line(line)}" for line in self.note.splitlines()]
        return "\n".join([head, *note, *(f"    {_cut(showable(line))}" for line in self.lines)])


@dataclass(frozen=True, slots=True)
class Findings:
    """The answer of a tool."""

    headline: str  # a sentence: what was found, and of what it is a part
    places: tuple[CodePlace, ...] = ()
    notes: tuple[str, ...] = ()  # sentences: what the answer may lack
    more: dict[str, object] = field(default_factory=dict)  # fields of the JSON alone

    def to_json(self) -> dict[str, object]:
        """Return a JSON object."""
        return {
            "answer": self.headline,
            **self.more,
            "results": [place.to_json() for place in self.places],
            "notes": list(self.notes),
        }

    def to_text(self) -> str:
        """Return the answer in at most `MAX_ANSWER_CHARS` characters; what is left out is said."""
        ends = [showable(note) for note in self.notes]
        return bounded(showable(self.headline), [p.to_text() for p in self.places], ends)


def bounded(headline: str, blocks: Sequence[str], notes: Sequence[str] = ()) -> str:
    """Join a headline, blocks and notes; blocks that are too much are left out and counted."""
    left = MAX_ANSWER_CHARS - sum(len(text) + 2 for text in (headline, *notes))
    shown: list[str] = []
    for block in blocks:
        left -= len(block) + 2
        if left < 0:
            break
        shown.append(block)
    notes = list(notes)
    if len(shown) < len(blocks):
        notes.append(
            f"{len(blocks) - len(shown)} of {len(blocks)} results are left out, the answer would "
            "be too long; ask for fewer lines a result"
        )
    is_a_list = all("\n" not in block for block in shown)
    body = ["\n".join(shown)] if is_a_list and shown else shown
    return "\n\n".join([headline, *body, *notes])


def shown_of(shown: Sized, found: Sized) -> str:
    """Return the end of a headline: how many of what was found are shown, "" for all."""
    return f"; the first {len(shown)} are shown" if len(shown) < len(found) else ""


def first_lines(text: str, count: int) -> tuple[str, ...]:
    """Return the first lines of a text, without empty ones at its beginning; long ones are cut."""
    lines = text.strip("\n").split("\n") if text.strip() else []
    return tuple(_cut(line.rstrip("\r")) for line in lines[:count])


def cut_all(lines: Iterable[str]) -> tuple[str, ...]:
    """Return lines, long ones cut."""
    return tuple(_cut(line.rstrip("\r")) for line in lines)


def _cut(line: str) -> str:
    return line if len(line) <= _MAX_LINE_CHARS else line[:_MAX_LINE_CHARS] + " …"


def _one_line(text: str) -> str:
    return _cut(showable_line(text))
