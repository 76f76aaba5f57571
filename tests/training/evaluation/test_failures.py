"""Why a completion failed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from homespun.server.completion.failure_sorts import (
    ENDING,
    FAILURE_SORTS,
    NOT_TAKEN,
    NOT_TO_BE_GUESSED,
    name_of,
)
from homespun.training.evaluation.failures import (
    MAX_REACH_NATS,
    Failure,
    same_but_for_form,
    sort_of,
)
from homespun.training.evaluation.metrics import scored

WANTED = "return load_prices(path)"


def failure(
    given,
    *,
    wanted=WANTED,
    missing=(),
    oracle=None,
    parses=True,
    loss=None,
    finish="newline",
    **kept,
):
    score = replace(scored(wanted, given, finish), parses=parses, loss=loss)
    return Failure(wanted, given, score, missing, oracle, **kept)


def oracle(given, loss=None):
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
    assert (sort_of(likelier), sort_of(hardly)) == ("K", "U")


def test_without_an_oracle_a_missing_name_that_was_not_guessed_counts():
    assert sort_of(failure("return read(path)", missing=["load_prices"])) == "K"
    assert sort_of(failure("return load_prices(it)", missing=["load_prices"])) == "I"


def test_another_form_of_the_same_is_style():
    assert sort_of(failure("return load_prices( path, )")) == "S"


def test_both_is_both():
    found = failure("return load_prices( path )", missing=["load_prices"], oracle=oracle(WANTED))
    assert sort_of(found) == "B"


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        pytest.param("return (x", {"parses": False}, id="does not parse"),
        pytest.param("return x" + "\ny = 1" * 9, {}, id="more lines"),
        pytest.param("return load_prices", {}, id="left off early"),
        pytest.param("return load_prices(path) or None", {}, id="went on"),
        pytest.param("", {}, id="said nothing"),
        pytest.param("return y", {"finish": "length"}, id="to the most tokens"),
    ],
)
def test_what_breaks_the_file_or_ends_at_the_wrong_place_is_of_the_ending(given, kept):
    assert sort_of(failure(given, **kept)) == ENDING.code


def test_a_longer_line_that_says_something_else_is_not_of_the_ending():
    wrong = failure("raise NotImplementedError(f'no prices in {path}')")
    assert wrong.score.runs_on
    assert sort_of(wrong) == NOT_TO_BE_GUESSED.code


def test_what_was_likely_enough_with_all_names_shown_was_not_taken():
    near, far = MAX_REACH_NATS / 10, MAX_REACH_NATS / 9
    for loss, sort in ((near, NOT_TAKEN), (far, NOT_TO_BE_GUESSED)):
        assert sort_of(failure("return None", loss=loss, tokens=10)) == sort.code
    shown = failure("return None", loss=9.0, tokens=10, oracle=oracle("return 1", near))
    assert sort_of(shown) == NOT_TAKEN.code


def test_of_a_longer_hole_only_the_first_line_has_to_be_within_reach():
    wanted = "x = prices\n" + "y = 1\n" * 15  # the first line is a tenth of it
    found = failure("return None", wanted=wanted, loss=0.6, tokens=100)
    assert sort_of(found) == NOT_TAKEN.code


def test_where_nobody_measured_how_likely_it_was_it_was_not_to_be_guessed():
    assert sort_of(failure("return None")) == NOT_TO_BE_GUESSED.code


def test_the_order_of_the_sorts_is_that_in_which_they_are_shown():
    assert list(FAILURE_SORTS) == ["K", "B", "U", "S", "X", "I"]
    assert len({sort.name for sort in FAILURE_SORTS.values()}) == 6
    assert name_of("S") == "wrong form" and name_of("Q") == "Q"


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
