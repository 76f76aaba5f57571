"""Real code, typed anew key by key: which keys come one after another, in any language."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

_MARGIN_LINES = 12  # from the ends of a file: neither its licence nor its last lines
_KEYS = (40, 110)  # of a session
_INSIDE = 0.85  # share of the sessions that begin inside of something
_LONGEST_LINE = 160
_TRIES = 60
_OPENERS = (":", "(", "[", "{", "=>", "->")


@dataclass(frozen=True, slots=True)
class TypedSession:
    """Some lines of a file that are typed into the rest of it."""

    package: str
    language: str
    path: str
    before: str  # the document up to the first key
    after: str  # and behind the cursor
    target: str  # what is typed: each line begins with its line break

    @property
    def id(self) -> str:
        """Name it."""
        return f"{self.package} {self.path} {len(self.before)}"


def sessions_of(
    package: str, files: Mapping[str, tuple[str, str]], *, count: int, seed: int
) -> Iterator[TypedSession]:
    """Yield sessions, each in another file; `files` are path -> (language, text)."""
    rng = random.Random(f"{seed} {package}")
    paths = sorted(files)
    rng.shuffle(paths)
    for path in paths:
        language, text = files[path]
        lines = text.split("\n")
        span = _span(lines, rng)
        if span is not None:
            first, end = span
            yield TypedSession(
                *(package, language, path),
                before="\n".join(lines[:first]),
                after="\n" + "\n".join(lines[end:]),
                target="".join("\n" + line for line in lines[first:end]),
            )
            count -= 1
        if not count:
            return


def keys_of(session: TypedSession) -> Iterator[str]:
    """Yield what stands there of the session after each key.

    The editor indents a new line as the one above, and a step more behind an opener; where that is
    not what the author has, one key makes it so.
    """
    lines = session.target.split("\n")[1:]
    step = "\t" if "\n\t" in session.before else " " * _step(session.before)
    above = session.before.rpartition("\n")[2]
    done = ""
    for line in lines:
        indent = line[: len(line) - len(line.lstrip())]
        guess = above[: len(above) - len(above.lstrip())]
        if above.rstrip().endswith(_OPENERS):
            guess += step
        done += "\n"
        if line.strip():
            yield done + guess
            if guess != indent:
                yield done + indent
            for place in range(len(indent) + 1, len(line) + 1):
                yield done + line[:place]
            above = line
        done += line


def _span(lines: list[str], rng: random.Random) -> tuple[int, int] | None:
    wanted = rng.randint(*_KEYS)
    inside = rng.random() < _INSIDE
    for _ in range(_TRIES):
        if len(lines) <= 2 * _MARGIN_LINES + 4:
            return None
        first = rng.randrange(_MARGIN_LINES, len(lines) - _MARGIN_LINES)
        if not lines[first].strip() or (inside and not lines[first][:1].isspace()):
            continue
        keys, end = 0, first
        while keys < wanted and end < len(lines) - _MARGIN_LINES:
            keys += len(lines[end].strip()) + 1
            end += 1
        typed = lines[first:end]
        if keys < _KEYS[0] or any(len(line) > _LONGEST_LINE for line in typed):
            continue
        if all(line == line.rstrip() and line.isprintable() or "\t" in line for line in typed):
            return first, end
    return None


def _step(text: str) -> int:
    """Return how many blanks a document indents by."""
    widths = [len(line) - len(line.lstrip(" ")) for line in text.split("\n") if line[:1] == " "]
    return min((width for width in widths if width > 1), default=4)
