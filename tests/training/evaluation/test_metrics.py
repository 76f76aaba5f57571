"""What a completion is worth, in numbers known by hand."""

from __future__ import annotations

import pytest

from homespun.training.evaluation.metrics import (
    distances,
    first_line,
    identifier_f1,
    is_exact,
    parses,
    runs_on,
    scored,
    similarity,
)


@pytest.mark.parametrize(
    ("wanted", "given", "full", "best"),
    [
        ("", "", 0, 0),
        ("abc", "abc", 0, 0),
        ("abc", "", 3, 3),
        ("", "abc", 3, 0),
        ("kitten", "sitting", 3, 2),  # "sittin" is one letter nearer
        ("abc", "abcdefgh", 5, 0),
        ("abc", "xyz", 3, 3),
        ("flaw", "lawn", 2, 1),
        ("é😋", "e😋", 1, 1),
    ],
)
def test_levenshtein_of_the_whole_and_of_the_best_beginning(wanted, given, full, best):
    assert distances(wanted, given) == (full, best)


def test_similarity_is_one_minus_distance_over_the_longer_text():
    assert similarity("kitten", "sitting") == pytest.approx(1 - 3 / 7)
    assert similarity("", "") == 1.0
    assert similarity("a", "") == 0.0


@pytest.mark.parametrize(
    ("wanted", "given", "f1"),
    [
        ("return total(items)", "return total(items)", 1.0),
        ("return total(items)", "return total(rows)", 0.5),
        ("a + a", "a", 2 / 3),  # each as often as it stands there
        ("return None", "return None", 1.0),  # words of the language alone
        ("x = 1", "return None", 0.0),
    ],
)
def test_identifier_f1_counts_names_and_no_keywords(wanted, given, f1):
    assert identifier_f1(wanted, given) == pytest.approx(f1)


def test_white_space_at_line_ends_does_not_count_and_indentation_does():
    assert is_exact("a = 1  \nb = 2\n", "a = 1\nb = 2")
    assert not is_exact("    a = 1", "a = 1")
    assert first_line("\n  a = 1 \n  b") == "  a = 1"


def test_a_completion_that_goes_on_is_told_from_one_that_is_wrong():
    long = scored("x = 1", "x = 1\nprint(x)\n", "block")
    assert (long.exact_line, long.exact, long.overrun, long.runs_on) == (True, False, 9, True)
    wrong = scored("x = 1", "y = 2", "newline")
    assert (wrong.exact_line, wrong.overrun, wrong.runs_on) == (False, 0, False)
    assert runs_on("abc", 0, 0, "length")
    assert not scored("x = 1", "x = 1", "length").stopped


def test_a_score_has_the_ratio_of_the_lengths():
    assert scored("abcd", "ab", "newline").length_ratio == 0.5
    assert scored("", "ab", "newline").length_ratio == 2.0


@pytest.mark.parametrize(
    ("text", "language", "verdict"),
    [
        ("x = 1\n", "python", True),
        ("x = (1\n", "python", False),
        ("x = '\\d'\n", "python", True),  # a warning is no error
        ("let x = 1;", "javascript", True),
        ("let x = ;", "javascript", False),
        ("anything", "klingon", None),
    ],
)
def test_a_document_parses_or_not_or_nobody_knows(text, language, verdict):
    assert parses(text, language) is verdict
