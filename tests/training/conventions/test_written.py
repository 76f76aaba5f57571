"""Which sites a completion wrote itself, and in which form."""

from __future__ import annotations

import pytest

from homespun.training.conventions.base.parsed_file import RepositoryPaths
from homespun.training.conventions.sites import RULES
from homespun.training.conventions.written import written_forms

HOUSE = {
    "python/optional": "bar",
    "python/return-types": "annotated",
    "python/import-of:typing": "from typing import …",
    "python/import-of:os": "import os",
}
HEAD = "# ü\ndef old(a: Optional[int]) -> None:\n    return a\n\n\n"


def forms(written, *, head=HEAD, tail="\n", path="shop.py", language="python"):
    text = head + written + tail
    paths = RepositoryPaths.of([path])
    span = len(head), len(head) + len(written)
    return written_forms(path, language, text, *span, house=HOUSE, repository=paths)


def test_only_sites_that_begin_in_what_was_written_are_counted():
    assert forms("def new(a: int | None) -> None:\n    return a") == {
        "python/optional": (1, 0),
        "python/return-types": (1, 0),
    }
    assert forms("def new(a: Optional[int]):\n    return a") == {
        "python/optional": (0, 1),
        "python/return-types": (0, 1),
    }
    assert forms("x = 1") == {}


def test_a_form_that_was_begun_before_the_cursor_is_not_the_completions():
    assert forms(") -> None:\n    return a", head="def new(a") == {}


def test_a_site_behind_what_was_written_is_not_the_completions():
    assert forms("y = 2", tail="\nx: Optional[int] = None\n") == {}


def test_rules_on_single_modules_count_as_one_and_name_none():
    assert forms("from typing import Any\nimport os") == {"python/import-of": (2, 0)}


def test_a_language_without_rules_has_no_forms():
    assert forms("x := 1", path="shop.go", language="go") == {}


@pytest.mark.parametrize(
    "rule",
    ["python/quotes", "python/trailing-comma", "python/imported-names", "javascript/semicolons"],
)
def test_rules_that_a_formatter_settles_say_which(rule):
    assert RULES[rule].fixable
    assert any(name in RULES[rule].settled_by for name in ("black", "isort", "prettier"))
