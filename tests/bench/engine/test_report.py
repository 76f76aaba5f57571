"""The tables of the page."""

from __future__ import annotations

from bench.engine import report


def test_the_fastest_of_theirs_is_never_one_of_ours():
    row = {
        "median_ms": {
            "homespun": 5.0,
            "homespun, no drafts": 5.5,
            "llama.cpp a": 9.0,
            "llama.cpp b": 8.0,
        },
        "times_ours": {"homespun, no drafts": 1.1, "llama.cpp a": 1.8, "llama.cpp b": 1.6},
    }
    assert report.fastest(row) == "llama.cpp b"
    assert report.fastest({"median_ms": {"homespun": 5.0}, "times_ours": {}}) is None


def test_only_what_stands_between_a_sections_marks_is_written_anew():
    page = "a\n<!-- speed m -->\nold\n<!-- /speed m -->\nb\n<!-- speed n -->\n<!-- /speed n -->\n"
    assert report.replaced(page, "speed m", r"new \1") == page.replace("old", r"new \1")
    assert report.replaced(page, "typing m", "new") == page


def test_every_section_of_the_page_has_both_marks():
    page = report.README.read_text(encoding="utf-8")
    for model in report.MODELS:
        for part in ("speed", "quality"):
            assert page.count(f"<!-- {part} {model} -->\n") == 1
            assert page.count(f"<!-- /{part} {model} -->") == 1


def test_a_loss_of_ours_is_in_the_table():
    table = report.quality(
        {
            **_origin(),
            "loss": {"float32": {"mean": 1.5}, "homespun": _row(percent=0.25)},
            "infilling": {"float32": {"exact": 0.5}, "homespun": _row(points=-2.0, exact=0.48)},
            "text_tokens": 4000,
            "tasks": 300,
            "seed": 0,
            "files": ["json"],
        }
    )
    line = "| homespun | 1.5000 | +0.25 % [-1.00, +1.00] | 48.0 % | -2.0 [-1.0, +1.0] | 90 % |"
    assert line in table.splitlines()


def _row(**figures):
    return {"mean": 1.5, "interval": [-1.0, 1.0], "same_line": 0.9, **figures}


def _origin():
    return {
        "model": "m",
        "threads": 2,
        "machine": {"processor": "p", "cores": 2, "features": [], "system": "s", "load": 0.1},
        "date": "2026-11-21 08:00 UTC",
        "commit": "abc",
        "changed": False,
        "versions": {},
    }
