"""A card in code: made-up lines in the forms of the house."""

from __future__ import annotations

import pytest

from bench.arms.code_card import _LINES, code_card
from bench.arms.style_card import MAX_LINES, HouseHabit
from homespun.training.conventions.base.parsed_file import RepositoryPaths
from homespun.training.conventions.sites import RULES, parse_source, sites_of


def habit(rule):
    return HouseHabit(rule, "words", frozenset({"body"}), False, 0.5)


def test_a_habit_is_shown_in_the_form_of_the_house():
    card = code_card([habit("python/optional")], {"python/optional": "bar"})
    assert card is not None
    assert card.text == "limit: int | None = None\n"


def test_a_form_that_no_line_can_show_is_left_out():
    assert code_card([habit("python/own-imports")], {"python/own-imports": "absolute"}) is None


def test_a_card_in_code_has_at_most_six_lines_with_its_title():
    rules = [rule for rule, forms in _LINES.items() if len(forms) > 1]
    card = code_card([habit(rule) for rule in rules], {rule: [*_LINES[rule]][0] for rule in rules})
    assert card is not None
    assert card.text.count("\n") + 1 == MAX_LINES


@pytest.mark.parametrize(
    ("rule", "before", "behind"),
    [
        ("python/optional", "", "\n"),
        ("python/union", "", "\n"),
        ("python/generic-collections", "", "\n"),
        ("python/parameter-types", "class A:\n    ", " ...\n"),
        ("python/return-types", "class A:\n    ", " ...\n"),
        ("python/raise-empty", "def f():\n    ", "\n"),
        ("python/error-message-case", "def f():\n    ", "\n"),
        ("python/error-message-stop", "def f():\n    ", "\n"),
        ("python/docstring-stop", "def f():\n    ", "\n"),
        ("python/docstring-mood", "def f():\n    ", "\n"),
        ("python/comment-case", "", "\n"),
        ("python/string-formatting", "x = ", "\n"),
    ],
)
def test_a_line_shows_the_form_that_it_stands_for(rule, before, behind):
    for form, line in _LINES[rule].items():
        file = parse_source("pkg/a.py", "python", before + line + behind)
        assert file is not None
        found = sites_of(file, RepositoryPaths.of(["pkg/a.py"]))
        assert [site.form for site in found if site.rule == rule][:1] == [form]


def test_all_lines_are_of_rules_and_forms_that_there_are():
    for rule, forms in _LINES.items():
        assert set(forms) <= set(RULES[rule].forms)
