from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lsprotocol import types as lsp
from pygls.workspace import PositionCodec

from homespun.server.lsp.documents import Document
from homespun.server.lsp.positions import offset_at, split_lines, units_from_column


def document(text, encoding="utf-16"):
    return Document("file:///a.py", text, version=1, position_codec=PositionCodec(encoding))


def edit(start, end, text):
    span = lsp.Range(lsp.Position(*start), lsp.Position(*end))
    return lsp.TextDocumentContentChangePartial(range=span, text=text)


@pytest.mark.parametrize(
    ("before", "start", "end", "text", "after"),
    [
        pytest.param("", (0, 0), (0, 0), "a", "a", id="empty document"),
        pytest.param("a\fb\nc\n", (1, 1), (1, 1), "X", "a\fb\ncX\n", id="after a form feed"),
        pytest.param("a\u2028b\nc", (0, 3), (1, 0), "", "a\u2028bc", id="a line separator"),
        pytest.param("x😋\n", (0, 3), (0, 3), "y", "x😋y\n", id="behind an emoji"),
        pytest.param("a\n", (1, 0), (1, 0), "b", "a\nb", id="on the empty last line"),
        pytest.param("a\nb\nc\n", (0, 1), (2, 0), "", "ac\n", id="lines removed"),
        pytest.param("a\r\nb", (0, 1), (0, 1), "x\r\ny", "ax\r\ny\r\nb", id="lines put in"),
        pytest.param("a\rb", (1, 0), (1, 0), "\n", "a\r\nb", id="a pair completed"),
        pytest.param("a\r\nb", (0, 1), (0, 9), "!", "a!\r\nb", id="past the end of the line"),
        pytest.param("a\nb", (7, 0), (9, 0), "!", "a\nb!", id="past the end"),
        pytest.param("ab", (0, 2), (0, 1), "!", "a!", id="the ends exchanged"),
    ],
)
def test_an_edit_changes_the_text_as_the_client_means_it(before, start, end, text, after):
    edited = document(before)
    edited.apply_change(edit(start, end, text))
    assert edited.source == after
    assert list(edited.lines) == split_lines(after)


def test_a_change_without_a_range_replaces_the_text():
    edited = document("a\nb\n")
    edited.apply_change(edit((0, 0), (0, 1), "x"))
    edited.apply_change(lsp.TextDocumentContentChangeWholeDocument(text="new\n"))
    assert (edited.source, list(edited.lines)) == ("new\n", ["new\n", ""])


TEXT = st.text(alphabet="ab\r\n\f\u2028é😋", max_size=12)


@settings(max_examples=300, deadline=None)
@given(TEXT, st.lists(st.tuples(st.integers(0, 99), st.integers(0, 99), TEXT), max_size=5))
def test_any_edits_equal_the_same_cuts_in_the_plain_text(text, edits):
    edited = document(text, "utf-8")
    for first, second, inserted in edits:
        places = sorted((_place(text, first), _place(text, second)))
        start, end = (offset_at(split_lines(text), place, "utf-8") for place in places)
        text = text[:start] + inserted + text[end:]
        edited.apply_change(
            lsp.TextDocumentContentChangePartial(range=lsp.Range(*places), text=inserted)
        )
        assert edited.source == text
        assert list(edited.lines) == split_lines(text)


def _place(text, number):
    """The position of some offset that a client can name: not between \\r and \\n."""
    offset = number % (len(text) + 1)
    if text[max(0, offset - 1) : offset + 1] == "\r\n":
        offset -= 1
    head = split_lines(text[:offset])
    return lsp.Position(len(head) - 1, len(head[-1].encode()))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize("letter", ["a", "é", "😀"])
def test_edits_in_a_line_of_a_million_characters_take_no_time(letter, encoding):
    document = Document(
        "file:///a.py",
        source="x = " + letter * 1_000_000,
        version=1,
        language_id="python",
        sync_kind=lsp.TextDocumentSyncKind.Incremental,
        position_codec=PositionCodec(encoding),
    )
    place = lsp.Position(0, 4 + units_from_column(letter * 400_000, 400_000, encoding))
    began = time.thread_time()
    for _ in range(60):
        edit = lsp.TextDocumentContentChangePartial(lsp.Range(place, place), "b")
        document.apply_change(edit)
    assert time.thread_time() - began < 4  # 60 took 6 s where letters are not ASCII
    assert document.source[400_000:400_070] == letter * 4 + "b" * 60 + letter * 6
