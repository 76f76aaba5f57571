"""What is left of an accepted text after edits, by the clock."""

from __future__ import annotations

import pytest

from homespun.server.acceptance.survival import Followed, Kept
from homespun.server.lsp.edits import TextChange, whole


class Page:
    """A document in which a text was accepted at the bar."""

    def __init__(self, document, accepted):
        start = document.index("¦")
        self.text = document.replace("¦", accepted)
        self.followed = Followed()
        self.followed.accepted(start, accepted, 0.0)

    def replace(self, old, new):
        """Edit the first place where `old` stands, as one replacement."""
        start = self.text.index(old)
        self.text = self.text.replace(old, new, 1)
        self.followed.apply(TextChange(start, old, new).refined())

    def become(self, text):
        """Replace the whole document."""
        change = TextChange(0, self.text, text)
        self.text = text
        self.followed.apply(change.refined())

    @property
    def stands(self):
        return self.followed.measure()


def test_what_nobody_edits_stays():
    assert Page("x = ¦\n", "foo(a, b)").stands == Kept(1.0, 0.0)


@pytest.mark.parametrize(
    ("old", "new", "stands"),
    [
        pytest.param("a, b", "a, c", Kept(7 / 8, 1 / 8), id="a letter replaced"),
        pytest.param("foo", "fooo", Kept(1.0, 1 / 8), id="a letter put in"),
        pytest.param(", b", "", Kept(6 / 8, 2 / 8), id="an argument removed"),
        pytest.param("(a, b)", "", Kept(3 / 8, 5 / 8), id="the end removed"),
        pytest.param("foo(a, b)", "bar", Kept(0.0, 1.0), id="replaced by something else"),
        pytest.param("x = foo", "y", Kept(5 / 8, 3 / 8), id="an edit across its start"),
        pytest.param("b)\nend", "", Kept(6 / 8, 2 / 8), id="an edit across its end"),
        pytest.param("x = foo(a, b)\nend", "", Kept(0.0, 1.0), id="an edit around it"),
        pytest.param("a, b", "a,\n    b", Kept(1.0, 0.0), id="white space"),
        pytest.param("x =", "x_long =", Kept(1.0, 0.0), id="before it"),
        pytest.param("end", "the end", Kept(1.0, 0.0), id="behind it"),
        pytest.param("foo", "self.foo", Kept(1.0, 0.0), id="right in front of it"),
        pytest.param("b)", "b).c", Kept(1.0, 0.0), id="right behind it"),
    ],
)
def test_an_edit_takes_what_it_touches(old, new, stands):
    page = Page("x = ¦\nend", "foo(a, b)")
    page.replace(old, new)
    assert page.stands == stands


def test_edits_elsewhere_move_it():
    page = Page("x = ¦\nend", "foo(a, b)")
    page.replace("x =", "import os\n\nx =")
    page.replace("import os\n", "")
    page.replace("end", "end = foo(a, b)")
    page.replace("a, b", "c")
    assert page.stands == Kept(5 / 8, 3 / 8)


def test_the_same_text_elsewhere_is_another():
    page = Page("x = ¦\n", "foo(a, b)")
    page.become("x = 1\ny = foo(a, b)\n")
    page.replace("y = foo(a, b)\n", "")
    assert page.stands.kept < 0.2


def test_a_client_that_sends_whole_documents_is_followed_as_well():
    page = Page("x = ¦\nend\n", "foo(a, b)")
    page.become('"""Doc."""\nx = foo(a, c)\nthe end\n')
    assert page.stands == Kept(7 / 8, 1 / 8)


def test_a_formatter_does_no_harm():
    page = Page("def f( x ):\n  ¦\n\n\ny=1\n", "return foo(x,\n  y)")
    page.become("def f(x):\n    return foo(x, y)\n\n\ny = 1\n")
    assert page.stands == Kept(1.0, 0.0)


def test_what_is_taken_back_counts_as_never_done():
    page = Page("x = ¦\n", "foo(a, b)")
    page.replace("foo(a, b)", "")
    assert page.stands == Kept(0.0, 1.0)
    page.followed.apply([TextChange(0, "", "import os\n")])
    page.followed.apply([TextChange(14, "", "foo(a, b)")])
    assert page.stands == Kept(1.0, 0.0)


def test_what_was_cut_may_come_back_after_many_edits_elsewhere():
    page = Page("x = ¦\nend", "foo(a, b)")
    page.replace("foo(a, b)", "")
    for number in range(50):
        page.followed.apply([TextChange(5 + number, "", "#")])
        page.followed.apply([TextChange(number, "", "#")])
    page.followed.apply([TextChange(54, "", "foo(a, b)")])
    assert page.stands == Kept(1.0, 0.0)


def test_a_place_that_went_with_its_surroundings_does_not_come_back():
    page = Page("x = ¦\nend", "foo(a, b)")
    page.replace("foo(a, b)", "")
    page.followed.apply([TextChange(2, "= \nen", "")])
    page.followed.apply([TextChange(0, "", "foo(a, b)")])
    assert page.stands == Kept(0.0, 1.0)


def test_edits_are_taken_back_one_by_one():
    page = Page("x = ¦\n", "foo(a, b)")
    before = page.text
    page.replace("foo", "ba")
    page.replace("(a", "(")
    page.replace("(, ", "(")
    assert page.stands.kept == 3 / 8
    for text in ("x = ba(, b)\n", "x = ba(a, b)\n", before):
        page.followed.apply([whole(page.text, text)])
        page.text = text
    assert page.stands == Kept(1.0, 0.0)


def test_parts_that_were_accepted_one_after_the_other_are_one_text():
    page = Page("¦\n", "foo")
    page.followed.accepted(3, "(a, b)", 5.0)
    page.followed.apply([TextChange(3, "", "_x")])  # between them
    assert page.stands == Kept(1.0, 2 / 8)


def test_a_part_that_was_typed_in_between_is_none_of_it():
    followed = Followed()
    followed.accepted(0, "foo", 0.0)
    followed.accepted(5, "b)", 0.0)  # "(a" was typed
    followed.apply([TextChange(3, "(a", "[c")])
    assert followed.measure() == Kept(1.0, 0.0)
    followed.apply([TextChange(5, "b)", "")])
    assert followed.measure() == Kept(3 / 5, 2 / 5)


def test_what_stands_is_measured_for_each_horizon_that_has_passed():
    page = Page("x = ¦\n", "foo(a, b)")
    assert not page.followed.measure_until(29.9)
    assert page.followed.measured == [None, None, None]
    assert not page.followed.measure_until(119.0)  # the edit comes after more than 30 s
    page.replace(", b", "")
    assert page.followed.measure_until(7_200.0)  # nobody looked for two hours: nothing was edited
    assert page.followed.measured == [Kept(1.0, 0.0), Kept(0.75, 0.25), Kept(0.75, 0.25)]


def test_a_further_part_begins_the_horizons_anew():
    page = Page("x = ¦\n", "foo")
    page.followed.measure_until(40.0)
    page.followed.accepted(7, "(a)", 40.0)
    assert page.followed.measured == [None, None, None]
    page.followed.measure_until(69.0)
    assert page.followed.measured[0] is None
    page.followed.measure_until(70.0)
    assert page.followed.measured[0] == Kept(1.0, 0.0)
