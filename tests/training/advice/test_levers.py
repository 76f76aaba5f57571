"""Which lever is due: from shares to a verdict, at the thresholds and with too few places."""

from __future__ import annotations

from dataclasses import replace

import pytest

from homespun.server.completion.failure_sorts import FAILURE_SORTS
from homespun.stats import paired
from homespun.training.advice.history_facts import HistoryFacts
from homespun.training.advice.levers import AdviceFacts, LeverFigure, decide
from homespun.training.advice.measured import LargerAsked, Measured
from homespun.training.advice.prices import LargerPrice
from homespun.training.advice.shares import share_of
from homespun.training.advice.then_and_now import HouseThenAndNow, RuleThenAndNow
from homespun.training.gate.exam import Exam

HISTORY = HistoryFacts(
    commits=900,
    usable=800,
    dropped={},
    authors=9,
    recent_authors=4,
    first_day="2020-01-01",
    last_day="2025-01-01",
    days=1827,
    files=90,
    code_lines=20_000,
    ages={"a week": 100, "longer ago": 19_900},
    weeks=26,
    folders=(),
    added_by_week=(1, 2),
)
EXAM = Exam(places=1_250, commits=200, habits=900)
PRICE = LargerPrice("qwen2.5-coder-1.5b", True, 1_100, 2_300, 500.0, 170.0)


def share(count, of):
    return share_of((n < count, n) for n in range(of))


def measured(of=300, *, places=500, commits=100, unseen=(300, 300), **counts):
    """So many failures, of them `K=…` and so on; what is left was not to be guessed."""
    rest = of - sum(counts.values())
    numbers = dict.fromkeys(FAILURE_SORTS, 0) | counts | {"I": rest}
    shares = {code: share(number, of) for code, number in numbers.items()}
    return Measured(
        places=places,
        commits=commits,
        exact={"none": share(100, places), "retrieval": share(places - of, places)},
        gain=paired([1, 0, 1, 0], [0, 0, 1, 0], "abcd"),
        failures={"none": shares, "retrieval": shares},
        knowledge=share(numbers["K"] + numbers["B"], of),
        in_file=share(97, 100),
        unseen=share(*unseen),
        unseen_asked=60,
        rules=(),
        missing={},
        ms={"none": 900.0, "retrieval": 1_500.0},
    )


def rule(number, *, status="house", then="house", form="a", form_then="a"):
    name = f"python/rule-{number}"
    return RuleThenAndNow(name, name, form, 0.9, 40, status, form_then, 0.9, 40, then)


def house(settled=20, mixed=2, moved=0):
    rules = [rule(n) for n in range(settled - moved)]
    rules += [rule(n, form_then="b") for n in range(100, 100 + moved)]
    rules += [rule(n, status="mixed", then="mixed") for n in range(200, 200 + mixed)]
    return HouseThenAndNow("2024-01-01", tuple(rules))


def facts(found=None, **changes):
    whole = AdviceFacts(found or measured(), HISTORY, house(), EXAM, PRICE, 1_024)
    return replace(whole, **changes)


def outcomes(given):
    return {lever.name: lever.outcome for lever in decide(given).levers}


def test_where_no_lever_has_much_to_mend_retrieval_is_enough():
    found = decide(facts())
    assert set(outcomes(facts()).values()) == {"no"}
    assert found.headline == "Retrieval is enough: no other lever has much left to mend"


@pytest.mark.parametrize(
    ("counts", "lever", "headline"),
    [
        ({"K": 60, "B": 60}, "retrieval", "Have retrieval show more"),
        ({"U": 120}, "larger model", "Take the larger model"),
        ({"S": 120}, "tune", "Tune"),
        ({"X": 120}, "tune", "Tune"),
    ],
)
def test_the_lever_whose_failures_are_two_fifths_is_due_and_no_other(counts, lever, headline):
    found = facts(measured(**counts))
    assert outcomes(found) == dict.fromkeys(outcomes(found), "no") | {lever: "yes"}
    assert decide(found).headline == headline


def test_what_the_file_does_not_show_and_is_written_otherwise_is_a_reason_to_tune():
    assert outcomes(facts(measured(unseen=(270, 300))))["tune"] == "yes"
    assert outcomes(facts(measured(unseen=(299, 300))))["tune"] == "no"
    assert outcomes(facts(measured(unseen=(285, 300))))["tune"] == "open"


def test_two_that_are_due_are_both_named():
    assert decide(facts(measured(U=120, S=120))).headline == "Take the larger model, and tune"


def test_too_few_places_leave_it_open_and_it_is_said_how_many_it_takes():
    few = measured(40, places=60, commits=60, unseen=(40, 40), U=10)
    found = decide(facts(few))
    assert outcomes(facts(few))["larger model"] == "open"
    assert found.headline.startswith("Too little to tell: 60 places leave open whether to take")
    assert "it takes some " in found.headline and "(--items " in found.headline


def test_more_places_than_there_are_cannot_be_asked_for():
    few = measured(40, places=60, commits=60, unseen=(40, 40), U=9)
    found = decide(facts(few, exam=replace(EXAM, places=61)))
    assert "it takes more than the 61 that later commits have" in found.headline


@pytest.mark.parametrize("few", [Exam(19, 30, 9), Exam(30, 19, 9)])
def test_a_history_that_is_too_small_is_told_so_and_gets_no_lever(few):
    given = facts(measured(12, places=18, commits=18, U=12), exam=few)
    found = decide(given)
    assert outcomes(given)["larger model"] == "open"
    assert found.headline.startswith("Nothing yet: the history is too small to tell.")
    assert "it takes 20 of 20" in found.headline


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"history": replace(HISTORY, code_lines=1_999)}, "1,999 lines of code are too few"),
        ({"house": HouseThenAndNow("", ())}, "no convention of the house is known"),
        ({"exam": Exam(199, 60, 900)}, "too few to prove an adapter by"),
        ({"house": house(settled=9, mixed=11)}, "only 9 of 20 conventions are settled"),
        ({"house": house(moved=5)}, "5 of the 20 house rules of 2024-01-01 have not stayed"),
    ],
)
def test_nothing_is_tuned_that_could_not_be_learned_or_proven(changes, said):
    tune = next(
        lever for lever in decide(facts(measured(S=120), **changes)).levers if lever.name == "tune"
    )
    assert tune.outcome == "no" and said in tune.sentence


def test_a_form_that_cannot_be_tuned_is_written_down():
    found = facts(measured(S=120), exam=Exam(199, 60, 900))
    assert outcomes(found) == {
        "retrieval": "no",
        "larger model": "no",
        "tune": "no",
        "style guide": "yes",
    }
    assert decide(found).headline == "Write a style guide"
    assert outcomes(facts(measured(X=120), exam=Exam(199, 60, 900)))["style guide"] == "no"


def test_a_house_that_is_not_settled_needs_a_style_guide_whatever_fails():
    assert outcomes(facts(house=house(settled=9, mixed=11)))["style guide"] == "yes"
    assert outcomes(facts(house=house(settled=10, mixed=10)))["style guide"] == "no"
    assert outcomes(facts(house=house(settled=1, mixed=3)))["style guide"] == "no"  # too few rules


def test_a_plan_with_too_few_places_warns_and_does_not_forbid():
    found = decide(facts(measured(S=120), exam=Exam(900, 60, 900)))
    tune = found.levers[2]
    assert tune.outcome == "yes" and 'will often be "too little to tell"' in tune.sentence


def asked(wins, losses, same=60):
    first = [1] * wins + [0] * losses + [1] * same
    second = [0] * wins + [1] * losses + [1] * same
    gain = paired(first, second, range(len(first)))
    return LargerAsked(PRICE.name, share(wins + same, len(first)), gain, 900.0)


@pytest.mark.parametrize(
    ("larger", "outcome"),
    [(asked(20, 2), "yes"), (asked(3, 3), "open"), (asked(0, 30), "no")],
)
def test_where_the_larger_model_was_asked_its_answers_decide(larger, outcome):
    for counts in ({}, {"U": 120}):
        found = facts(replace(measured(**counts), larger=larger))
        assert outcomes(found)["larger model"] == outcome


def test_a_price_is_in_minutes_and_says_what_a_key_costs_afterwards():
    levers = {lever.name: lever for lever in decide(facts()).levers}
    assert levers["tune"].minutes == pytest.approx(60 + 2 * (1_250 + 300 + 900 + 1_033) * 1.5 / 60)
    assert levers["retrieval"].price.startswith("it serves already; 600 ms more")
    assert "a key in 500 ms instead of 170" in levers["larger model"].price
    assert levers["larger model"].minutes == 0.0
    away = replace(PRICE, is_here=False)
    fetched = next(x for x in decide(facts(larger=away)).levers if x.name == "larger model")
    assert (
        fetched.minutes == pytest.approx(1_100 / 600 + 2) and "1,100 MB to fetch" in fetched.price
    )


def test_without_a_larger_model_the_users_own_server_is_named():
    found = next(x for x in decide(facts(larger=None)).levers if x.name == "larger model")
    assert "[model.remote]" in found.price


def test_an_interval_on_the_threshold_is_open():
    assert LeverFigure("x", share(20, 100), 0.2).outcome == "open"
    assert LeverFigure("x", share(0, 0), 0.2).outcome == "open"
