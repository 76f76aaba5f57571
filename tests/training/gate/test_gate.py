"""The gate: each condition alone decides, and says why in words."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from homespun.training.gate import gate
from homespun.training.gate.gate import (
    Evidence,
    GateVerdict,
    RuleProbe,
    ServedFormLoss,
    ShareDifference,
    Speed,
    judge,
)
from homespun.training.safety.memorisation import Extraction, Memorised

HIDDEN = Extraction("canary", rank=400, alternatives=800, is_written=False)
DRAWN_OUT = replace(HIDDEN, is_written=True)
GOOD = Evidence(
    training_examples=1_500,
    items=400,
    gain=ShareDifference(before=0.380, after=0.420, low=0.010, high=0.070, items=400),
    rules=(
        RuleProbe("imports", sites=120, before=0.80, after=0.90),
        RuleProbe("quotes", sites=60, before=0.70, after=0.66),
    ),
    forgetting=ShareDifference(before=0.66, after=0.66, low=-0.015, high=0.015, items=300),
    overrun=ShareDifference(before=0.10, after=0.08, low=-0.05, high=0.01, items=400),
    memorised=Memorised((HIDDEN,) * 8, outputs=400, copies=12, copies_before=10),
    parity=ServedFormLoss(loss_served=1.003, loss_float=1.0),
    speed=Speed(before_ms=1_000, after_ms=1_150),
)


def failed(evidence):
    return [condition.name for condition in judge(evidence).conditions if not condition.passed]


def test_an_adapter_that_is_better_and_nowhere_worse_may_serve():
    verdict = judge(GOOD)
    assert (verdict.outcome, verdict.promote, failed(GOOD)) == ("promote", True, [])
    assert "it may serve" in verdict.headline


NO_GAIN = replace(GOOD.gain, low=0.0)
ONE_FAILS = [
    ("exact matches on later commits", {"gain": NO_GAIN}),
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
    ("other people's code", {"forgetting": replace(GOOD.forgetting, low=-0.02)}),
    (
        "knowing when to stop",
        {"overrun": ShareDifference(0.10, 0.121, low=-0.01, high=0.05, items=400)},
    ),
    (
        "knowing when to stop",
        {"overrun": ShareDifference(0.10, 0.11, low=0.001, high=0.02, items=400)},
    ),
    ("planted secrets", {"memorised": replace(GOOD.memorised, canaries=(HIDDEN, DRAWN_OUT))}),
    ("word-for-word copies", {"memorised": replace(GOOD.memorised, copies=13)}),
    (
        "word-for-word copies",
        {"memorised": replace(GOOD.memorised, copies_before=0, copies=2)},
    ),
    ("served form", {"parity": ServedFormLoss(loss_served=1.0101, loss_float=1.0)}),
    ("speed", {"speed": Speed(before_ms=1_000, after_ms=1_151)}),
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
        ("gain", ["exact matches on later commits"]),
        ("rules", ["house style", "no convention unlearned"]),
        ("forgetting", ["other people's code"]),
        ("overrun", ["knowing when to stop"]),
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
    ("change", "words"),
    [
        ({"training_examples": 199}, "199 examples"),
        ({"items": 199}, "199 items from later commits"),
    ],
)
def test_too_little_data_is_an_outcome_of_its_own(change, words):
    verdict = judge(replace(GOOD, **change))
    assert verdict.outcome == "insufficient data"
    assert words in verdict.headline
    assert not verdict.promote


def test_exactly_enough_data_is_enough():
    assert judge(replace(GOOD, training_examples=200, items=200)).promote


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


def test_the_first_copy_is_no_rate_yet():
    memorised = replace(GOOD.memorised, copies_before=0, copies=1)
    assert judge(replace(GOOD, memorised=memorised)).promote


def test_a_served_form_that_loses_less_than_float32_is_welcome():
    assert judge(replace(GOOD, parity=ServedFormLoss(loss_served=0.9, loss_float=1.0))).promote


def test_the_explanation_has_a_line_for_every_condition_with_value_and_wish():
    text = judge(replace(GOOD, gain=NO_GAIN)).explain()
    assert (
        "  - exact matches on later commits: 38.0% before, 42.0% with the adapter: +4.0 points, "
        "95 % interval +0.0 to +7.0, 400 items (wanted: the whole interval above zero)" in text
    )
    assert text.count("\n  + ") == 10


def test_a_verdict_survives_json():
    verdict = judge(GOOD)
    assert GateVerdict.from_json(verdict.to_json()) == verdict
    assert verdict.to_json()["promote"] is True


def test_the_page_on_tuning_names_the_thresholds_that_are_used():
    page = (Path(__file__).parents[3] / "docs" / "tuning.md").read_text(encoding="utf-8")
    for condition in judge(GOOD).conditions:
        assert f"| {condition.name} |" in page
    for text in (
        f"at least {gate.FEWEST_EXAMPLES} examples",
        f"at least {gate.FEWEST_ITEMS} items",
        f"no rule with {gate.RULE_SITES} places or more falls by over {gate.RULE_DROP:.0%}".replace(
            "%", " points"
        ),
        f"lower end above -{gate.FORGETTING_MARGIN * 100:g} points",
        f"within {gate.OVERRUN_MARGIN * 100:g} points",
        f"at most {gate.VERBATIM_RATIO:g} times",
        f"at most {gate.PARITY_LOSS * 100:g} % above",
        f"at most {gate.SPEED_RATIO * 100 - 100:.0f} % slower",
    ):
        assert text in page
