from __future__ import annotations

from dataclasses import replace

import pytest

from bench.common import plot
from bench.typing import judge
from bench.typing.judge import JudgedKey, Judgement
from bench.typing.stats import KeyResult


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
        (r'"a\", b', r'"a\", c', "wrong", 0),  # nor behind a quote that does not end it
        ("lambda: one", "lambda: two", "cut", 7),
        ("value\n    raise", "value\n    return", "cut", 5),
        ("  \n    raise", "  \n    return", "wrong", 0),  # blanks alone say nothing
        ("# more", "\n    return", "wrong", 0),  # the line is finished
        ("\n    return", "\n    return 1", "right", 11),
        ("x", "", "unjudged", 0),
        ("", "x", "nothing", 0),
    ],
)
def test_a_suggestion_is_right_right_up_to_a_cut_or_wrong(suggestion, coming, verdict, cut):
    found = judge.judged(suggestion, coming)
    assert (found.verdict, found.cut_chars) == (verdict, cut)


@pytest.mark.parametrize(
    ("suggestion", "coming", "chars"),
    [
        ("value", "value)\n", 5),  # right, but not up to the line's end
        ("value)\n    raise", "value)\n    return", 6),  # its first line
        ("value)\n    return", "value)\n    return x", 17),
        ("a, b, c)", "a, b, d)", 0),
    ],
)
def test_what_may_be_taken_is_what_is_right_or_its_first_line(suggestion, coming, chars):
    assert judge.judged(suggestion, coming).right_chars == chars


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
        _key("right", gap=250.0),  # 150 ms: gone before anybody saw it
        _key("right", gap=300.0, upcoming_chars=1),  # a key for a key
        _key("right", gap=300.0),
        _key("right", gap=300.0),
        _key("right", gap=100.0, answer=5.0, carried_ms=195.0, line=1, upcoming_chars=4),
        _key("right", gap=150.0, line=2),
    ]
    assert judge.saved_chars_by_key(keys) == [0.0, 0.0, 5.0, 0.0, 3.0, 0.0]
    assert judge.shown_figures(keys).typed_over.mean == pytest.approx(2 / 6)


def test_an_indentation_that_is_put_right_is_no_typed_character():
    keys = [_key("right"), _key("nothing"), _key("nothing", is_typed=False)]
    assert judge.shown_figures(keys).saved.mean == pytest.approx(5 / 2)


def test_a_key_of_the_replay_is_judged_by_what_was_timed_there():
    row = KeyResult(
        *("ours", "p/a", False, "char"),
        at_ms=0.0,
        gap_ms=300.0,
        upcoming_chars=9,
        answer_ms=100.0,
        text="value  ",
        right_chars=5,
        seen_ms=450.0,
        package="p",
        verdict="right",
        cut_chars=5,
    )
    key = judge.judged_key(row)
    assert (key.judgement, key.seen_ms, key.is_typed) == (Judgement("right", 5, 5, 5), 450.0, True)
    never_right = judge.judged_key(replace(row, verdict="wrong", right_chars=0, seen_ms=0.0))
    assert never_right.seen_ms == 200.0  # it stood there all the same
    assert not judge.judged_key(replace(row, kind="indent")).is_typed
    assert not judge.judged_key(replace(row, answer_ms=None)).is_shown


def test_what_is_right_of_a_key_counts_though_its_line_goes_on():
    row = KeyResult("ours", "p/a", False, "char", 0.0, 300.0, 9, cut_chars=5)
    kept = {
        verdict: judge.judged_key(replace(row, verdict=verdict)).judgement.right_chars
        for verdict in ("right", "cut")
    }
    assert kept == {"right": 5, "cut": 0}


def test_the_frontier_has_what_is_served_across_and_what_is_right_up():
    keys = [_key("right"), _key("right"), *[_key("nothing")] * 6]
    drawing = judge.frontier_drawing({"a": [judge.shown_figures(keys)]}, title="t")
    same = plot.frontier(
        {"a": [(0.25, 1.0)]},
        across="share of keys behind which a right suggestion stood",
        up="share of the shown suggestions that are right",
        title="t",
    )
    assert drawing == same


def test_intervals_draw_whole_packages_and_one_package_has_none():
    keys = [_key("right", package=name) for name in "ab"] + [_key("wrong", package="c")]
    found = judge.shown_figures(keys).right
    assert found.low < found.mean < found.high
    keys += [_key("nothing", package="c")]
    shown = judge.shown_figures(keys).shown_per_hundred
    assert 1 < shown.low < shown.mean < shown.high <= 100
    row = judge.table({"s": judge.shown_figures([_key("right")])})[1]
    assert row[2] == "1.00"
