"""What each arm shows beside what is retrieved: cards, house examples, neighbouring files.

All of it goes in as snippets of the product's own prompt, at its front.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from bench.arms.code_card import code_card
from bench.arms.said import habits_said
from bench.arms.style_card import (
    HouseHabit,
    chosen_habits,
    kind_of_place,
    style_card,
)
from homespun.indexer.index import Index
from homespun.indexer.languages import language_of
from homespun.server.analysis.source_lines import SourceLines
from homespun.server.context.retriever import Gathered, Retrieves
from homespun.server.prompt.cursor import Cursor
from homespun.server.prompt.render import Snippet
from homespun.training.conventions.mine import Convention, ExampleLine
from homespun.training.evaluation.items import Item

LONG_TOKENS = 8_192  # of the prompt with neighbouring files
_PIECE_LINES = 40  # of a neighbouring file stand or fall together
_CHARS_A_TOKEN = 2  # at least: more text than has room is not read
_EXAMPLE_SCORE = 90.0  # before everything that is retrieved
_FAMILIES = {"typescript": "javascript", "tsx": "javascript", "jsx": "javascript"}


@dataclass(frozen=True, slots=True)
class Arm:
    """A model, and what it is shown."""

    name: str
    model: str = "general"  # "repository": with the repository's adapter
    shows: str = ""  # "card", "code", "examples" or "neighbours"

    @property
    def is_long(self) -> bool:
        """Whether it takes the long prompt."""
        return self.shows == "neighbours"


SHIPPED = Arm("shipped")
ARMS = (
    SHIPPED,
    Arm("card", shows="card"),
    Arm("code-card", shows="code"),
    Arm("examples", shows="examples"),
    Arm("long", shows="neighbours"),
    Arm("adapter", model="repository"),
    Arm("adapter+card", model="repository", shows="card"),
)


class ShownFirst:
    """Retrieves, and shows something else before it."""

    def __init__(self, first: Sequence[Snippet], retriever: Retrieves) -> None:
        """`first` are shown in front of what `retriever` finds, in their order."""
        self._first = tuple(first)
        self._retriever = retriever

    def gather(self, cursor: Cursor, **how: Any) -> Gathered:  # noqa: ANN401  (passed on as it is)
        """Return both."""
        found = self._retriever.gather(cursor, **how)
        return Gathered((*self._first, *found.snippets), found.late)


class MinedHouse:
    """What was mined of a repository, as the arms show it."""

    def __init__(self, conventions: Sequence[Convention]) -> None:
        """`conventions` are those of the tree that may be known."""
        self._conventions = {one.rule.id: one for one in conventions}
        self._habits: dict[str, list[HouseHabit]] = {}

    def shown(self, arm: Arm, item: Item, index: Index) -> list[Snippet]:
        """Return what an arm shows at a place; nothing that came after its parent commit."""
        example = item.example
        if arm.shows == "neighbours":
            return list(neighbours(index, example.path, most_chars=LONG_TOKENS * _CHARS_A_TOKEN))
        habits = self._said(example.language)
        place = kind_of_place(example.path, Cursor(example.prefix, example.suffix))
        if arm.shows == "card":
            card = style_card(habits, place)
            return [] if card is None else [card]
        if arm.shows == "code":
            ranked = chosen_habits(habits, place, most=len(habits))
            forms = {id_: one.house.form for id_, one in self._conventions.items()}
            card = code_card(ranked, forms)
            return [] if card is None else [card]
        if arm.shows == "examples":
            return house_examples(chosen_habits(habits, place), self._conventions, example.path)
        return []

    def says(self, rule: str, item: Item) -> bool:
        """Tell whether a card would say a rule at a place."""
        example = item.example
        place = kind_of_place(example.path, Cursor(example.prefix, example.suffix))
        return any(one.rule == rule for one in chosen_habits(self._said(example.language), place))

    def _said(self, language: str) -> list[HouseHabit]:
        family = _FAMILIES.get(language, language)
        if family not in self._habits:
            self._habits[family] = list(habits_said(self._conventions.values(), family))
        return self._habits[family]


def house_examples(
    habits: Iterable[HouseHabit], conventions: Mapping[str, Convention], path: str
) -> list[Snippet]:
    """Return a line in the house's form for each habit, of other files than `path`, by place."""
    found: dict[tuple[str, int], Snippet] = {}
    for habit in habits:
        line = _line_elsewhere(conventions[habit.rule].house.examples, path, found)
        if line is not None:
            place = (line.path, line.line)
            found[place] = Snippet(*place, line.line, f"{line.text}\n", _EXAMPLE_SCORE, "style")
    return [found[place] for place in sorted(found)]


def neighbours(index: Index, path: str, *, most_chars: int) -> Iterator[Snippet]:
    """Yield the files of the same language next to a file, in pieces; the nearest score best."""
    language = language_of(path)
    others = [one for one in index.paths() if one != path and language_of(one) == language]
    others.sort(key=lambda one: (distance(path, one), one))
    lines, left, score = SourceLines(index.root), most_chars, 0.0
    for other in others:
        first = 1
        while left > 0 and (piece := lines.lines(other, first, first + _PIECE_LINES - 1)):
            text = "\n".join(piece).rstrip("\n") + "\n"
            score -= 0.001  # behind what is retrieved, one after the other
            yield Snippet(other, first, first + len(piece) - 1, text, score, "neighbour")
            left -= len(text)
            first += _PIECE_LINES
        if left <= 0:
            return


def distance(ours: str, theirs: str) -> int:
    """Return how many folders lie between two files."""
    mine, other = PurePosixPath(ours).parts[:-1], PurePosixPath(theirs).parts[:-1]
    shared = 0
    while shared < min(len(mine), len(other)) and mine[shared] == other[shared]:
        shared += 1
    return len(mine) + len(other) - 2 * shared


def _line_elsewhere(
    lines: Iterable[ExampleLine], path: str, taken: Mapping[tuple[str, int], Snippet]
) -> ExampleLine | None:
    return next(
        (
            line
            for line in lines
            if line.text and line.path != path and (line.path, line.line) not in taken
        ),
        None,
    )
