from __future__ import annotations

import pytest

from bench.typing import judge
from bench.typing.judge import JudgedKey, Judgement


@pytest.mark.parametrize(
    ("suggestion", "coming", "verdict", "cut"),
    [
        ("value)", "value)\n    return", "right", 6),
        ("value", "value)\n    return", "right", 5),  # shorter, and all of it is right
        ("val", "value)\n", "wrong", 0),  # a word is cut in two
        ("value)\n    return", "value)\n    return x", "right", 17),
        ("value)\n    raise", "value)\n    return", "cut", 6),
        ("a, b, c)", "a, b, d)", "cut", 4),
        ("a, b)", "ab, b)", "wrong", 0),
        ('"x, y", b)', '"x, z", b)', "wrong", 0),  # within a string nothing ends
        ("total = 1", "total = 2", "wrong", 0),
        ("# more", "\n    return", "wrong", 0),  # the line is finished
        ("\n    return", "\n    return 1", "right", 11),
        ("x", "", "unjudged", 0),
        ("", "x", "nothing", 0),
    ],
)
def test_a_suggestion_is_right_right_up_to_a_cut_or_wrong(suggestion, coming, verdict, cut):
    found = judge.judged(suggestion, coming)
    assert (found.verdict, found.cut_chars) == (verdict, cut)


def _key(verdict, gap=300.0, answer=100.0, **more):
    chars = {"right": 6, "cut": 6, "wrong": 6}.get(verdict, 0)
    right = 6 if verdict == "right" else 0
    cut = {"right": 6, "cut": 3}.get(verdict, 0)
    arguments = {"package": "p", "session": "p/a", "line": 0, "gap_ms": gap, "upcoming_chars": 9}
    arguments |= {"judgement": Judgement(verdict, chars, right, cut), "answer_ms": answer}
    return JudgedKey(**(arguments | more))


def test_shares_are_of_what_is_shown_and_keys_served_of_all():
    keys = [_key("right"), _key("cut"), _key("wrong"), _key("unjudged"), _key("nothing")]
    keys += [_key("right", answer=None)]  # came too late to be seen at all
    found = judge.shown_figures(keys)
    assert found.right.mean == pytest.approx(1 / 3)
    assert found.right_or_cut.mean == pytest.approx(2 / 3)
    assert found.kept_of_cut.mean == pytest.approx(0.5)
    assert found.served.mean == pytest.approx(1 / 6)
    assert found.shown_per_hundred.mean == pytest.approx(100 * 4 / 6)


def test_the_first_right_one_that_could_be_seen_saves_a_line_once():
    keys = [
        _key("right", gap=150.0),  # 50 ms: gone before anybody saw it
        _key("right", gap=300.0),
        _key("right", gap=300.0),
        _key("right", gap=100.0, answer=5.0, carried_ms=195.0, line=1, upcoming_chars=4),
    ]
    assert judge.saved_chars_by_key(keys) == [0.0, 5.0, 0.0, 3.0]
    assert judge.shown_figures(keys).typed_over.mean == pytest.approx(1 / 4)


def test_intervals_draw_whole_packages_and_one_package_has_none():
    keys = [_key("right", package=name) for name in "ab"] + [_key("wrong", package="c")]
    found = judge.shown_figures(keys).right
    assert found.low < found.mean < found.high
    row = judge.table({"s": judge.shown_figures([_key("right")])})[1]
    assert row[2] == "1.00"
