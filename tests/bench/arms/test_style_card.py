"""A card of the house's habits: which are said where, and that it stays while somebody types."""

from __future__ import annotations

import random

import pytest

from bench.arms.style_card import (
    MAX_LINES,
    HouseHabit,
    KindOfPlace,
    chosen_habits,
    kind_of_place,
    style_card,
)
from homespun.models.fakes import FAKE_FIM, FakeTokenizer
from homespun.server.prompt.cursor import Cursor
from homespun.server.prompt.encode import PromptEncoder
from homespun.server.prompt.render import LAYOUTS

BODY = KindOfPlace(is_test=False, scope="body")


def habit(rule, telling=0.5, *, scopes=("body",), is_of_tests=False):
    return HouseHabit(rule, f"{rule}: so", frozenset(scopes), is_of_tests, telling)


def kind(before, path="shop/cart.py"):
    return kind_of_place(path, Cursor(before, "\n"))


@pytest.mark.parametrize(
    ("before", "scope"),
    [
        ("", "outside"),
        ("import os\n\n", "outside"),
        ("def f(x):\n    ", "body"),
        ("def f(x):\n    if x:\n        for y in x:\n            ", "body"),
        ("async def f(x) -> int:\n\n    ", "body"),
        ("class A:\n    def f(self):\n        return 1\n\n    ", "outside"),
        ("def f(\n    x: int,\n    ", "outside"),
        ("def f():\n    pass\n\n\nx = ", "outside"),
        ("class A:\n    x: int\n    ", "outside"),
        ("function f(x) {\n  ", "body"),
        ("const f = (x) => {\n  ", "body"),
        ("export class A {\n  ", "outside"),
    ],
)
def test_a_cursor_is_in_the_body_of_a_function_or_outside(before, scope):
    assert kind(before).scope == scope


@pytest.mark.parametrize(
    ("path", "is_test"),
    [
        ("shop/cart.py", False),
        ("tests/cart.py", True),
        ("shop/test_cart.py", True),
        ("src/cart.test.ts", True),
        ("shop/contest.py", False),
        ("conftest.py", True),
    ],
)
def test_a_file_of_tests_is_known_by_its_path(path, is_test):
    assert kind("", path).is_test is is_test


def test_the_kind_of_place_does_not_change_while_a_line_is_typed():
    typed = "        raise ShopError(f'no {name}')"
    before = "class A:\n    def f(self):\n"
    assert {kind(before + typed[:count]) for count in range(8, len(typed))} == {BODY}


def test_the_most_telling_habits_of_the_place_are_said_in_whatever_order_they_come():
    habits = [
        habit("a", 0.2),
        habit("b", 0.9),
        habit("c", 0.3, scopes=("outside",)),
        habit("d", 0.8, is_of_tests=True),
        *(habit(f"e{n}", 0.5) for n in range(9)),
    ]
    shuffled = random.Random(1).sample(habits, len(habits))
    assert [one.rule for one in chosen_habits(shuffled, BODY)] == ["b", "e0", "e1", "e2", "e3"]
    assert style_card(shuffled, BODY) == style_card(habits, BODY)


def test_habits_of_tests_are_said_in_tests():
    card = style_card([habit("d", is_of_tests=True)], KindOfPlace(is_test=True, scope="body"))
    assert card is not None
    assert card.text == "d: so\n"


def test_a_house_without_habits_of_its_own_has_no_card():
    assert style_card([habit("c", scopes=("outside",))], BODY) is None


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_card_is_at_most_six_lines_before_all_other_code_and_stays_while_a_line_is_typed(layout):
    tokenizer = FakeTokenizer()
    card = style_card([habit(f"e{n}") for n in range(9)], BODY)
    assert card is not None
    encoder = PromptEncoder(tokenizer, FAKE_FIM, layout=layout)
    prompts = [
        encoder.render(
            f"def f():\n    {typed}", "\n", repo="", path="a.py", snippets=(card,), budget=512
        ).ids
        for typed in ("", "ret", "return f(")
    ]
    assert len(set(prompts)) == 1
    shown = tokenizer.render(list(prompts[0])).split("\n")
    assert card.text.count("\n") + 1 == MAX_LINES == 6
    assert "house style" in shown[0]
    assert [line.removeprefix("# ") for line in shown[1:6]] == [f"e{n}: so" for n in range(5)]
