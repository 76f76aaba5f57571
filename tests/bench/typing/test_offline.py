from __future__ import annotations

import json
from dataclasses import asdict, replace

import pytest

from bench.completion.router.ask import RecordingGenerator
from bench.typing import offline
from bench.typing.judge import shown_figures
from bench.typing.sessions import Key, Session
from homespun.models.fakes import FakeGenerator
from homespun.server.completion.completer import Completer
from homespun.server.options import CompletionOptions

_LINE = "value = first + 1"


def _session(gap_ms=400.0):
    keys = [Key("enter", "\n    ", 0, 0, gap_ms)]
    keys += [Key("char", char, 0, 0, gap_ms) for char in _LINE]
    before = "def work(first):\n    other = 2"
    return Session("p", "a.py", 2, before, "\n    return value\n", f"\n    {_LINE}", tuple(keys))


def _rows(script, **more):
    generator = RecordingGenerator(FakeGenerator(script, context_tokens=8192))
    completer = Completer(generator, None, CompletionOptions())
    return list(offline.retype(_session(), completer, generator, **more))


def test_a_row_holds_what_was_said_what_was_typed_and_how_right_it_was():
    rows = _rows(lambda prompt: f"{_LINE}\n")
    assert [row.key for row in rows] == list(range(len(_LINE) + 1))
    first = rows[0]
    assert (first.text, first.verdict, first.right_chars) == (_LINE, "right", len(_LINE))
    assert (first.before_line, first.upcoming_chars) == ("    ", len(_LINE))
    assert first.upcoming == f"{_LINE}\n    return value\n"
    assert first.token_logprobs and first.prompt_tokens
    assert all(row.cached and row.fresh is None for row in rows[1 : len(_LINE)])


def test_the_model_is_asked_at_each_key_where_that_is_wanted():
    rows = _rows(lambda prompt: f"{_LINE}\n", every_key=True)
    assert all(row.fresh is not None for row in rows)
    assert all(row.cached for row in rows[1 : len(_LINE)])


def test_rows_survive_the_file_and_a_line_that_was_broken_off_is_none(tmp_path):
    rows = _rows(lambda prompt: f"{_LINE}\n")
    file = tmp_path / "rows.jsonl"
    lines = [json.dumps(asdict(row)) for row in rows]
    file.write_text("\n".join(lines) + "\n" + lines[0][:40], encoding="utf-8")
    assert list(offline.read(file)) == rows
    assert list(offline.read(tmp_path / "none.jsonl")) == []


def test_an_answer_that_takes_longer_than_the_next_key_is_not_shown():
    rows = _rows(lambda prompt: f"{_LINE}\n")
    (first, *_) = offline.judged_keys(rows, delay_ms=150.0)
    assert first.is_shown
    (late, *_) = offline.judged_keys(rows, delay_ms=500.0)
    assert not late.is_shown


def test_what_a_rule_hides_is_asked_about_again_at_the_next_key_and_what_it_shows_stays():
    rows = _rows(lambda prompt: f"{_LINE}\n", every_key=True)
    hidden = offline.displayed(rows, lambda row: "")
    assert not any(key.is_shown for key in hidden)
    answers = [replace(row, fresh=_LINE[row.key :]) for row in rows]
    asked = []

    def from_the_third(row):
        asked.append(row.key)
        return row.fresh if row.key >= 2 else ""

    found = offline.displayed(answers, from_the_third)
    assert asked == [0, 1, 2, len(_LINE)]
    assert [key.is_shown for key in found] == [False, False, *[True] * (len(_LINE) - 2), False]
    assert shown_figures(found).right.mean == 1.0


def test_a_rule_needs_a_fresh_answer_and_says_how_to_get_one():
    rows = _rows(lambda prompt: f"{_LINE}\n")
    with pytest.raises(ValueError, match="--every-key"):
        offline.displayed(rows, lambda row: "")


def test_a_stricter_threshold_shows_less():
    rows = [
        replace(
            row, fresh=_LINE[row.key :] if row.key % 2 else "wrong()", token_logprobs=[-logprob]
        )
        for logprob, row in enumerate(_rows(lambda prompt: f"{_LINE}\n", every_key=True))
    ]
    figures = offline.frontier_figures(rows, offline.mean_logprob)
    shown = [each.shown_per_hundred.mean for each in figures]
    assert shown[0] > shown[-1]
    assert figures[0].right.mean < 1.0
