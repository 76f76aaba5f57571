"""Which line above a cursor binds a name, and how it is read."""

from __future__ import annotations

import pytest

from homespun.server.analysis.python.bindings import Binding, How, bindings_above


@pytest.mark.parametrize(
    ("line", "how", "text"),
    [
        ("    x: Foo = make()", How.ANNOTATED, "Foo"),
        ("x = make(1)", How.ASSIGNED, " make(1)"),
        ("while (x := read()):", How.ASSIGNED, "read("),  # up to the first bracket
        ("if isinstance(x, (Foo, Bar)):", How.TESTED, "Foo"),
        ("except (KeyError, ValueError) as x:", How.ANNOTATED, "KeyError"),
        ("for x in foos if foos else bars:", How.LOOPED, "foos"),
        ("async with opened() as x:", How.ENTERED, "opened()"),
        ("with one() as a, two() as x:", How.ENTERED, "one() as a, two()"),
    ],
)
def test_a_line_says_how_it_binds_a_name(line, how, text):
    assert list(bindings_above([line], "x", 0)) == [Binding(how, text)]


@pytest.mark.parametrize(
    "line", ["xs = 1", "x == 1", "for x in enumerate(foos):", "import foo as x"]
)
def test_what_says_nothing_of_a_value_is_no_binding(line):
    assert list(bindings_above([line], "x", 0)) == []


def test_the_nearest_line_comes_first_and_none_above_the_first_row_is_read():
    lines = ["x = 0", "x = 1", "y = 2", "x = 3"]
    assert [binding.text for binding in bindings_above(lines, "x", 1)] == [" 3", " 1"]


def test_a_binding_is_read_over_the_lines_of_its_brackets():
    lines = ["x = make(", "    1,", ")"]
    assert list(bindings_above(lines, "x", 0)) == [Binding(How.ASSIGNED, " make(1)")]
