"""Which lines the demonstration of tuning shows."""

from __future__ import annotations

import io
import json
from dataclasses import asdict, replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from rich.console import Console

from bench.demo_tuning import chosen, show
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


def test_a_line_is_shown_as_it_would_stand_in_the_file(tmp_path):
    before = replace(sample("won"), shown="import os\n    from ", wanted=".shop import open_shop\n")
    (tmp_path / "samples.json").write_text(json.dumps([asdict(before)]), encoding="utf-8")
    verdict = SimpleNamespace(explain=lambda: "too little to tell")
    done = SimpleNamespace(folder=tmp_path, verdict=verdict, outcome="", report=Path("page.html"))
    page = io.StringIO()
    show(done, Console(file=page, highlight=False, width=200))
    assert "as committed   from .shop import open_shop\n" in page.getvalue()
