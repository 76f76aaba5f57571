from __future__ import annotations

from bench.typing import stats


def _row(at, gap, answer=None, text="", **more):
    arguments = {"side": "s", "session": "p/a", "takes": False, "kind": "char"}
    arguments |= {"upcoming_chars": 9, "at_ms": at, "gap_ms": gap, "answer_ms": answer}
    return stats.KeyResult(**(arguments | {"text": text} | more))


def test_a_key_waits_for_the_next_suggestion_and_those_at_the_end_as_long_as_they_waited():
    rows = [
        _row(0, 100),
        _row(100, 100, answer=10),  # answered with nothing
        _row(200, 100, answer=30, text="x"),
        _row(300, 500),
        _row(0, 100, answer=5, text="y", session="p/b"),
    ]
    assert stats.until(rows, suggestion=True) == [230, 130, 30, 500, 5]
    assert stats.until(rows, suggestion=False) == [110, 10, 30, 500, 5]


def test_figures_count_what_was_answered_shown_cached_and_right():
    rows = [
        _row(0, 100, answer=40, text="abc", right_chars=3),
        _row(100, 700, answer=80, text="xyz"),
        _row(800, 100, answer=90, cached=True),
        _row(900, 100),
    ]
    found = stats.figures(rows)
    assert (found["answered"], found["shown"], found["cached"]) == (0.75, 0.5, 0.3333)
    assert found["in_time_ms"] == {"p50": 40, "p95": 80}
    assert found["until_answer_of_model_ms"] == {"p50": 80, "p95": 100}
    assert (found["settled_keys"], found["settled_shown"]) == (1, 1.0)
    assert found["settled_ms"] == {"p50": 80, "p95": 80}
    assert (found["right"], found["right_of_keys"]) == (0.5, 0.25)


def test_what_is_suggested_behind_the_end_of_a_line_is_not_judged():
    rows = [_row(0, 100, answer=40, text="abc", right_chars=3)]
    rows.append(_row(100, 100, answer=40, text="abc", upcoming_chars=0))
    assert stats.figures(rows)["right"] == 1.0


def test_figures_of_no_keys_are_unknown_and_not_zero():
    found = stats.figures([])
    assert found["answered"] is None
    assert found["in_time_ms"] == {"p50": None, "p95": None}


def test_a_line_is_saved_once_from_its_first_right_suggestion_that_could_be_seen():
    rows = [
        _row(0, 100, answer=9, text="abcdef", right_chars=6, seen_ms=91),  # too short to be seen
        _row(100, 200, answer=9, text="bcdef", right_chars=5, seen_ms=282),
        _row(300, 200, answer=9, text="cdef", right_chars=4, seen_ms=473),
        _row(500, 200, answer=9, text="gh", right_chars=2, seen_ms=300, line=1),
    ]
    assert stats.could_save_chars(rows) == 4 + 1
    assert stats.saved_chars(rows) == 0


def test_accepted_characters_cost_one_key():
    rows = [_row(0, 100), _row(100, 100, kind="accept", taken_chars=12)]
    assert stats.saved_chars(rows) == 11


def test_quantiles_are_values_that_were_measured():
    assert stats.quantile([1.0, 2.0, 3.0, 4.0], 0.5) == 2.0
    assert stats.quantile([1.0, 2.0, 3.0, 4.0], 0.95) == 4.0
    assert stats.ratio(6.0, 2.0) == 3.0
    assert stats.ratio(None, 2.0) is None


def test_the_table_has_a_row_for_each_side_and_one_for_each_ratio():
    rows = [_row(0, 100, answer=40, text="abc"), _row(100, 100, answer=80, text="xyz")]
    side = {
        "typing": stats.figures(rows),
        "work": {"computed_per_key": 12.0, "reused": 0.5, "processor_seconds_per_key": None},
        "could_save": 0.25,
        "saved": None,
    }
    slow = side | {"typing": stats.figures([_row(0, 900, answer=120, text="abc")])}
    sides = {"homespun": side, "other": slow}
    found = {"other": stats.ratios(slow["typing"], side["typing"])}
    table = stats.table_rows({"sides": sides, "ratios": found})
    assert [row[0] for row in table] == ["side", "homespun", "other", "other: theirs / ours"]
    assert table[1][1:] == (
        *("40 / 80", "- / -", "40 / 80", "100 %", "0 %", "12 (50 %)", "-", "0 %"),
        "25 %; - taken",
    )
    assert table[3][:4] == ("other: theirs / ours", "3.0 / 1.5", "- / -", "3.0 / 1.5")
    assert {len(row) for row in table} == {len(stats.HEADER)}
    assert stats.markdown(table).count("\n") == 4
