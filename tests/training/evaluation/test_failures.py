"""Why a completion failed."""

from __future__ import annotations

import pytest

from homespun.training.evaluation.failures import Failure, same_but_for_form, sort_of
from homespun.training.evaluation.metrics import scored

WANTED = "return load_prices(path)"


def failure(given, *, wanted=WANTED, missing=(), oracle=None, parses=True, loss=None, **kept):
    from dataclasses import replace

    score = replace(scored(wanted, given, "newline"), parses=parses, loss=loss)
    return Failure(wanted, given, score, missing, oracle, **kept)


def oracle(given, loss=None):
    from dataclasses import replace

    return replace(scored(WANTED, given, "newline"), loss=loss)


def test_an_exact_first_line_is_no_failure():
    assert sort_of(failure(WANTED + "\nmore()")) == ""


def test_what_the_oracle_mends_was_a_gap_of_knowledge():
    found = failure("return read(path)", missing=["load_prices"], oracle=oracle(WANTED))
    assert sort_of(found) == "K"


def test_what_the_oracle_makes_much_likelier_was_one_too():
    missing = ["load_prices"]
    likelier = failure("return x", missing=missing, oracle=oracle("no", 0.5), loss=1.0, tokens=2)
    hardly = failure("return x", missing=missing, oracle=oracle("no", 0.9), loss=1.0, tokens=2)
    assert (sort_of(likelier), sort_of(hardly)) == ("K", "I")


def test_without_an_oracle_a_missing_name_that_was_not_guessed_counts():
    assert sort_of(failure("return read(path)", missing=["load_prices"])) == "K"
    assert sort_of(failure("return load_prices(it)", missing=["load_prices"])) == "I"


def test_another_form_of_the_same_is_style():
    assert sort_of(failure("return load_prices( path, )")) == "S"


def test_both_is_both():
    found = failure("return load_prices( path )", missing=["load_prices"], oracle=oracle(WANTED))
    assert sort_of(found) == "B"


def test_what_does_not_parse_or_runs_on_is_broken():
    assert sort_of(failure("return (x", parses=False)) == "X"
    assert sort_of(failure("return x" + "\ny = 1" * 9)) == "X"


def test_the_rest_is_a_matter_of_intent():
    assert sort_of(failure("return None")) == "I"
    assert sort_of(failure("")) == "I"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('f"hi {name}"', '"hi %s" % name'),
        ('f"hi {name}"', '"hi {}".format(name)'),
        ("x = foo(a, b)", "y = foo(a,\n    b,)"),
        ("from a.b import c", "import a.b as c"),
        ("def f(a: int) -> str:", "def f(a):"),
        ("x: int = 3", "x = 3"),
        ("return 'x'", 'return "x"  # why'),
        ("for x in rows:\n    print(x)", "for row in rows:\n    print(row)"),
    ],
)
def test_form_does_not_count(one, other):
    assert same_but_for_form(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("foo(a, b)", "foo(b, a)"),
        ("a + b", "a - b"),
        ("raise ValueError(x)", "raise KeyError(x)"),
        ("{'a': b}", "{'a': c}"),
        ("x = 1", ""),
    ],
)
def test_meaning_does(one, other):
    assert not same_but_for_form(one, other)
