"""Pure parts of the index's benchmark."""

from __future__ import annotations

import json

import pytest

from bench.index import measure, queries, report, trees


def engine(lines, seconds):
    return {"lines": lines, "seconds": {"words and symbols": seconds}}


def grown(*points):
    return [{"engines": {"homespun": engine(*point)}} for point in points]


def test_percentiles_are_the_median_and_the_nearest_rank():
    values = list(range(1, 101))
    assert measure.percentiles(values) == {"p50": 50.5, "p95": 95, "n": 100}
    assert measure.percentiles([3.0]) == {"p50": 3.0, "p95": 3.0, "n": 1}


def test_the_slope_is_the_exponent_of_growth():
    linear = grown((10_000, 9.0), (100_000, 2.0), (300_000, 6.0), (1_000_000, 20.0))
    assert report.slope(linear) == pytest.approx(1.0)
    quadratic = grown((100_000, 1.0), (1_000_000, 100.0))
    assert report.slope(quadratic) == pytest.approx(2.0)


def test_only_what_stands_between_the_marks_is_written_anew():
    page = "a\n<!-- index cold -->\nold\n<!-- /index cold -->\nb\n"
    assert report.replaced(page, "index cold", "new \\1") == (
        "a\n<!-- index cold -->\nnew \\1\n<!-- /index cold -->\nb\n"
    )
    with pytest.raises(SystemExit, match="no marks <!-- index life -->"):
        report.replaced(page, "index life", "new")


def test_the_readme_has_a_place_for_every_table():
    page = report.README.read_text(encoding="utf-8")
    for name in ("index origin", "index cold", "index life", "index growth"):
        report.replaced(page, name, "x")  # says so where it has none


def test_questions_are_drawn_from_the_files_and_the_same_each_time(tmp_path):
    for n in range(40):
        (tmp_path / f"m{n}.py").write_text(
            f'def function_{n}(value):\n    """Return what stands behind number {n} today."""\n'
            f"    return helper_function({n}, value, something_else)\n"
        )
    files = trees.source_files(tmp_path)
    questions = queries.drawn(tmp_path, files, 20)
    assert questions == queries.drawn(tmp_path, files, 20)
    assert len(questions) == 20
    assert sum(question.startswith("function_") for question in questions) == 5
    assert queries.words("how is a_long_name built of it") == ["a_long_name", "built", "how"]


def test_a_sample_has_about_as_many_lines_as_asked_for(tmp_path):
    large = tmp_path / "large"
    for n in range(30):
        (large / f"p{n}").mkdir(parents=True)
        (large / f"p{n}" / "m.py").write_text("x = 1\n" * 100)
        (large / f"p{n}" / "data.bin").write_text("x\n" * 100)
    sample = trees.sample_tree(large, 1_000)
    assert trees.count_lines(sample, trees.source_files(sample)) == 1_000
    assert not list(sample.rglob("*.bin"))
    assert trees.sample_tree(large, 1_000) == sample


def test_every_package_is_pinned():
    pins = json.loads((report.README.parent / "index" / "trees.json").read_text())
    assert all(len(pin[3]) == 64 for packages in pins.values() for pin in packages)
