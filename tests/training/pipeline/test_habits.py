"""Where a habit's form is decided: what is typed already, and what the document still shows."""

from __future__ import annotations

import pytest

from homespun.training.pipeline.habits import habit_places
from homespun.training.probes.pairs import Probe


def pair(house, alt, **kept):
    prefix, suffix = "a: Optional[int]\n\n", "\nz = 1\nb: Optional[int]\n"
    return Probe("python/optional", "s.py", "python", prefix, house, alt, suffix, **kept)


@pytest.mark.parametrize(
    ("house", "alt", "typed"),
    [
        ("x: int | None = f()", "x: Optional[int] = f()", "x: "),
        ("def f(a) -> None:", "def f(a):", "def f(a)"),
        ('"""Return it."""', '"""Return it"""', '"""Return it'),
        ("items = list_of(x)", "items = lists(x)", "items = "),
        ("assert a == b", "self.assertEqual(a, b)", ""),
    ],
)
def test_the_cursor_stands_where_the_forms_part_and_in_no_word(house, alt, typed):
    (place,) = habit_places([pair(house, alt)], "shop")
    example = place.item.example
    assert example.prefix.endswith("\n" + typed)
    assert typed + example.middle == house
    assert place.head[place.start :] == typed


def test_the_document_is_cut_where_it_shows_the_habit_but_is_whole_for_the_miner():
    cut = pair("x: int | None", "x: Optional[int]", unseen_from=17, unseen_to=7)
    (place,) = habit_places([cut], "shop")
    example = place.item.example
    assert (example.prefix, example.suffix) == ("\nx: ", "\nz = 1\n")
    assert place.head == cut.prefix + "x: "
    assert place.tail == cut.suffix


def test_places_of_one_commit_stand_side_by_side_and_know_what_was_there_before_it():
    pairs = [
        pair("x: int | None", "x: Optional[int]", line=n, commit=commit, parent=f"p{commit}")
        for n, commit in enumerate("abab")
    ]
    found = habit_places(pairs, "shop")
    assert [place.item.example.commit for place in found] == ["a", "a", "b", "b"]
    assert found[2].item.parent == "pb"
    assert len({place.item.id for place in found}) == 4


def test_a_module_has_no_name_in_the_rule_of_a_place():
    known = Probe(
        "python/import-of:secret", "s.py", "python", "", "import a", "from a import b", ""
    )
    (place,) = habit_places([known], "shop")
    assert place.rule == "python/import-of"
