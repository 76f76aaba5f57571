"""Editing sessions: lines are taken out of a file, then retyped as a person would. Pure functions.

Everything is drawn from a seed, so both sides see the same keys at the same intervals.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from dataclasses import dataclass, replace

from bench.typing.code_lines import level_of, lines_of_code

_MEDIAN_MS = 160.0  # between two keys: about 75 words a minute
_SIGMA = 0.45
_KEY_MS = (60.0, 550.0)  # what is longer is a pause
_PAUSE_MS = (600.0, 2000.0)
_PAUSE_AFTER_ENTER = 0.5
_PAUSE_ELSEWHERE = 0.03
_MIN_LINE_CHARS = 12  # a block begins with a line that says something
_MIN_LINES = 2
_MAX_KEYS = 1.3  # of what was wanted
_MARGIN_LINES = 20  # above and below the lines that are taken out


@dataclass(frozen=True, slots=True)
class Key:
    """One keystroke: what it puts before the cursor, and takes away there first."""

    kind: str  # "char", "enter", "indent" (the automatic indentation put right), "accept"
    insert: str
    delete_chars: int
    line: int  # of the session's lines, from 0
    gap_ms: float  # until the next key


@dataclass(frozen=True, slots=True)
class Session:
    """Lines to type into a document. The cursor begins at the end of the line above them."""

    package: str
    path: str
    first_line: int  # 0-based, of the first line that is typed
    before: str  # the document up to the cursor
    after: str  # from the line break behind the cursor on
    target: str  # what is typed, beginning with a line break
    keys: tuple[Key, ...]
    language: str = "python"

    @property
    def name(self) -> str:
        """Package and path."""
        return f"{self.package}/{self.path}"

    @property
    def text(self) -> str:
        """The document before the first key."""
        return self.before + self.after


def make_sessions(
    package: str,
    files: Mapping[str, str],
    *,
    language: str,
    count: int,
    keys: int,
    seed: int,
    pace: float = 1.0,
) -> list[Session]:
    """Draw `count` sessions, each in another file, of about `keys` keystrokes or more each.

    The files are of one language. `pace` stretches the intervals between the keys.
    """
    rng = random.Random(f"{seed} {package}")
    paths = sorted(files)
    rng.shuffle(paths)
    sessions: list[Session] = []
    for path in paths:
        if len(sessions) == count:
            break
        block = _block(files[path], language, wanted_keys=keys, rng=rng)
        if block is not None:
            draft = Session(package, path, *_parts(files[path], *block), (), language)
            sessions.append(replace(draft, keys=tuple(_keys(draft, pace, rng))))
    return sessions


def _block(
    text: str, language: str, *, wanted_keys: int, rng: random.Random
) -> tuple[int, int] | None:
    """Find lines inside of a function, without blank ones, that take about so many keys."""
    lines = text.split("\n")
    code = lines_of_code(text, language)
    blocks = []
    for first in range(_MARGIN_LINES, len(lines) - _MARGIN_LINES):
        if first - 1 not in code or len(lines[first].strip()) < _MIN_LINE_CHARS:
            continue
        keys, end = 0, first
        while (
            (keys < wanted_keys or end < first + _MIN_LINES)
            and end in code
            and end < len(lines) - _MARGIN_LINES
        ):
            keys += len(lines[end].strip()) + 1
            end += 1
        if wanted_keys <= keys <= wanted_keys * _MAX_KEYS and end >= first + _MIN_LINES:
            blocks.append((first, end))
    return rng.choice(blocks) if blocks else None


def _parts(text: str, first: int, end: int) -> tuple[int, str, str, str]:
    """Return the first line, what stands before the lines, behind them, and what is typed."""
    lines = text.split("\n")
    typed = "".join("\n" + line for line in lines[first:end])
    return first, "\n".join(lines[:first]), "\n" + "\n".join(lines[end:]), typed


def _keys(session: Session, pace: float, rng: random.Random) -> list[Key]:
    level, keeps_blocks = level_of(session.text), session.language != "python"
    above = session.before.rpartition("\n")[2]

    def gap_ms(kind: str) -> float:
        return _gap_ms(kind, rng) * pace

    keys = []
    for number, line in enumerate(session.target.split("\n")[1:]):
        indent = line[: len(line) - len(line.lstrip())]
        guess = automatic_indent(above, level=level, keeps_blocks=keeps_blocks)
        keys.append(Key("enter", "\n" + guess, 0, number, gap_ms("enter")))
        if guess != indent:
            keys.append(Key("indent", indent, len(guess), number, gap_ms("char")))
        for char in line[len(indent) :]:
            keys.append(Key("char", char, 0, number, gap_ms("char")))
        above = line
    return keys


def automatic_indent(above: str, *, level: str, keeps_blocks: bool) -> str:
    """Return the indentation that an editor gives to the line below this one.

    Where braces end a block (`keeps_blocks`) it stays behind a `return`.
    """
    indent = above[: len(above) - len(above.lstrip())]
    if above.rstrip().endswith((":", "(", "[", "{")):
        return indent + level
    word = above.split(maxsplit=1)[0] if above.strip() else ""
    if keeps_blocks:
        return indent
    if word in ("return", "raise", "pass", "break", "continue") and _is_closed(above):
        return indent.removesuffix(level)
    return indent


def _is_closed(line: str) -> bool:
    return all(line.count(left) == line.count(right) for left, right in ("()", "[]", "{}"))


def _gap_ms(kind: str, rng: random.Random) -> float:
    share = _PAUSE_AFTER_ENTER if kind == "enter" else _PAUSE_ELSEWHERE
    if rng.random() < share:
        return rng.uniform(*_PAUSE_MS)
    gap = rng.lognormvariate(math.log(_MEDIAN_MS), _SIGMA)
    return min(max(gap, _KEY_MS[0]), _KEY_MS[1])


class Typist:
    """Who types a session: key by key, or by taking a suggestion."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._typed = ""
        self._place = 0  # of the next key

    @property
    def before(self) -> str:
        """The document up to the cursor."""
        return self._session.before + self._typed

    @property
    def upcoming(self) -> str:
        """What is still to be typed; empty while the indentation is not right."""
        target = self._session.target
        return target[len(self._typed) :] if target.startswith(self._typed) else ""

    @property
    def coming(self) -> str:
        """What will stand behind the cursor: still to be typed, then what is there already."""
        target = self._session.target
        return self.upcoming + self._session.after if target.startswith(self._typed) else ""

    @property
    def is_done(self) -> bool:
        """Whether there is no key left."""
        return self._place == len(self._session.keys)

    def next(self) -> Key:
        """Press the next key."""
        key = self._session.keys[self._place]
        self._place += 1
        self._typed = self._typed[: len(self._typed) - key.delete_chars] + key.insert
        return key

    def take(self, text: str) -> Key:
        """Accept a text that ends with the end of a line."""
        self._typed += text
        line = self._typed.count("\n") - 1
        keys = self._session.keys
        while self._place < len(keys) and keys[self._place].line <= line:
            self._place += 1
        return Key("accept", text, 0, line, keys[self._place - 1].gap_ms)

    def accepts(self, *, probability: float, seed: int) -> bool:
        """Say whether a right suggestion is taken here; the same for every side."""
        place = f"{self._session.package} {self._session.path} {len(self._typed)}"
        return random.Random(f"{seed} {place}").random() < probability


def right_chars(suggestion: str, upcoming: str) -> int:
    """Return how many characters of a suggestion may be accepted: all, its first line's, or none.

    `upcoming` is what the user is still going to type.
    """
    whole = suggestion.rstrip()
    if whole and (upcoming == whole or upcoming.startswith(whole + "\n")):
        return len(whole)
    line = whole.split("\n")[0]
    return len(line) if line and line == upcoming.split("\n")[0] else 0
