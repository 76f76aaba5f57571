"""What an arm shows beside what is retrieved."""

from __future__ import annotations

import pytest

from bench.arms.contexts import ShownFirst, distance, house_examples, neighbours
from bench.arms.style_card import HouseHabit
from homespun.indexer.config import IndexConfig
from homespun.indexer.index import Index
from homespun.server.context.retriever import Gathered
from homespun.server.prompt.cursor import Cursor
from homespun.server.prompt.render import Snippet
from homespun.training.conventions.mine import Convention, ExampleLine, FormCount
from homespun.training.conventions.sites import rule_of

OPTIONAL = "python/optional"


class Finds:
    """Finds one snippet wherever it is asked."""

    def gather(self, cursor, **how):
        return Gathered((Snippet("found.py", 1, 1, "x\n", 1.0, "similar"),), late=True)


def habit(rule=OPTIONAL):
    return HouseHabit(rule, "words", frozenset({"outside"}), False, 0.5)


def conventions(*lines, rule=OPTIONAL):
    form = FormCount("bar", "X | None", 40, 2, tuple(lines))
    return {rule: Convention(rule_of(rule), (form,), 2)}


@pytest.fixture
def index(tmp_path):
    for path in ("shop/a.py", "shop/b.py", "other/c.py", "shop/notes.md"):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(f"# {path}\n" + "x = 1\n" * 60, encoding="utf-8")
    opened = Index.open(tmp_path, IndexConfig(encoder="none"), create=True)
    opened.update()
    return opened


def test_what_an_arm_shows_stands_before_what_is_retrieved():
    card = Snippet("house style", 1, 1, "so\n", 100.0, "style")
    found = ShownFirst([card], Finds()).gather(Cursor("", ""), path="", language="python")
    assert [snippet.path for snippet in found.snippets] == ["house style", "found.py"]
    assert found.late


def test_an_example_is_a_line_of_another_file_in_the_form_of_the_house():
    lines = [
        ExampleLine("here.py", 3, "def f(x: int | None): ..."),
        ExampleLine("there.py", 5, "y: str | None = None"),
    ]
    (shown,) = house_examples([habit()], conventions(*lines), "here.py")
    assert (shown.path, shown.start_line, shown.text) == ("there.py", 5, "y: str | None = None\n")


def test_a_line_that_shows_one_habit_is_not_taken_for_another():
    line = ExampleLine("there.py", 5, "def f(x: int | None) -> list[int]: ...")
    other = ExampleLine("there.py", 9, "y: list[str] = []")
    generic = "python/generic-collections"
    known = conventions(line) | conventions(line, other, rule=generic)
    shown = house_examples([habit(), habit(generic)], known, "here.py")
    assert [one.start_line for one in shown] == [5, 9]


def test_neighbours_are_files_of_the_language_the_nearest_first_up_to_the_room(index):
    pieces = list(neighbours(index, "shop/a.py", most_chars=10_000))
    assert [(one.path, one.start_line) for one in pieces] == [
        ("shop/b.py", 1),
        ("shop/b.py", 41),
        ("other/c.py", 1),
        ("other/c.py", 41),
    ]
    assert sorted(pieces, key=lambda one: -one.score) == pieces
    assert len(list(neighbours(index, "shop/a.py", most_chars=100))) == 1


@pytest.mark.parametrize(
    ("ours", "theirs", "folders"),
    [("a/x.py", "a/y.py", 0), ("a/x.py", "b/y.py", 2), ("x.py", "a/b/y.py", 2)],
)
def test_a_distance_counts_the_folders_between(ours, theirs, folders):
    assert distance(ours, theirs) == folders
