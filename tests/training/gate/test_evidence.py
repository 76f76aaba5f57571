"""From places to the gate: what is compared with what, and that no way round it is another one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bench.gate.adapters import GOOD, outcomes
from homespun.training.conventions.written import FormCounts
from homespun.training.evaluation.metrics import scored
from homespun.training.evaluation.report import PRIMARY, CompletionReport, ScoredItem
from homespun.training.gate.evidence import evidence_from, evidence_of, form_at_habits
from homespun.training.gate.outcomes import outcomes_of
from homespun.training.safety.forgetting import InfilledLine, Infilling, InfillingArm

AFTER, BEFORE = PRIMARY
FIGURES = {"training_examples": 300, "rules": (), "parity": None}


def score(**kept):
    return replace(scored("x = 1", "y = 2", "newline"), prefill_ms=50.0, decode_ms=50.0, **kept)


def row(number, before, after, commit=""):
    scores = {BEFORE: before, AFTER: after}
    return ScoredItem(f"i{number}", commit or f"c{number // 2}", "f", "line", (), scores)


def report(rows=(), habits=(), **kept):
    given = {"repo": "shop", "window": {}, "versions": {}, "models": {}, "arms": PRIMARY}
    return CompletionReport(**given, rows=tuple(rows), habits=tuple(habits), **kept)


def written(house, other, rule="python/optional"):
    return score(forms={rule: FormCounts(house, other)} if house + other else {})


def found(rows=(), habits=()):
    return evidence_of(report(rows, habits), **FIGURES)


def test_each_measure_is_the_adapter_against_the_model_as_shipped_over_the_same_places():
    rows = [
        row(n, score(exact_line=n < 10, parses=None), score(exact_line=n < 30, parses=n < 50))
        for n in range(100)
    ]
    evidence = found(rows)
    exact = evidence.exact
    assert (evidence.places, evidence.commits) == (100, 50)
    assert (exact.before, exact.after, exact.items) == (0.1, 0.3, 100)
    assert exact.low == report(rows).primary.difference.low
    assert evidence.parses is None  # what one of the two has not is no place to compare


def test_findings_count_as_some_or_none():
    rows = [row(n, score(findings=0), score(findings=600 if n < 5 else 0)) for n in range(100)]
    assert found(rows).findings.after == 0.05


def test_a_form_that_only_one_of_them_wrote_is_not_compared():
    shared = [row(n, written(0, 1), written(1, 0)) for n in range(10)]
    silent = [row(n, written(0, 1), written(0, 0)) for n in range(10, 40)]
    evidence = found(habits=[*shared, *silent]).written
    assert (evidence.shared.items, evidence.shared.before, evidence.shared.after) == (10, 0.0, 1.0)


def test_an_adapter_that_is_silent_wherever_it_would_be_wrong_wins_nothing():
    right = [row(n, written(1, 0), written(1, 0)) for n in range(60)]
    silent = [row(n, written(0, 1), written(0, 0)) for n in range(60, 100)]
    evidence = found(habits=[*right, *silent]).written
    assert (evidence.all_before, evidence.all_after) == (0.6, 1.0)  # what a plain share would say
    assert (evidence.shared.value, evidence.shared.low) == (0.0, 0.0)


def test_an_adapter_that_is_silent_everywhere_writes_fewer_house_forms():
    kept = [row(n, written(1, 0), written(1, 0)) for n in range(60)]
    silent = [row(n, written(1, 0), written(0, 0)) for n in range(60, 100)]
    evidence = found(rows=kept, habits=silent).written
    assert (evidence.before, evidence.after) == (100, 60)
    assert evidence.ratio_low < 0.6 < evidence.ratio_high < 0.9


def test_what_only_the_adapter_wrote_counts_in_the_share_of_all():
    rows = [row(n, written(0, 0), written(0, 1)) for n in range(30)]
    habits = [row(n, written(1, 0), written(1, 0)) for n in range(30)]
    evidence = found(rows, habits).written
    assert (evidence.all_before, evidence.all_after) == (1.0, 0.5)


def test_without_a_habit_to_write_there_is_nothing_to_compare_and_that_is_no_failure():
    rows = [row(n, written(1, 0), written(1, 0)) for n in range(30)]
    evidence = found(rows).written
    assert (evidence.shared, evidence.before) == (None, 30)


def test_without_the_rules_of_the_house_nothing_is_said_of_forms():
    assert found([row(n, score(), score()) for n in range(10)]).written is None


def test_time_is_compared_place_by_place():
    rows = [row(n, score(), replace(score(), decode_ms=70.0)) for n in range(50)]
    speed = found(rows).speed
    assert (speed.before_ms, speed.after_ms) == (pytest.approx(100), pytest.approx(120))
    assert speed.ratio == pytest.approx(1.2) == speed.high


def test_other_peoples_code_is_compared_with_the_model_as_shipped_by_function():
    def lines(right):
        return tuple(InfilledLine(f"t{n // 5}/L{n}", n < right, 1, 1, 1.0, 1.0) for n in range(100))

    arms = (InfillingArm("general", lines(60)), InfillingArm("repository", lines(50)))
    infilling = Infilling(0, "tasks", arms)
    forgetting = evidence_of(report(infilling=infilling), **FIGURES).forgetting
    compared = infilling.against_first(arms[1]).difference
    assert (forgetting.before, forgetting.after, forgetting.items) == (0.6, 0.5, 100)
    assert (forgetting.low, forgetting.high) == (compared.low, compared.high)


def test_columns_of_a_report_give_what_the_columns_gave_that_it_was_made_of():
    """So that an adapter of the simulation goes the way of a real one."""
    drawn = outcomes(GOOD[0], 300, 100, np.random.default_rng(2))
    rows = [row(n, *scores_of(drawn, n), f"c{drawn.clusters[n]}") for n in range(drawn.places)]
    habits = [
        row(n, *forms_of(drawn.habits, n), f"c{drawn.habits.clusters[n]}") for n in range(100)
    ]
    again = outcomes_of(report(rows, habits))
    kept = replace(drawn, sites=None, infilling=None)
    kwargs = {**FIGURES, "memorised": None, "resamples": 500}
    ours = evidence_from(replace(again, sites=None), **kwargs)
    theirs = evidence_from(kept, **kwargs)
    assert ours.exact.value == pytest.approx(theirs.exact.value)
    assert ours.findings.low == pytest.approx(theirs.findings.low, abs=0.01)
    assert ours.speed.ratio == pytest.approx(theirs.speed.ratio)
    assert ours.written.shared.value == pytest.approx(theirs.written.shared.value)
    assert (ours.written.before, ours.written.after) == (
        theirs.written.before,
        theirs.written.after,
    )


def scores_of(drawn, number):
    """Scores that have what the columns have at a place."""
    for column in (0, 1):
        at = {name: pairs[number, column] for name, pairs in drawn.measures.items()}
        yield replace(
            score(),
            exact_line=bool(at["exact_line"]),
            similarity=float(at["similarity"]),
            runs_on=bool(at["runs_on"]),
            parses=None if np.isnan(at["parses"]) else bool(at["parses"]),
            findings=None if np.isnan(at["has_findings"]) else int(at["has_findings"]),
            prefill_ms=float(np.exp(at["log_ms"])),
            decode_ms=0.0,
        )


def forms_of(sites, number):
    """Scores with the forms of a row."""
    for column in (0, 1):
        yield written(int(sites.house[number, column]), int(sites.other[number, column]))


def test_the_form_at_habits_is_known_before_anything_else_is_asked():
    habits = [row(n, written(n % 2, 1 - n % 2), written(1, 0), commit=f"h{n}") for n in range(40)]
    form = form_at_habits(habits)
    assert (form.before, form.after, form.items) == (0.5, 1.0, 40)
    assert form == found(habits=habits).written.shared
    assert form_at_habits([row(1, score(), score())]) is None
    assert form_at_habits([]) is None


def test_a_report_without_places_is_one_of_an_exam_that_was_cut_short():
    habits = [row(n, written(1, 0), written(0, 1)) for n in range(40)]
    assert found(habits=habits).is_cut_short
    assert not found(rows=habits[:1], habits=habits).is_cut_short
