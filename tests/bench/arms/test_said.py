"""Which mined conventions a style card may say, and in which words."""

from __future__ import annotations

import pytest

from bench.arms.elsewhere import share_elsewhere
from bench.arms.said import habits_said
from homespun.training.conventions.base.rule import Rule
from homespun.training.conventions.mine import Convention, FormCount
from homespun.training.conventions.sites import rule_of


def convention(rule, form, *, sites=100, others=0):
    rule = rule_of(rule) if isinstance(rule, str) else rule
    forms = [FormCount(form, rule.label(form), sites, 5, ())]
    if others:
        forms.append(FormCount("other", "other", others, 5, ()))
    return Convention(rule, tuple(forms), 5)


def said(*conventions, family="python"):
    return list(habits_said(conventions, family))


def test_a_habit_is_said_in_the_words_of_its_rule_where_it_is_written():
    (habit,) = said(convention("python/optional", "bar"))
    assert habit.words == "a value or None: X | None"
    assert (habit.scopes, habit.is_of_tests) == (frozenset({"outside"}), False)
    assert habit.telling == 1 - share_elsewhere("python/optional", "bar")


@pytest.mark.parametrize(
    "one",
    [
        convention("python/optional", "bar", sites=20),
        convention("python/optional", "bar", sites=60, others=40),
        convention("python/quotes", "single"),
        convention("python/function-names", "snake"),
        convention("python/import-of:typing", "from"),
        convention("javascript/equality", "loose"),
    ],
    ids=["few sites", "mixed", "a formatter's", "everybody's", "of one module", "other language"],
)
def test_what_is_no_habit_of_the_house_alone_is_not_said(one):
    assert said(one) == []


def test_a_name_of_the_code_is_said_only_where_it_is_a_short_name():
    rule = "python/exception-variable"
    (habit,) = said(convention(rule, "exc"))
    assert habit.words == "caught exception (except X as ...): exc"
    assert said(convention(rule, "e # ignore it")) == []
    assert said(convention(rule, "x" * 21)) == []


def test_what_is_unusual_elsewhere_tells_more_than_what_is_usual():
    bare, usual = said(
        convention("python/error-message-stop", "stop"),
        convention("python/error-message-stop", "no-stop"),
    )
    assert bare.telling > usual.telling


@pytest.mark.parametrize(
    ("rule", "form", "words"),
    [
        ("docstring-stop", "no-stop", "docstrings, the first line ends: without a full stop"),
        ("docstring-mood", "indicative", "docstrings, the first word says: Returns ..."),
        ("docstring-style", "numpy", "parameters in docstrings: NumPy (Parameters, ----)"),
    ],
)
def test_words_about_docstrings_name_them(rule, form, words):
    (habit,) = said(convention(f"python/{rule}", form))
    assert habit.words == words


def test_a_rule_of_an_unknown_group_of_places_is_said_nowhere():
    layout = Rule("python/large-numbers", "layout", "numbers", {"plain": "10000"})
    (habit,) = said(convention(layout, "plain"))
    assert habit.scopes == frozenset()
