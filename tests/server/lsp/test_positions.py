from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lsprotocol import types as lsp

from homespun.server.lsp.positions import (
    column_from_units,
    line_and_column,
    offset_at,
    split_lines,
    units_from_column,
)

ENCODINGS = ("utf-8", "utf-16", "utf-32")
LINE = 'x = "é😋" # ok\r\n'


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        pytest.param("", [""], id="an empty document has one line"),
        pytest.param("a", ["a"], id="no end"),
        pytest.param("a\n", ["a\n", ""], id="the empty last line exists"),
        pytest.param("a\r\nb\rc\n", ["a\r\n", "b\r", "c\n", ""], id="the three line ends"),
        pytest.param("a\r\r\nb", ["a\r", "\r\n", "b"], id="a lone return before a pair"),
        pytest.param(
            "a\fb\x0bc\x1cd\x85e\u2028f\u2029g\n",
            ["a\fb\x0bc\x1cd\x85e\u2028f\u2029g\n", ""],
            id="nothing else ends a line",
        ),
    ],
)
def test_lines_end_where_the_protocol_says(text, lines):
    assert split_lines(text) == lines


@pytest.mark.parametrize(
    ("encoding", "units", "column"),
    [
        ("utf-8", 5, 5),
        ("utf-8", 7, 6),
        ("utf-8", 11, 7),
        ("utf-8", 6, None),  # inside é
        ("utf-8", 9, None),  # inside 😋
        ("utf-8", 17, 13),
        ("utf-8", 18, None),  # past the end
        ("utf-16", 6, 6),
        ("utf-16", 8, 7),
        ("utf-16", 7, None),
        ("utf-16", 14, 13),
        ("utf-16", 15, None),
        ("utf-32", 7, 7),
        ("utf-32", 13, 13),
        ("utf-32", 14, None),
        ("utf-32", -1, None),
    ],
)
def test_a_column_is_counted_in_the_clients_units(encoding, units, column):
    assert column_from_units(LINE, units, encoding) == column


@given(st.text(st.characters(exclude_characters="\r\n")), st.sampled_from(ENCODINGS), st.data())
def test_columns_survive_the_way_to_the_client_and_back(line, encoding, data):
    column = data.draw(st.integers(0, len(line)))
    assert column_from_units(line, units_from_column(line, column, encoding), encoding) == column


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_units_are_what_the_codecs_say(text):
    assert units_from_column(text, len(text), "utf-8") == len(text.encode())
    assert units_from_column(text, len(text), "utf-16") == len(text.encode("utf-16-le")) // 2


@given(st.text(alphabet="ab\r\n\f\u2028😋"))
def test_lines_joined_are_the_text(text):
    assert "".join(split_lines(text)) == text


def test_an_offset_counts_the_lines_before():
    lines = split_lines("😋\r\nab\n")
    assert offset_at(lines, lsp.Position(0, 2), "utf-16") == 1
    assert offset_at(lines, lsp.Position(1, 1), "utf-16") == 4
    assert offset_at(lines, lsp.Position(2, 0), "utf-16") == 6
    assert offset_at(lines, lsp.Position(2, 1), "utf-16") is None
    assert offset_at(lines, lsp.Position(3, 0), "utf-16") is None


@pytest.mark.parametrize(
    ("position", "place"),
    [
        pytest.param((0, 99), (0, 2), id="past the end of a line"),
        pytest.param((9, 0), (1, 1), id="past the last line"),
        pytest.param((0, 1), (0, 0), id="inside a character"),
        pytest.param((0, 2), (0, 1), id="exact"),
    ],
)
def test_a_place_of_an_edit_is_moved_back_to_one_that_exists(position, place):
    assert line_and_column(["😋b\r\n", "c"], lsp.Position(*position), "utf-16") == place
