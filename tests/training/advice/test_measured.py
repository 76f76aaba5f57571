"""What is read of an evaluation: shares of the failures, and how the house's form came out."""

from __future__ import annotations

from dataclasses import replace

from homespun.training.advice.measured import measured
from homespun.training.conventions.written import FormCounts
from homespun.training.evaluation.metrics import scored
from homespun.training.evaluation.report import CompletionReport, ScoredItem

ARMS = ("general/none", "general/retrieval", "general/oracle")


def score(failure="", forms=None, ms=100.0):
    made = scored("x = 1", "" if failure else "x = 1", "newline")
    return replace(made, failure=failure, forms=forms, prefill_ms=ms, decode_ms=0.0)


def row(number, **scores):
    named = {f"general/{context}": one for context, one in scores.items()}
    return ScoredItem(f"i{number}", f"c{number}", "f", "line", (), named)


def report(*rows, habits=()):
    return CompletionReport(
        repo="shop",
        window={},
        versions={},
        models={},
        arms=ARMS,
        rows=tuple(rows),
        habits=tuple(habits),
    )


def test_a_sort_is_counted_among_the_failures_of_each_context():
    rows = [row(n, none=score("K"), retrieval=score()) for n in range(6)]
    rows += [row(n, none=score("U"), retrieval=score("U", ms=300.0)) for n in range(6, 9)]
    rows += [row(9, none=score("B"), retrieval=score("B", ms=300.0))]
    found = measured(report(*rows), "general")
    assert (found.places, found.commits) == (10, 10)
    assert (found.failures["none"]["K"].count, found.failures["none"]["K"].of) == (6, 10)
    assert (found.not_taken.count, found.not_taken.of) == (3, 4)
    assert (found.knowledge.count, found.knowledge.of) == (1, 4)
    assert (found.exact["none"].value, found.exact["retrieval"].value) == (0.0, 0.6)
    assert found.gain is not None and found.gain.difference.mean == 0.6
    assert found.ms == {"none": 100.0, "retrieval": 100.0}


def test_forms_are_counted_apart_where_the_file_shows_them_and_where_it_shows_none():
    shown = {"python/optional": FormCounts(3, 1)}
    unseen = {"python/optional": FormCounts(1, 2), "python/raise": FormCounts(0, 1)}
    rows = [row(0, none=score(), retrieval=score(forms=shown))]
    habits = [row(1, retrieval=score(forms=unseen))]
    found = measured(report(*rows, habits=habits), "general")
    assert (found.in_file.count, found.in_file.of) == (3, 4)
    assert (found.unseen.count, found.unseen.of, found.unseen_asked) == (1, 4, 1)
    assert (found.room.count, found.room.of) == (3, 4)
    assert found.room.low == 1 - found.unseen.high
    rules = {one.rule: one for one in found.rules}
    assert (rules["python/optional"].unseen_house, rules["python/optional"].unseen_sites) == (1, 3)
    assert rules["python/raise"].sites == 0


def test_where_nothing_could_be_completed_nothing_is_known():
    found = measured(report(), "general")
    assert (found.places, found.gain, found.exact["retrieval"].is_known) == (0, None, False)
    assert (found.room.low, found.room.high) == (0.0, 1.0)
    assert found.to_json()["failures"]["none"]["K"]["name"] == "missing knowledge"


def test_names_that_were_missing_are_counted_and_the_commonest_come_first():
    found = measured(report(), "general", missing=["a", "b", "b"])
    assert list(found.missing.items()) == [("b", 2), ("a", 1)]
