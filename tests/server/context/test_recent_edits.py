"""The ring of edited places, and what a request brings along of it."""

from __future__ import annotations

from homespun.server.context.recent_edits import RecentEdits

LINES = [f"line {n}\n" for n in range(100)]
TEXTS = {"a": LINES, "b": LINES, "c": ["short = 1\r\n"]}


def elsewhere(edits: RecentEdits, uri: str, *, most: int = 3) -> list[tuple[str, int, int]]:
    found = edits.elsewhere(
        uri,
        lambda other: TEXTS.get(other, []),
        lambda other: (f"{other}.py", "python"),
        most=most,
    )
    return [(edit.path, edit.start_line, edit.end_line) for edit in found]


def edited(*places: tuple[str, int]) -> RecentEdits:
    edits = RecentEdits()
    for uri, row in places:
        edits.edited(uri, row)
    return edits


def test_the_newest_edits_of_other_documents_come_first():
    edits = edited(("a", 50), ("b", 10), ("a", 90), ("c", 0))
    assert elsewhere(edits, "c") == [("a.py", 85, 97), ("b.py", 5, 17), ("a.py", 45, 57)]
    assert elsewhere(edits, "a") == [("c.py", 1, 1), ("b.py", 5, 17)]
    assert elsewhere(edits, "c", most=1) == [("a.py", 85, 97)]


def test_edits_near_each_other_are_one_region():
    assert elsewhere(edited(("a", 50), ("a", 55), ("a", 48)), "b") == [("a.py", 43, 62)]


def test_a_region_does_not_grow_for_ever():
    edits = edited(*(("a", row) for row in range(0, 90, 10)))
    assert all(end - start < 24 + 12 for _, start, end in elsewhere(edits, "b"))


def test_old_places_are_forgotten():
    edits = edited(*((f"file{n}", 0) for n in range(40)))
    texts = edits.elsewhere("b", lambda _: LINES, lambda uri: (uri, "python"), most=99)
    assert [edit.path for edit in texts] == [f"file{n}" for n in range(39, 23, -1)]


def test_a_closed_document_is_forgotten():
    edits = edited(("a", 50), ("b", 10))
    edits.closed("a")
    assert elsewhere(edits, "c") == [("b.py", 5, 17)]


def test_documents_that_are_gone_or_outside_are_left_out():
    edits = edited(("gone", 3), ("a", 5))
    assert elsewhere(edits, "b") == [("a.py", 1, 12)]
    outside = edits.elsewhere("b", lambda _: LINES, lambda _: ("", ""), most=3)
    assert outside == ()


def test_secrets_are_masked_and_ends_are_lf():
    edits = edited(("k", 0))
    lines = ['KEY = "AKIAZ5LQ7RXN2VPD3TWM"\r\n', "x" * 1000]
    (found,) = edits.elsewhere("b", lambda _: lines, lambda _: ("k.py", "python"), most=1)
    assert "AKIA" not in found.text
    assert "\r" not in found.text
    assert len(found.text) < 400
