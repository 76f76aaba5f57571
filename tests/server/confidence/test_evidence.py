"""Which tokens belong to a beginning of a suggestion, and what else speaks for it."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from homespun.models.types import Generation
from homespun.server.confidence.cuts import Cut, cuts
from homespun.server.confidence.earlier import Earlier, Predecessors
from homespun.server.confidence.evidence import (
    FEATURES,
    EvidenceMissing,
    raw_places,
    rows_of,
    tokens_up_to,
)
from homespun.server.confidence.suggestion import WrittenSuggestion
from homespun.server.prompt.cursor import Cursor
from homespun.server.prompt.render import Snippet


def generation(pieces, *, logprobs=None, raw=None, heal=""):
    """A generation of these tokens' texts; the first of them may begin with `heal`."""
    whole, ends = "", []
    for piece in pieces:
        whole += piece
        ends.append(max(len(whole) - len(heal), 0))
    logprobs = logprobs or [-0.1] * len(pieces)
    return Generation(
        text=whole[len(heal) :] if raw is None else raw,
        token_ids=tuple(range(len(pieces))),
        finish="stop",
        stop_reason="newline",
        logprob=math.fsum(logprobs),
        **dict.fromkeys(("prompt_tokens", "reused_tokens", "drafted_tokens"), 0),
        accepted_tokens=0,
        prefill_ms=0.0,
        decode_ms=0.0,
        token_logprobs=tuple(logprobs),
        token_margins=(2.0,) * len(pieces),
        token_entropies=(0.5,) * len(pieces),
        token_ends=tuple(ends),
    )


def suggestion(text, done, *, before="value = ", after="\n", snippets=(), **others):
    cursor = Cursor(before, after)
    known = {"language": "python", "is_block": False, "model": "m", "heal": ""} | others
    return WrittenSuggestion(text, done, cursor=cursor, snippets=snippets, **known)


def row_of(suggested, end, kind="whole"):
    [row] = rows_of(suggested, [Cut(end, kind)], Earlier())
    return dict(zip(FEATURES, row, strict=True))


def test_a_beginning_has_the_tokens_that_it_took_to_write_it():
    done = generation(["open", "(path", ", ", "mode", ")"], logprobs=[-1.0, -2.0, -3.0, -4.0, -5.0])
    row = row_of(suggestion("open(path, mode)", done), len("open(path"), "argument")
    assert (row["sum"], row["least"], row["last"]) == (-3.0, -2.0, -2.0)
    assert row["next"] == -3.0


def test_the_token_that_a_cut_goes_through_belongs_to_the_beginning():
    assert tokens_up_to([4, 10, 12], 5) == 2


def test_what_heals_a_word_is_none_of_the_text():
    done = generation(["conn", "ect", "()"], logprobs=[-1.0, -2.0, -4.0], heal="conn")
    assert done.text == "ect()"
    row = row_of(suggestion("ect()", done, heal="conn", before="self.conn"), len("ect"))
    assert row["sum"] == -3.0  # the healed token and the one behind it


def test_a_stop_rule_that_cuts_inside_a_token_leaves_the_map_as_it_was():
    done = generation(["return", " one", "\n\n"], logprobs=[-1.0, -1.0, -9.0], raw="return one")
    assert row_of(suggestion("return one", done), len("return one"))["sum"] == -2.0


def test_indentation_that_the_rules_took_away_moves_no_token():
    raw = "    if one:\n        two()"
    text = "if one:\n    two()"
    assert raw_places(text, raw, [7, len(text)]) == [11, len(raw)]
    done = generation(["    ", "if", " one", ":"], logprobs=[-1.0, -2.0, -4.0, -8.0])
    assert row_of(suggestion("if one:", done), len("if"), "operand")["sum"] == -3.0


def test_a_text_that_is_not_the_models_has_no_evidence():
    for written in ("model", "another"):
        with pytest.raises(EvidenceMissing):
            raw_places("other", written, [5])


def test_a_server_that_tells_nothing_of_its_tokens_gives_no_evidence():
    done = generation(["one"])
    silent = Generation(
        **{name: getattr(done, name) for name in Generation.__slots__} | {"token_margins": ()}
    )
    with pytest.raises(EvidenceMissing):
        rows_of(suggestion("one", silent), [Cut(3, "whole")], Earlier())


def test_every_cut_has_a_row_of_all_features():
    text = "open(path, mode)"
    suggested = suggestion(text, generation([text]))
    ends = cuts(text, "value = ", "python")
    rows = rows_of(suggested, ends, Earlier())
    assert [len(row) for row in rows] == [len(FEATURES)] * len(ends)
    assert all(math.isfinite(value) for row in rows for value in row)


def told(done):
    """Let a generation of four tokens tell of each something else."""
    return replace(
        done,
        token_logprobs=(-0.02, -13.0, -0.5, -2.0),
        token_margins=(20.0, 1.0, 3.0, 0.5),
        token_entropies=(0.1, 0.9, 0.3, 1.2),
    )


def test_a_beginning_is_as_sure_as_its_tokens_and_a_single_one_says_no_more_than_it_may():
    done = told(generation(["open", "(path", ", mode", ")"]))
    row = row_of(suggestion("open(path, mode)", done), len("open(path"), "argument")
    assert {name: round(row[name], 6) for name in FEATURES[:13]} == {
        **{"sum": -12.02, "mean": -6.01, "least": -12.0, "first": -0.02, "last": -12.0},
        **{"log tokens": round(math.log(3), 6), "sure": 0.5, "first margin": 12.0},
        **{"least margin": 1.0, "first entropy": 0.1, "most entropy": 0.9, "mean entropy": 0.5},
        "next": -0.5,
    }
    whole = row_of(suggestion("open(path, mode)", done), len("open(path, mode)"))
    assert (whole["last"], whole["least margin"], whole["next"]) == (-2.0, 0.5, 0.0)


def test_a_cut_has_its_kind_its_length_and_its_share_of_the_whole():
    text = "if (one\n    and two) go"
    suggested = suggestion(text, generation([text]), is_block=True)
    row = row_of(suggested, len("if (one"), "line")
    assert {name: row[name] for name in ("cut line", "cut whole", "block", "lines", "opened")} == {
        **{"cut line": 1.0, "cut whole": 0.0, "block": 1.0},
        **{"lines": 0, "opened": 1.0},
    }
    assert row["log chars"] == math.log1p(len("if (one"))
    assert row["share"] == len("if (one") / len(text)
    assert row_of(suggested, len(text))["lines"] == 1


def test_the_cursor_s_line_and_what_is_around_it_is_told():
    before, after = "def f():\n    value = ge", "\n    return value\n"
    row = row_of(suggestion("t", generation(["t"]), before=before, after=after, language="go"), 1)
    assert (row["typed"], row["half word"]) == (math.log1p(len("value = ge")), 2.0)
    assert (row["depth"], row["right"], row["goes on below"]) == (4.0, 0.0, 1.0)
    assert (row["language braces"], row["language python"]) == (1.0, 0.0)
    ended = row_of(suggestion("t", generation(["t"]), before=before, after="\nreturn\n"), 1)
    assert (ended["goes on below"], ended["language python"]) == (0.0, 1.0)
    closed = row_of(suggestion("t", generation(["t"]), before=before, after=") :\n"), 1)
    assert closed["right"] == len(") :")


@pytest.mark.parametrize(
    ("before", "comment", "string"),
    [("x = 1  # it's ", 1, 0), ("print('it\\'s ", 0, 1), ("print('it', ", 0, 0)],
)
def test_a_quote_in_a_comment_opens_no_string_and_one_that_is_escaped_ends_none(
    before, comment, string
):
    row = row_of(suggestion("one", generation(["one"]), before=before), 3)
    assert (row["comment"], row["string"]) == (comment, string)


def test_only_the_words_up_to_a_cut_count():
    text = "first_known_name(another_unknown_one)"
    known = Snippet("a.py", 1, 1, "first_known_name(", 0.7, "usage")
    other = Snippet("b.py", 1, 1, "nothing", 0.2, "usage")
    suggested = suggestion(text, generation([text]), snippets=(known, other))
    part = row_of(suggested, len("first_known_name"), "operand")
    whole = row_of(suggested, len(text))
    assert (part["names"], part["names known"], part["in snippets"]) == (1, 1.0, 1.0)
    assert (whole["names"], whole["names known"], whole["in snippets"]) == (2, 0.5, 0.5)
    assert part["copied"] == 1.0 > whole["copied"]
    assert (part["score"], part["snippet usage"]) == (0.7, 2.0)


def test_a_text_without_names_has_none_that_is_unknown():
    row = row_of(suggestion("1, 2", generation(["1, 2"])), 4)
    assert (row["names"], row["names known"], row["in snippets"]) == (0, 1.0, 0.0)


def test_what_stands_far_above_is_not_looked_at():
    far = "compute_total(order_lines)\n" + "x = 1\n" * 2_000
    text = "compute_total(order_lines)"
    row = row_of(suggestion(text, generation([text]), before=far + "value = "), len(text))
    assert (row["repeated"], row["names known"]) == (0.0, 0.0)


def test_what_was_retrieved_and_what_stands_there_is_told_apart():
    text = "compute_total(order_lines)"
    snippet = Snippet("a.py", 1, 1, "def compute_total(order_lines):", 0.7, "definition")
    copied = row_of(suggestion(text, generation([text]), snippets=(snippet,)), len(text))
    there = row_of(suggestion(text, generation([text]), before=text + "\nvalue = "), len(text))
    unknown = row_of(suggestion(text, generation([text])), len(text))
    assert copied["copied"] > 0.8 > copied["repeated"]
    assert there["repeated"] > 0.8 > there["copied"]
    assert (copied["names known"], there["names known"], unknown["names known"]) == (1, 1, 0)
    assert (copied["in snippets"], copied["score"], copied["snippet definition"]) == (1, 0.7, 1)


@pytest.mark.parametrize(
    ("before", "feature"),
    [
        ("x = 1  # so ", "comment"),
        ("print('", "string"),
        ("self.", "place member"),
        ("call(", "place argument"),
    ],
)
def test_the_kind_of_place_is_told(before, feature):
    assert row_of(suggestion("one", generation(["one"]), before=before), 3)[feature] == 1


def test_what_was_typed_along_speaks_for_the_next_answer():
    answers = Predecessors()
    assert answers.of("x = ", "compute(one)") == Earlier()
    assert answers.of("x = com", "pute(one)") == Earlier(3.0, 0.0, is_same=True)
    assert answers.of("x = comp", "ile(two)") == Earlier(4.0, 0.0, is_same=False)


def test_what_was_typed_along_in_full_and_more_speaks_for_the_next_answer():
    answers = Predecessors()
    answers.of("x = ", "one")
    assert answers.of("x = one + ", "two") == Earlier(3.0, 0.0, is_same=False)


def test_neither_for_nor_against_an_answer_more_is_said_than_counts():
    answers = Predecessors()
    answers.of("", "a" * 100)
    assert answers.of("a" * 60, "a" * 40).agreed == 40.0
    wrong = Predecessors()
    for typed in range(7):
        known = wrong.of("b" * typed, "a")
    assert known.refuted == 4.0


def test_what_was_typed_over_speaks_against_it_until_it_is_right_again():
    answers = Predecessors()
    answers.of("x = ", "one")
    assert answers.of("x = t", "en") == Earlier(0.0, 1.0)
    assert answers.of("x = tw", "elve_months") == Earlier(0.0, 2.0)
    assert answers.of("x = twel", "ve_months") == Earlier(2.0, 2.0, is_same=True)
    assert answers.of("x = twelve", "_months") == Earlier(4.0, 0.0, is_same=True)


def test_another_place_knows_nothing_of_the_one_before():
    answers = Predecessors()
    answers.of("x = ", "one")
    assert answers.of("y = ", "one") == Earlier()


def test_a_second_answer_at_a_place_is_no_successor_of_the_first():
    answers = Predecessors()
    answers.of("x = ", "one")
    answers.of("x = ", "two")
    assert answers.of("x = o", "ne").is_same
