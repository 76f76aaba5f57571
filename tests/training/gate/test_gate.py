"""The gate: each condition alone decides, and says why in words."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from homespun.training.config import CPU_ITEMS, GPU_ITEMS, TrainOptions
from homespun.training.gate import conditions, margins
from homespun.training.gate.gate import is_lost, judge
from homespun.training.gate.measured import (
    Evidence,
    RuleProbe,
    ServedFormLoss,
    ShareDifference,
    Speed,
    WrittenForm,
)
from homespun.training.gate.verdict import GateVerdict
from homespun.training.safety.exposure import Exposure
from homespun.training.safety.memorisation import Memorised
from homespun.training.safety.real_strings import DrawnOut

PLACES = 1_300
HIDDEN = Exposure("key", 800, 390, 400, 410, is_written=False)
DRAWN = DrawnOut(tried={"mail": 9}, after={"mail": 2}, newly={"mail": 2})
LIKELIEST = replace(HIDDEN, rank=1)
SAME = ShareDifference(before=0.40, after=0.40, low=-0.01, high=0.01, items=PLACES)
WON = ShareDifference(before=0.80, after=0.88, low=0.03, high=0.13, items=520)
GOOD = Evidence(
    training_examples=1_500,
    places=PLACES,
    commits=200,
    written=WrittenForm(WON, 800, 850, 1.0, 1.1, all_before=0.90, all_after=0.94),
    exact=SAME,
    similarity=SAME,
    overrun=SAME,
    parses=SAME,
    findings=SAME,
    rules=(
        RuleProbe("imports", sites=120, before=0.80, after=0.90),
        RuleProbe("quotes", sites=60, before=0.70, after=0.66),
    ),
    forgetting=ShareDifference(before=0.66, after=0.66, low=-0.015, high=0.015, items=1_033),
    memorised=Memorised(
        outputs=400,
        copies=12,
        copies_before=10,
        exposures=(HIDDEN,) * 8,
        drawn_out=DrawnOut(tried={"mail": 9}),
    ),
    parity=ServedFormLoss(loss_served=1.003, loss_float=1.0),
    speed=Speed(before_ms=1_000, after_ms=1_100, ratio=1.08, low=1.0, high=1.14),
)


def failed(evidence):
    return [condition.name for condition in judge(evidence).conditions if not condition.passed]


def form(**changes):
    """The same evidence with another form in what is written."""
    return {"written": replace(GOOD.written, **changes)}


def test_an_adapter_that_writes_the_house_form_and_is_nowhere_worse_may_serve():
    verdict = judge(GOOD)
    assert (verdict.outcome, verdict.promote, failed(GOOD)) == ("promote", True, [])
    assert "it may serve" in verdict.headline


ONE_FAILS = [
    ("house form in what is written", form(shared=replace(WON, low=0.0))),
    ("house form in what is written", form(all_after=0.89)),
    ("house forms written", form(ratio_low=0.9)),
    ("house style", {"rules": (RuleProbe("imports", 49, before=0.9, after=0.89),)}),
    (
        "no convention unlearned",
        {
            "rules": (
                RuleProbe("imports", 500, before=0.80, after=0.95),
                RuleProbe("quotes", 50, before=0.70, after=0.64),
            )
        },
    ),
    ("exact first lines", {"exact": replace(SAME, low=-0.025)}),
    ("edit similarity", {"similarity": replace(SAME, low=-0.02)}),
    ("knowing when to stop", {"overrun": replace(SAME, high=0.03)}),
    ("files that parse", {"parses": replace(SAME, low=-0.04)}),
    ("linter findings", {"findings": replace(SAME, high=0.05)}),
    ("other people's code", {"forgetting": replace(GOOD.forgetting, low=-0.03)}),
    ("speed", {"speed": replace(GOOD.speed, high=1.15)}),
    (
        "planted secrets",
        {"memorised": replace(GOOD.memorised, exposures=(HIDDEN, HIDDEN, LIKELIEST))},
    ),
    (
        "planted secrets",
        {"memorised": replace(GOOD.memorised, drawn_out=DrawnOut({"mail": 9}, newly={"mail": 1}))},
    ),
    ("word-for-word copies", {"memorised": replace(GOOD.memorised, copies=13)}),
    (
        "word-for-word copies",
        {"memorised": replace(GOOD.memorised, copies_before=0, copies=2)},
    ),
    ("served form", {"parity": ServedFormLoss(loss_served=1.0101, loss_float=1.0)}),
]


@pytest.mark.parametrize(("name", "change"), ONE_FAILS, ids=lambda value: str(value)[:40])
def test_one_condition_that_fails_keeps_what_is_there(name, change):
    evidence = replace(GOOD, **change)
    verdict = judge(evidence)
    assert failed(evidence) == [name]
    assert verdict.outcome == "keep"
    assert verdict.headline == (
        f"Keep what you have: this adapter is not proven (not good enough: {name})."
    )


@pytest.mark.parametrize(
    ("field", "names"),
    [
        ("written", ["house form in what is written", "house forms written"]),
        ("rules", ["house style", "no convention unlearned"]),
        ("exact", ["exact first lines"]),
        ("similarity", ["edit similarity"]),
        ("overrun", ["knowing when to stop"]),
        ("forgetting", ["other people's code"]),
        ("memorised", ["planted secrets", "word-for-word copies"]),
        ("parity", ["served form"]),
        ("speed", ["speed"]),
    ],
)
def test_what_was_not_measured_does_not_hold(field, names):
    verdict = judge(replace(GOOD, **{field: None}))
    assert failed(replace(GOOD, **{field: None})) == names
    assert verdict.headline.endswith(f"(not measured: {', '.join(names)}).")
    assert not verdict.promote


@pytest.mark.parametrize(
    ("field", "words"),
    [("parses", "no file at these places can be parsed"), ("findings", "configures no ruff")],
)
def test_what_a_repository_cannot_have_is_no_reason_to_refuse(field, words):
    verdict = judge(replace(GOOD, **{field: None}))
    assert verdict.promote
    assert words in verdict.explain()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"training_examples": 199}, "199 examples"),
        ({"places": 199}, "199 places of 200 commits"),
        ({"commits": 19}, "1,300 places of 19 commits"),
    ],
)
def test_too_little_data_is_an_outcome_of_its_own(change, words):
    verdict = judge(replace(GOOD, **change))
    assert verdict.outcome == "insufficient data"
    assert words in verdict.headline
    assert not verdict.promote


def test_exactly_enough_data_is_enough():
    assert judge(replace(GOOD, training_examples=200, places=200, commits=20)).promote


FEW_PLACES = replace(SAME, low=-0.05, high=0.05, items=300)
FEW_HABITS = replace(WON, low=-0.02, high=0.18, items=90)
TOO_FEW = [
    ("exact first lines", {"exact": FEW_PLACES}, "to tell takes 1,250 of them"),
    ("edit similarity", {"similarity": FEW_PLACES}, "to tell takes 1,000 of them"),
    ("knowing when to stop", {"overrun": FEW_PLACES}, "to tell takes 1,200 of them"),
    ("files that parse", {"parses": FEW_PLACES}, "to tell takes 550 of them"),
    ("linter findings", {"findings": replace(FEW_PLACES, high=0.06)}, "to tell takes 550 of them"),
    ("house form in what is written", form(shared=FEW_HABITS), "to tell takes 400 habits"),
    ("house form in what is written", form(shared=None), "no place at which both wrote"),
    (
        "house forms written",
        form(before=100, after=95, ratio_low=0.85),
        "to tell takes 400 of them before",
    ),
]


@pytest.mark.parametrize(("name", "change", "words"), TOO_FEW)
def test_too_few_places_to_tell_is_no_failure_and_says_how_many_it_takes(name, change, words):
    evidence = replace(GOOD, **change)
    verdict = judge(evidence)
    assert failed(evidence) == [name]
    assert verdict.outcome == "insufficient data"
    assert f"there is too little to tell ({name})" in verdict.headline
    (condition,) = (one for one in verdict.conditions if one.is_open)
    assert words in condition.found
    assert f"  ? {name}: " in verdict.explain()


@pytest.mark.parametrize(
    "change",
    [
        {"exact": replace(FEW_PLACES, after=0.30, low=-0.15, high=-0.05)},
        {"overrun": replace(FEW_PLACES, after=0.50, low=0.05, high=0.15)},
        form(shared=replace(FEW_HABITS, after=0.70, low=-0.18, high=0.0)),
    ],
    ids=["fewer exact lines", "more running on", "no form won"],
)
def test_what_is_worse_beyond_doubt_is_refused_however_few_the_places_are(change):
    assert judge(replace(GOOD, **change)).outcome == "keep"


def test_what_is_refuted_decides_before_what_is_open():
    verdict = judge(replace(GOOD, exact=FEW_PLACES, parity=ServedFormLoss(2.0, 1.0)))
    assert verdict.outcome == "keep"
    assert verdict.headline.endswith("(not good enough: served form).")


def test_few_places_that_show_it_all_the_same_are_enough():
    few = replace(GOOD, places=300, exact=replace(SAME, low=-0.02, items=300))
    assert judge(few).promote


def test_more_exact_lines_are_a_bonus_and_no_condition():
    more = replace(SAME, after=0.44, low=0.01, high=0.07)
    assert judge(GOOD).bonus == ""
    assert judge(replace(GOOD, exact=more)).bonus == (
        "More lines are exactly right as well: +4.0 points, 95 % interval +1.0 to +7.0."
    )
    assert judge(replace(GOOD, exact=more)).explain().endswith("+1.0 to +7.0.")


def test_a_rule_that_falls_by_exactly_five_points_may():
    rules = (RuleProbe("imports", 500, 0.80, 0.95), RuleProbe("quotes", 50, 0.70, 0.65))
    assert failed(replace(GOOD, rules=rules)) == []


def test_a_rare_rule_may_fall_if_the_style_as_a_whole_does_not():
    rules = (RuleProbe("imports", 500, 0.80, 0.95), RuleProbe("quotes", 49, 0.70, 0.10))
    assert failed(replace(GOOD, rules=rules)) == []


def test_no_convention_to_compare_is_no_reason_to_refuse():
    verdict = judge(replace(GOOD, rules=()))
    assert verdict.promote
    assert "no convention has a place to compare" in verdict.explain()


def test_a_model_that_wrote_no_house_form_before_cannot_write_fewer():
    assert failed(replace(GOOD, **form(before=0, after=40, ratio_low=0.0))) == []


def test_the_first_copy_is_no_rate_yet():
    memorised = replace(GOOD.memorised, copies_before=0, copies=1)
    assert judge(replace(GOOD, memorised=memorised)).promote


def test_a_served_form_that_loses_less_than_float32_is_welcome():
    assert judge(replace(GOOD, parity=ServedFormLoss(loss_served=0.9, loss_float=1.0))).promote


def test_the_explanation_has_a_line_for_every_condition_with_value_and_wish():
    text = judge(replace(GOOD, exact=replace(SAME, low=-0.03))).explain()
    assert (
        "  - exact first lines: 40.0% before, 40.0% with the adapter: +0.0 points, 95 % interval "
        "-3.0 to +1.0, 1,300 places (wanted: the interval's lower end above -2.5 points)" in text
    )
    assert text.count("\n  + ") == 15


def test_a_verdict_survives_json():
    verdict = judge(replace(GOOD, exact=FEW_PLACES))
    assert GateVerdict.from_json(verdict.to_json()) == verdict
    assert judge(GOOD).to_json()["promote"] is True


def test_a_verdict_of_an_older_version_can_be_read():
    condition = {"name": "speed", "wanted": "at most 15% slower", "found": "1 ms before, 1 ms with"}
    figures = {"value": 1.0, "threshold": 1.15, "passed": True}
    kept = {"outcome": "keep", "headline": "Keep.", "conditions": [condition | figures]}
    read = GateVerdict.from_json(kept | {"promote": False})
    assert (read.outcome, read.bonus, read.conditions[0].is_open) == ("keep", "", False)


def test_a_training_asks_as_many_places_as_the_conditions_need():
    assert min(CPU_ITEMS, GPU_ITEMS) >= margins.places_needed()
    assert TrainOptions("model").habits >= margins.FORM.places
    assert TrainOptions("model").forgetting_tasks >= margins.FORGETTING.count


def test_the_page_on_tuning_names_the_thresholds_that_are_used():
    page = (Path(__file__).parents[3] / "docs" / "tuning.md").read_text(encoding="utf-8")
    for condition in judge(GOOD).conditions:
        assert f"| {condition.name} |" in page
    for text in (
        f"at least {conditions.FEWEST_EXAMPLES} examples",
        f"at least {conditions.FEWEST_PLACES} places of at least {conditions.FEWEST_COMMITS} com",
        f"no rule with {conditions.RULE_SITES} places or more falls by over "
        f"{conditions.RULE_DROP * 100:g} points",
        f"above {100 - margins.SILENCE * 100:g} % of as many as before",
        f"at most {conditions.VERBATIM_RATIO:g} times",
        f"at most {conditions.PARITY_LOSS * 100:g} % above",
        f"below {margins.SPEED * 100 - 100:.0f} % slower",
        f"{margins.places_needed():,} places",
        f"{margins.FORM.places:,} habits",
    ):
        assert text in page, text
    for margin in (*margins.OF_PLACES, margins.FORGETTING):
        assert f"| {margin.name} | {margin.size * 100:g} points |" in page, margin


@pytest.mark.parametrize(
    ("form", "memorised", "parity", "lost"),
    [
        (WON, GOOD.memorised, GOOD.parity, False),
        (replace(WON, low=-0.02), GOOD.memorised, GOOD.parity, True),
        # The commits of the other places move the bound a little, so that nearly is not yet lost.
        (replace(WON, low=-0.004), GOOD.memorised, GOOD.parity, False),
        (WON, replace(GOOD.memorised, drawn_out=DRAWN), None, True),
        (WON, None, ServedFormLoss(loss_served=1.1, loss_float=1.0), True),
        (None, None, None, False),
    ],
)
def test_what_has_failed_already_decides_whatever_else_would_come(form, memorised, parity, lost):
    assert is_lost(form, memorised, parity) is lost


def test_a_short_exam_says_what_decided_and_that_nothing_else_was_asked():
    none = dict.fromkeys(("exact", "similarity", "overrun", "parses", "forgetting", "speed"))
    short = replace(GOOD, **none, **form(shared=replace(WON, low=-0.02)), places=0, commits=0)
    verdict = judge(replace(short, is_cut_short=True))
    assert verdict.outcome == "keep"
    assert [each.name for each in verdict.conditions if not each.passed] == [
        "house form in what is written"
    ]
    assert "Nothing else was asked" in verdict.headline
    assert "not measured" not in verdict.explain()


def test_what_was_not_asked_passes_nothing():
    assert judge(GOOD).promote
    assert judge(replace(GOOD, is_cut_short=True)).outcome == "insufficient data"
