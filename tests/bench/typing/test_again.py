"""Rows that a replay has written down, judged once more."""

from __future__ import annotations

import json

import pytest

from bench.typing import again

_FIELDS = "side session takes kind at_ms gap_ms answer_ms cached right_chars verdict cut_chars"


def _row(kind, *, gap=300.0, answer=10.0, right=0, verdict="nothing", cut=0, session="p/a"):
    values = [kind, 0.0, gap, answer, False, right, verdict, cut]
    return ["ours", session, False, *values]


def _report(*rows):
    return {
        "row_fields": _FIELDS.split(),
        "rows": rows,
        "sides": {"ours": {}},
        "shown": {"ours": {"kept_of_cut": {"mean": 0.4, "low": 0.3, "high": 0.5}}},
    }


def test_a_right_beginning_of_a_line_saves_what_it_has():
    rows = [_row("enter", verdict="right", cut=5), *[_row("char")] * 9]
    found = again.judged_again(_report(*rows))["ours"]
    assert found.saved.mean == pytest.approx(4 / 10)
    assert found.typed_over.mean == 0.0
    assert found.kept_of_cut.mean == 0.4  # the texts are gone, so this is as it was found


def test_what_was_typed_along_has_stood_there_since_it_came():
    rows = [
        _row("char", gap=150.0, verdict="right", cut=5),
        _row("char", gap=150.0, answer=5.0, verdict="right", cut=4),
        *[_row("char")] * 6,
    ]
    seen = [row.seen_ms for row in again.rows_of(_kept(rows))]
    assert seen[:3] == [140.0, 290.0, 0.0]


def test_lines_are_counted_anew_in_each_session():
    rows = [_row("enter"), _row("char"), _row("enter"), _row("enter", session="q/b")]
    rows.append(_row("char", session="q/b"))
    found = [(row.line, row.upcoming_chars, row.package) for row in again.rows_of(_kept(rows))]
    assert found == [(0, 1, "p"), (0, 0, "p"), (1, 0, "p"), (0, 1, "q"), (0, 0, "q")]


def test_rows_of_another_replay_are_refused():
    with pytest.raises(SystemExit, match="are needed"):
        again.judged_again(_report() | {"row_fields": ["side"]})


def test_figures_are_written_where_that_is_wanted(tmp_path, monkeypatch, capsys):
    path = tmp_path / "typing.json"
    path.write_text(json.dumps(_report(*[_row("char", verdict="right", cut=5)] * 2)))
    monkeypatch.setattr(again, "RESULTS", tmp_path)
    for arguments, is_written in ((["again"], False), (["again", "--write"], True)):
        monkeypatch.setattr("sys.argv", [*arguments, "--report", "typing"])
        assert again.main() == 0
        assert ("right" in json.loads(path.read_text())["shown"]["ours"]) == is_written
    assert "characters saved" in capsys.readouterr().out


def _kept(rows):
    return [dict(zip(_FIELDS.split(), row, strict=True)) for row in rows]
