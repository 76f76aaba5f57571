"""Mined conventions -> the habits that a style card may say: of the house, and not everybody's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from bench.arms.elsewhere import share_elsewhere
from bench.arms.style_card import HouseHabit, Scope
from homespun.training.conventions.base.rule import Group, Rule
from homespun.training.conventions.mine import Convention

_MIN_TELLING = 0.1  # what nine in ten do goes without saying
_MAX_NAME_CHARS = 20
_BODY: frozenset[Scope] = frozenset({"body"})
_OUTSIDE: frozenset[Scope] = frozenset({"outside"})
_ANYWHERE = _BODY | _OUTSIDE
_BY_GROUP: Mapping[Group, frozenset[Scope]] = {
    "naming": _OUTSIDE,
    "imports": _OUTSIDE,
    "strings": _BODY,
    "logging": _BODY,
    "errors": _BODY,
    "documentation": _BODY,
    "types": _OUTSIDE,
    "classes": _OUTSIDE,
    "functions": _OUTSIDE,
    "idioms": _BODY,
    "files and paths": _BODY,
    "tests": _ANYWHERE,
}
_BY_RULE: Mapping[str, frozenset[Scope]] = {
    "variable-names": _BODY,
    "exception-variable": _BODY,
    "caught-names": _BODY,
    "private-attributes": _BODY,
    "logger-names": _OUTSIDE,
    "logger-argument": _OUTSIDE,
    "comment-case": _ANYWHERE,
    "comment-stop": _ANYWHERE,
    "suppressions": _ANYWHERE,
    "isinstance-of-several": _BODY,
    "super-call": _BODY,
    "early-return": _BODY,
    "callbacks": _BODY,
    "assertions": _BODY,
    "expected-errors": _BODY,
    "expected-messages": _BODY,
    # Nobody writes these at a cursor.
    "module-names": frozenset(),
    "file-names": frozenset(),
    "test-file-names": frozenset(),
    "module-docstrings": frozenset(),
    "future-annotations": frozenset(),
    "import-place": frozenset(),
}


def habits_said(conventions: Iterable[Convention], family: str) -> Iterator[HouseHabit]:
    """Yield what a card may say of the rules of the house in one family of languages.

    Left out is what a formatter settles and what nearly everybody does. Words are the rule's own;
    of the repository there are at most short names that the code gives a thing (`exc`, `logger`).
    """
    for convention in conventions:
        rule, form = convention.rule, convention.house.form
        if rule.family != family or convention.status != "house" or rule.fixable or ":" in rule.id:
            continue
        is_named = form in rule.forms
        if not is_named and not (form.isidentifier() and len(form) <= _MAX_NAME_CHARS):
            continue
        telling = 1 - share_elsewhere(rule.id, form)
        if telling >= _MIN_TELLING:
            yield HouseHabit(
                rule.id, _words(rule, form), _scopes(rule), rule.group == "tests", telling
            )


def _words(rule: Rule, form: str) -> str:
    about = "docstrings, " if "docstring" in rule.id and "docstring" not in rule.title else ""
    return f"{about}{rule.title}: {rule.label(form)}".replace("…", "...")


def _scopes(rule: Rule) -> frozenset[Scope]:
    name = rule.id.partition("/")[2]
    return _BY_RULE.get(name, _BY_GROUP.get(rule.group, frozenset()))
