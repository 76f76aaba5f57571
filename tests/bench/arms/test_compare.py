"""Arms against the model as shipped: who is compared with whom, and what is said of it."""

from __future__ import annotations

from dataclasses import replace

from bench.arms.compare import against, evidence, main_table, price, rules_table
from homespun.server.types import Completion
from homespun.training.conventions.written import FormCounts
from homespun.training.dataset.examples import Example
from homespun.training.evaluation.arms import ArmAnswer
from homespun.training.evaluation.items import Item
from homespun.training.evaluation.metrics import scored
from homespun.training.evaluation.report import ScoredItem


def score(*, house=None, exact=False):
    forms = None if house is None else {"python/optional": FormCounts(house, 1 - house)}
    given = scored("x = 1", "x = 1" if exact else "y", "newline")
    return replace(given, forms=forms, prefill_ms=50.0, decode_ms=50.0)


def row(number, **scores):
    return ScoredItem(f"i{number}", f"c{number // 2}", "f", "line", (), scores)


def answer(number, arm, tokens, ms):
    example = Example(str(number), "shop", "a.py", "python", "", "x", "", "line")
    done = Completion(
        *("x", "newline", "m"),
        timings_ms={"prefill": ms - 1.0, "decode": 1.0},
        tokens={"prompt": tokens},
    )
    return ArmAnswer(Item(example, "", ()), arm, done, (), None, is_known=False)


ROWS = [
    row(n, shipped=score(exact=n < 10), card=score(exact=n < 30), long=score(exact=True))
    for n in range(40)
]
HABITS = [row(n, shipped=score(house=n % 2), card=score(house=1)) for n in range(40)]


def test_an_arm_is_compared_with_the_model_as_shipped_and_not_the_other_way_round():
    found = evidence(against("card", "shipped", ROWS, HABITS))
    assert (found.exact.before, found.exact.after) == (0.25, 0.75)
    assert (found.written.shared.before, found.written.shared.after) == (0.5, 1.0)
    assert found.written.shared.low > 0


def test_places_that_an_arm_was_not_asked_at_are_not_compared():
    some = [replace(one, scores={"shipped": one.scores["shipped"]}) for one in ROWS[:30]]
    assert evidence(against("card", "shipped", [*some, *ROWS[30:]], ())).exact.items == 10


def test_the_price_is_the_median_of_what_both_answered():
    answers = [answer(n, "shipped", 100 + n, 50.0) for n in range(9)]
    answers += [answer(n, "card", 150 + n, 70.0) for n in range(3)]
    assert price("card", answers) == ("+50", "50", "70")
    assert price("long", answers) == ("-", "-", "-")


def test_the_table_has_a_row_an_arm_with_what_was_measured():
    reports = {arm: against(arm, "shipped", ROWS, HABITS) for arm in ("card", "long")}
    table = main_table(reports, [answer(0, "shipped", 100, 50.0), answer(0, "card", 150, 70.0)])
    _, _, card, long = table.split("\n")
    assert card.startswith("| card | 50.0% | 100.0% | +50.0 [")
    assert "| 20 -> 40 | 25.0% | 75.0% |" in card
    assert card.endswith("| +50 | 50 | 70 |")
    assert long.startswith("| long | - | - | - | 0 |")
    assert {line.count("|") for line in table.split("\n")} == {15}


def test_rules_are_listed_with_the_sites_that_both_wrote():
    reports = {"card": against("card", "shipped", ROWS, HABITS)}
    assert rules_table(reports).split("\n")[2:] == ["| python/optional | card | 40 | 50% | 100% |"]
