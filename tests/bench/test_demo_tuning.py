"""Which lines the demonstration of tuning shows."""

from __future__ import annotations

import pytest

from bench.demo_tuning import chosen
from homespun.training.report.page import Sample


def sample(name: str) -> Sample:
    before, after = {"won": (False, True), "lost": (True, False), "wrong": (False, False)}[name]
    return Sample("a.py", 1, "", "", "", "", before, after)


@pytest.mark.parametrize(
    ("drawn", "shown"),
    [
        ("won won won lost lost wrong", "won lost won lost won"),
        ("won wrong wrong", "won wrong wrong"),
        ("lost lost won", "won lost lost"),
        ("wrong " * 7, "wrong " * 5),
        ("", ""),
    ],
)
def test_five_lines_are_shown_and_what_was_lost_is_among_them(drawn, shown):
    assert chosen([sample(name) for name in drawn.split()]) == [
        sample(name) for name in shown.split()
    ]
