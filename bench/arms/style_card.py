"""A style card: what the house does, in a few comment lines at the front of a prompt.

Standard library only. The card says in a rule's own words what was counted in the repository, never
code of it. It looks at the file and at the block that the cursor is in, not at the line: the front
of a prompt has to stay as it is while somebody types. No completion shows one: whether it is worth
its tokens is what `bench/arms/` measures.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal

from homespun.server.prompt.cursor import Cursor, indentation
from homespun.server.prompt.render import Snippet

Scope = Literal["body", "outside"]  # of a function; outside: modules, classes, signatures

TITLE = "house style"  # stands where a snippet has its path
MAX_LINES = 6  # with the title
CARD_SCORE = 100.0  # before everything that is retrieved
_LOOK_BACK_LINES = 400
_TEST_FOLDERS = frozenset({"test", "tests", "testing", "__tests__", "spec", "specs"})
_TEST_FILE = re.compile(r"(?:test_|conftest\.).*|.*(?:_test|[._-](?:test|spec))\.\w+")
_FUNCTION = re.compile(r"\s*(?:async\s+def|def)\b.*:|.*(?:\bfunction\b.*|\)|=>)\s*\{\s*\Z")
_CLASS = re.compile(r"\s*(?:export\s+|default\s+|abstract\s+)*class\b")


@dataclass(frozen=True, slots=True)
class HouseHabit:
    """One thing that the house does and others do not."""

    rule: str  # id
    words: str  # "a value or None: X | None"
    scopes: frozenset[Scope]  # where it is written
    is_of_tests: bool  # and nowhere else
    telling: float  # share of other people's code that does otherwise, 0 to 1


@dataclass(frozen=True, slots=True)
class KindOfPlace:
    """What decides which habits matter."""

    is_test: bool
    scope: Scope


def kind_of_place(path: str, cursor: Cursor) -> KindOfPlace:
    """Return the kind of place that the cursor's line is at, whatever is typed on it."""
    pure = PurePosixPath(path)
    is_test = not _TEST_FOLDERS.isdisjoint(part.lower() for part in pure.parts[:-1]) or bool(
        _TEST_FILE.fullmatch(pure.name)
    )
    return KindOfPlace(is_test, _scope(cursor))


def chosen_habits(
    habits: Iterable[HouseHabit], place: KindOfPlace, *, most: int = MAX_LINES - 1
) -> list[HouseHabit]:
    """Return the habits that a kind of place calls for, the most telling first."""
    fitting = [
        habit
        for habit in habits
        if place.scope in habit.scopes and (place.is_test or not habit.is_of_tests)
    ]
    return sorted(fitting, key=lambda habit: (-habit.telling, habit.rule))[:most]


def style_card(habits: Iterable[HouseHabit], place: KindOfPlace) -> Snippet | None:
    """Return the card for a kind of place; None where the house does nothing of its own there.

    It is the first snippet of a prompt: what `render` makes a comment of, and keys leave alone.
    """
    lines = sorted(habit.words for habit in chosen_habits(habits, place))
    if not lines:
        return None
    text = "".join(f"{line}\n" for line in lines)
    return Snippet(TITLE, 1, len(lines), text, CARD_SCORE, "style")


def _scope(cursor: Cursor) -> Scope:
    columns = indentation(cursor.left) if cursor.left.strip() else len(cursor.left.expandtabs(4))
    for line in reversed(cursor.above(_LOOK_BACK_LINES)):
        if columns == 0:
            break
        if not line.strip() or indentation(line) >= columns:
            continue
        if _CLASS.match(line):
            return "outside"
        if _FUNCTION.match(line):
            return "body"
        columns = indentation(line)
    return "outside"
