"""A parsed file: its nodes come by place, whatever the order of the grammar's query."""

from __future__ import annotations

from homespun.training.conventions.base.parsed_file import parse_with
from homespun.training.conventions.python.rules import QUERIES


def test_the_nodes_of_a_capture_are_sorted_by_place():
    text = "".join(f"def f{n}(a):\n    return g{n}(h(a), [b.c(d)])\n" for n in range(200))
    file = parse_with("a.py", "python", text, QUERIES["python"])
    starts = [node.start_byte for node in file.nodes("call")]
    assert len(starts) == 600
    assert starts == sorted(starts)
