"""The router's bench: what is asked a second time, what is fitted, and on which packages."""

from __future__ import annotations

import json
import random
from dataclasses import asdict

import pytest

from bench.completion.router.ask import PlaceAnswer, read
from bench.completion.router.fit import MAX_ESCALATED, fit, held_out, paired, threshold_for
from bench.completion.router.places import _further
from bench.completion.router.report import figures, plot, table
from bench.context.cursors import NameCursor
from homespun.models.fakes import FakeTokenizer

NAMES = {"small": "small", "large": "large", "router": "both"}


def answered(role, number, *, mean, is_exact, package="a"):
    return PlaceAnswer(
        role=role,
        model=role,
        package=package,
        path="a.py",
        line=number,
        column=4,
        group="none",
        typed="x = ",
        rest="y",
        text="y",
        is_exact=is_exact,
        is_block=False,
        finish="newline",
        token_ids=[1, 2],
        token_logprobs=[mean, mean],
        prompt_tokens=100,
        tokens=2,
        ms=10.0,
    )


@pytest.fixture(scope="module")
def places():
    """The small model is right where it is sure; the large one always."""
    rng = random.Random(1)
    answers = []
    for number in range(400):
        mean = -rng.random() * 3
        package = "abcd"[number % 4]
        is_exact = rng.random() < (0.95 if mean > -1 else 0.05)
        answers.append(answered("small", number, mean=mean, is_exact=is_exact, package=package))
        answers.append(answered("large", number, mean=-0.1, is_exact=True, package=package))
    return paired(answers, FakeTokenizer())


def test_what_is_fitted_tells_right_lines_from_wrong_ones(places):
    fitted = fit(places)
    said = [fitted.probability(place) for place in places]
    right = [p for p, place in zip(said, places, strict=True) if place.small.is_exact]
    wrong = [p for p, place in zip(said, places, strict=True) if not place.small.is_exact]
    assert sum(right) / len(right) > 0.6 > 0.3 > sum(wrong) / len(wrong)
    assert sum(said) / len(said) == pytest.approx(len(right) / len(places), abs=0.01)
    threshold = threshold_for(said)
    assert sum(p < threshold for p in said) / len(said) == pytest.approx(MAX_ESCALATED, abs=0.02)


def test_a_package_is_judged_by_what_was_fitted_on_the_others(places):
    # Of package "a" the opposite is told: nothing that is said of it may come from itself.
    turned = [
        place.__class__(
            answered(
                *("small", place.small.line),
                mean=place.small.token_logprobs[0],
                is_exact=not place.small.is_exact,
            ),
            place.large,
            place.evidence,
        )
        if place.small.package == "a"
        else place
        for place in places
    ]
    of_a = [n for n, place in enumerate(places) if place.small.package == "a"]
    plain, other = held_out(places), held_out(turned)
    assert [plain.likely[n] for n in of_a] == [other.likely[n] for n in of_a]
    assert plain.likely != other.likely


def test_the_report_has_the_figures_that_the_router_is_judged_by(places):
    found = figures(places, held_out(places))
    assert found["exact"]["large"][0] == 1.0
    assert found["exact"]["small"][0] < found["exact"]["router"][0] < 1.0
    assert found["kept"][0] == pytest.approx(found["exact"]["router"][0], abs=1e-3)
    assert found["escalated"][0] == pytest.approx(0.4, abs=0.05)
    assert found["tokens a place"] == {
        "small": 0.0,
        "large": 102.0,
        "router": pytest.approx(102 * found["escalated"][0]),
    }
    assert found["curve"][-1] == [1.0, 1.0]
    assert "| small |" in table(found, NAMES)
    assert plot(found, NAMES).startswith("<svg")


def test_an_answer_that_was_not_written_to_its_end_is_none(tmp_path):
    file = tmp_path / "answers.jsonl"
    whole = answered("small", 1, mean=-1.0, is_exact=True)
    file.write_text(json.dumps(asdict(whole)) + "\n" + json.dumps(asdict(whole))[:50])
    assert list(read(file)) == [whole]
    assert list(read(tmp_path / "none.jsonl")) == []


def test_further_places_of_a_line_begin_at_its_tokens():
    place = NameCursor(
        *("p", "a.py", 3, 4, "", "none", "", 0, "written", "statement"),
        *("    ", "\n", "total = sum(rows)"),
    )
    for later in _further(place, 1):
        assert later.before + later.rest == "    total = sum(rows)"
        assert (later.group, later.column) == ("later", len(later.before))
        assert len(later.rest) >= 3
    assert len(list(_further(place, 1))) == 3
