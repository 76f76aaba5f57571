"""Holes: which spans of a file a model has to fill."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from homespun.server.completion import blocks
from homespun.server.prompt.cursor import Cursor
from homespun.training.dataset.holes import SHARES, holes

TEXT = '''\
import os
from pathlib import Path


def total(items, start):
    """Add up."""
    result = start
    for item in items:
        result += item.price
        result -= item.discount
    if result < 0:
        raise ValueError("negative")

    return round(result, digits(items))


def digits(items):
    return max(item.digits for item in items)
'''


def only(kind):
    return {name: 1.0 if name == kind else 0.0 for name in SHARES}


def texts(kind, count=40, **more):
    found = [
        hole
        for seed in range(10)
        for hole in holes(
            TEXT, "python", random.Random(seed), count=count, shares=only(kind), **more
        )
    ]
    return {TEXT[hole.start : hole.end] for hole in found}, found


def test_a_line_hole_ends_where_its_line_ends():
    _, found = texts("line")
    assert found
    for hole in found:
        assert TEXT[hole.end] == "\n"
        assert "\n" not in TEXT[hole.start : hole.end]
        assert not TEXT[hole.start].isspace() or TEXT[hole.start - 1] not in " \n"


def test_a_block_hole_is_a_whole_body_where_the_server_offers_a_block():
    bodies, found = texts("block")
    assert bodies == {
        "result += item.price\n        result -= item.discount",
        'raise ValueError("negative")',
        "return max(item.digits for item in items)",
        TEXT[TEXT.index('"""Add') : TEXT.index("\n\n\ndef digits")],
    }
    for hole in found:
        assert blocks.due(Cursor(TEXT[: hole.start], TEXT[hole.end :]), "python") is not None


def test_a_body_longer_than_the_server_shows_is_no_hole():
    text = "def long():\n" + "".join(f"    value_{n} = compute({n})\n" for n in range(20))
    assert holes(text, "python", random.Random(0), count=5, shares=only("block")) == []


def test_several_lines_stay_at_their_depth():
    _, found = texts("lines")
    for hole in found:
        lines = TEXT[hole.start : hole.end].split("\n")
        first = TEXT[TEXT.rfind("\n", 0, hole.start) + 1 : hole.start]
        assert 2 <= len(lines) <= 4
        assert all(line.startswith(first) for line in lines[1:])


def test_an_inline_hole_ends_before_the_brackets_that_close():
    found, _ = texts("inline")
    assert any(text.endswith("digits(items") for text in found)
    assert not any(text.endswith(")") for text in found)


def test_an_inserted_line_takes_its_end_along():
    found, holes_found = texts("insert")
    assert "        result += item.price\n" in found
    assert all(hole.start == 0 or TEXT[hole.start - 1] == "\n" for hole in holes_found)


def test_an_empty_hole_stands_on_a_blank_line():
    found, holes_found = texts("empty")
    assert found == {""}
    assert all(TEXT[hole.start] == "\n" and TEXT[hole.start - 1] == "\n" for hole in holes_found)


def test_holes_begin_only_in_the_lines_that_are_asked_for():
    _, found = texts("line", lines={9, 10})
    rows = {TEXT.count("\n", 0, hole.start) + 1 for hole in found}
    assert rows == {9, 10}


def test_the_same_seed_gives_the_same_holes_each_in_a_line_of_its_own():
    first = holes(TEXT, "python", random.Random(3), count=6)
    assert first == holes(TEXT, "python", random.Random(3), count=6)
    rows = [TEXT.count("\n", 0, hole.start) for hole in first]
    assert len(set(rows)) == len(rows) == 6
    assert rows == sorted(rows)


def test_the_shares_are_kept_where_the_text_allows():
    kinds = Counter(
        hole.kind
        for seed in range(400)
        for hole in holes(TEXT, "python", random.Random(seed), count=1)
    )
    for kind, share in SHARES.items():
        assert kinds[kind] / 400 == pytest.approx(share, abs=0.09), kind


@pytest.mark.parametrize("text", ["", "\n\n\n", "}\n", "a\n"])
def test_a_text_with_nothing_to_complete_has_no_holes(text):
    assert holes(text, "python", random.Random(0), count=5) == []


def test_braces_are_blocks_too():
    text = "function add(a, b) {\n  const sum = a + b;\n  return sum;\n}\n"
    (hole,) = holes(text, "javascript", random.Random(1), count=9, shares=only("block"))
    assert text[hole.start : hole.end] == "const sum = a + b;\n  return sum;"
