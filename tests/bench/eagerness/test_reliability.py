"""The drawing of what is said and what comes true, and what counts as true."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from bench.eagerness import reliability, run
from bench.eagerness.reliability import drawn, is_right
from bench.typing.judge import JudgedKey, Judgement

SVG = "{http://www.w3.org/2000/svg}"
CORNERS = [(46.0, 366.0), (366.0, 46.0)]  # of the square: nothing and all


@pytest.mark.parametrize(
    ("text", "upcoming", "expected"),
    [
        ("value", "value)\n", True),
        ("val", "value)\n", False),  # a word is cut in two
        ("value.", "value.name", True),
        ("valve", "value)\n", False),
    ],
)
def test_a_text_is_right_where_the_author_goes_on_with_it_and_no_word_is_cut(
    text, upcoming, expected
):
    assert is_right(text, upcoming) is expected


def test_what_is_said_goes_across_and_what_comes_true_goes_up():
    root = ElementTree.fromstring(drawn([(0.0, 0.0), (0.5, 0.25), (1.0, 1.0)]))
    expected = [CORNERS[0], (206.0, 286.0), CORNERS[1]]
    dots = [(float(dot.get("cx")), float(dot.get("cy"))) for dot in root.iter(f"{SVG}circle")]
    assert dots == expected
    (joined,) = root.iter(f"{SVG}polyline")
    points = [tuple(map(float, point.split(","))) for point in joined.get("points").split()]
    assert points == expected


def test_the_line_on_which_both_are_the_same_goes_from_corner_to_corner():
    root = ElementTree.fromstring(drawn([]))
    (line,) = root.iter(f"{SVG}line")
    ends = [tuple(float(line.get(f"{axis}{end}")) for axis in "xy") for end in (1, 2)]
    assert ends == CORNERS


def test_a_title_is_text_and_no_mark_up():
    root = ElementTree.fromstring(drawn([], title="<b> & c"))
    assert "<b> & c" in [node.text for node in root.iter(f"{SVG}text")]


def _key(upcoming_chars, right_chars, *, seen_ms=500.0, is_typed=True, line=0):
    return JudgedKey(
        *("p", "p/a", line, seen_ms, upcoming_chars),
        judgement=Judgement("right" if right_chars else "wrong", 9, right_chars, right_chars),
        answer_ms=0.0,
        is_typed=is_typed,
    )


def test_who_takes_every_right_one_pays_a_key_for_each_and_types_nothing_twice():
    first, meanwhile, rest = _key(20, 8), _key(15, 8), _key(12, 12)
    assert run._saved_again([first, meanwhile, rest]) == round((7 + 11) / 3, 4)
    assert run._saved_again([first, rest, _key(20, 8, line=1)]) == round((7 + 11 + 7) / 3, 4)


def test_what_is_gone_before_it_is_seen_and_a_key_for_a_key_save_nothing():
    keys = [_key(20, 8, seen_ms=100.0), _key(20, 1), _key(9, 0), _key(8, 8, is_typed=False)]
    assert run._saved_again(keys) == round(7 / 3, 4)


def test_few_suggestions_are_off_by_chance_however_true_what_is_said_is():
    chance = np.random.default_rng(1)
    said = chance.uniform(0.5, 1.0, 4000)
    right = (chance.random(4000) < said).astype(float)
    few = reliability.calibration(said[:40].tolist(), right[:40].tolist(), ["a", "b"] * 20)
    many = reliability.calibration(said.tolist(), right.tolist(), ["a", "b"] * 2000)
    assert few["by_chance"] > 0.06 > 0.02 > many["by_chance"] > 0.0
    assert many["calibration_error"] < 0.03
    assert many["said"] == pytest.approx(many["right"], abs=0.02)


def test_what_is_off_by_more_than_chance_is_seen():
    found = reliability.calibration([0.6] * 500, [1.0] * 500, ["a", "b"] * 250)
    assert found["calibration_error"] == pytest.approx(0.4)
    assert found["by_chance"] < 0.1
