from __future__ import annotations

from dataclasses import replace

import pytest

from bench.typing import replay
from bench.typing.client import ScreenAnswer
from bench.typing.sessions import Key, Session
from bench.typing.stats import KeyResult

_TARGET = "\n    value = 1\n    return value"


def _session(gap_ms):
    keys = []
    for number, line in enumerate(_TARGET.removeprefix("\n").split("\n")):
        keys.append(Key("enter", "\n    ", 0, number, gap_ms))
        keys += [Key("char", char, 0, number, gap_ms) for char in line.strip()]
    return Session("p", "a.py", 1, "def f():", "\n", _TARGET, tuple(keys))


class _Side:
    """Answers each key after a delay, with what `answer` makes of the text typed so far.

    It also is the clock.
    """

    name = "fake"

    def __init__(self, answer, *, delay=0.01):
        self.pressed, self.calls, self.now = [], [], 0.0
        self._answer, self._delay, self._due = answer, delay, 0.0

    def begin(self, session):
        self.calls.append("begin")

    def press(self, edit):
        self.pressed.append(edit)
        self._due = self.now + self._delay

    def answers(self, until):
        text = self._answer(self.pressed[-1].before.removeprefix("def f():"))
        if text is not None and self.now <= self._due < until:
            self.now = self._due
            yield ScreenAnswer(self.now, text)
        self.now = until

    def accepted(self):
        self.calls.append("accepted")

    def end(self):
        self.calls.append("end")


def _replay(side, gap_ms, **more):
    arguments = {"probability": 0.0, "seed": 1, "clock": lambda: side.now} | more
    return replay.replay(side, _session(gap_ms), **arguments)


def _rest(typed):
    return _TARGET[len(typed) :].split("\n")[0]


def test_every_key_reaches_the_side_and_the_document_is_whole_in_the_end():
    side = _Side(lambda typed: "")
    rows = _replay(side, 100.0)
    assert [row.kind for row in rows] == [key.kind for key in _session(1.0).keys]
    assert [row.at_ms for row in rows] == pytest.approx([100.0 * n for n in range(len(rows))])
    assert side.pressed[-1].before == "def f():" + _TARGET
    assert side.calls == ["begin", "end"]
    assert all(row.answer_ms is not None and not row.shown for row in rows)


@pytest.mark.parametrize("more", ["", "\n    wrong()"], ids=["whole", "first line"])
def test_what_is_right_of_a_suggestion_is_taken_and_typing_goes_on_behind_it(more):
    side = _Side(lambda typed: (rest := _rest(typed)) and rest + more)
    rows = _replay(side, 300.0, probability=1.0)
    assert [row.kind for row in rows] == ["enter", "accept", "enter", "accept"]
    assert [row.taken_chars for row in rows] == [0, 9, 0, 12]
    assert [edit.insert for edit in side.pressed[1::2]] == ["value = 1", "return value"]
    assert side.calls == ["begin", "accepted", "accepted", "end"]


def test_a_suggestion_is_taken_only_when_it_has_stood_there_for_a_while():
    rows = _replay(_Side(_rest), 100.0, probability=1.0)
    assert [row.kind for row in rows[:4]] == ["enter", "char", "char", "accept"]
    assert [round(row.seen_ms) for row in rows[:3]] == [90, 190, 290]


def test_a_right_beginning_of_a_line_has_been_seen_and_is_not_taken():
    side = _Side(lambda typed: "value" if typed == "\n    " else "")
    first, *_ = rows = _replay(side, 300.0, probability=1.0)
    assert (first.verdict, round(first.seen_ms)) == ("right", 290)
    assert not [row for row in rows if row.kind == "accept"]


def test_what_comes_after_the_next_key_is_not_an_answer(monkeypatch):
    monkeypatch.setattr(replay, "_LAST_SECONDS", 0.04)
    rows = _replay(_Side(lambda typed: "late", delay=0.05), 20.0)
    assert all(row.answer_ms is None and not row.shown for row in rows)


def test_a_suggestion_that_was_away_for_long_is_seen_anew():
    side = _Side(_rest, delay=0.15)
    rows = _replay(side, 200.0)
    assert {round(row.seen_ms) for row in rows if row.right_chars} == {50}


def test_the_last_answer_of_a_session_is_waited_for():
    side = _Side(lambda typed: "x", delay=5.0)
    rows = _replay(side, 100.0)
    assert (rows[-1].text, round(rows[-1].answer_ms)) == ("x", 5000)
    assert rows[-2].answer_ms is None
    assert rows[-1].gap_ms == pytest.approx(5000.0)


def _said(probability, verdict, *, cached=False):
    row = KeyResult("ours", "s", False, "char", 0.0, 100.0, 9, package="p")
    return replace(row, probability=probability, verdict=verdict, cached=cached)


def test_what_is_said_of_what_comes_up_is_held_against_what_comes_true():
    rows = [_said(0.9, "right"), _said(0.9, "cut"), _said(0.9, "wrong"), _said(0.9, "right")]
    rows += [_said(0.9, "right", cached=True), _said(0.9, "unjudged"), _said(None, "right")]
    found = replay.calibration_of(rows)
    assert (found["suggestions"], found["said"], found["right"]) == (4, 0.9, 0.5)


def test_the_side_that_says_nothing_has_no_calibration():
    assert replay.calibration_of([_said(None, "right")]) == {"suggestions": 0}
