"""Metrics with values computed by hand, and a search that is evaluated."""

from __future__ import annotations

import math

import pytest

from homespun.indexer.evaluation.evaluate import content_of, evaluate, ndcg, percentile, rank_of
from homespun.indexer.evaluation.queries import Query, Target
from homespun.indexer.types import Hit


def hit(path, start=1, end=10):
    return Hit(path, start, end, "", "module", "python", 1.0, {}, "")


def asked(text, *paths, category="all"):
    return Query(text, category, tuple(Target(path) for path in paths))


@pytest.mark.parametrize(
    ("ranks", "targets", "expected"),
    [
        ([1], 1, 1.0),
        ([2], 1, 1 / math.log2(3)),  # .6309
        ([3], 1, 0.5),
        ([10], 1, 1 / math.log2(11)),
        ([], 1, 0.0),
        ([1, 2], 2, 1.0),
        ([2, 1], 2, 1.0),
        ([1], 2, 1 / (1 + 1 / math.log2(3))),  # .6131
        ([2, 3], 2, (1 / math.log2(3) + 0.5) / (1 + 1 / math.log2(3))),  # .6934
        ([], 0, 0.0),
    ],
)
def test_ndcg_at_ten(ranks, targets, expected):
    assert ndcg(ranks, targets, limit=10) == pytest.approx(expected, abs=1e-12)


def test_the_ideal_has_no_more_places_than_there_are_hits():
    assert ndcg(range(1, 11), 12, limit=10) == pytest.approx(1.0)


def test_a_rank_is_that_of_the_first_hit_in_the_file_and_repeats_use_up_ranks():
    hits = [hit("b.py"), hit("b.py", 20, 30), hit("a.py"), hit("a.py", 40, 50)]
    assert rank_of(Target("a.py"), hits) == 3
    assert rank_of(Target("b.py"), hits) == 1
    assert rank_of(Target("c.py"), hits) is None


def test_a_target_with_lines_wants_a_hit_on_them():
    hits = [hit("a.py", 1, 19), hit("a.py", 20, 30)]
    assert rank_of(Target("a.py", 30, 40), hits) == 2
    assert rank_of(Target("a.py", 31, 40), hits) is None


@pytest.mark.parametrize(
    ("path", "target", "matches"),
    [
        ("src/a/b.py", "a/b.py", True),
        ("src/a/b.py", "src/a/b.py", True),
        ("src/xa/b.py", "a/b.py", False),
        ("b.py", "a/b.py", False),
        ("a/b.pyi", "a/b.py", False),
    ],
)
def test_paths_are_compared_by_their_end_in_whole_names(path, target, matches):
    assert (rank_of(Target(target), [hit(path)]) == 1) is matches


def test_what_stands_before_the_indexed_folder_belongs_to_the_path():
    hits = [hit("__init__.py"), hit("cron/__init__.py")]
    target = Target("src/lib/cron/__init__.py")
    assert rank_of(target, hits, below="src/lib") == 2
    assert rank_of(target, hits) is None


def test_a_search_is_evaluated_query_by_query():
    answers = {
        "first": [hit("a.py"), hit("b.py")],
        "second": [hit("c.py"), hit("b.py")],
        "half": [hit("c.py"), hit("c.py"), hit("a.py")],
        "gone": [hit("a.py")],
    }
    queries = [
        asked("first", "a.py"),
        asked("second", "b.py", category="symbol"),
        asked("half", "a.py", "b.py"),
        asked("gone", "deleted.py"),
    ]
    calls = []

    def search(text):
        calls.append(text)
        return answers[text]

    result = evaluate(
        search, queries, name="toy", paths=["a.py", "b.py", "c.py"], limit=10, chunks=7
    )
    first, second, half, gone = result.rows
    assert (first.ndcg, first.recall, first.rr) == (1.0, 1.0, 1.0)
    assert (second.ndcg, second.recall, second.rr) == (0.63093, 1.0, 0.5)
    # found at rank 3 of two targets: (1/2) / (1 + 1/log2(3))
    assert (half.ndcg, half.recall, half.rr) == (0.306574, 0.5, 0.333333)
    assert (gone.ndcg, gone.recall, gone.rr) == (0.0, 0.0, 0.0)
    assert result.unanswerable == ("gone",)
    assert result.mean("ndcg") == pytest.approx((1 + 0.63093 + 0.306574) / 4)
    assert [row.category for row in result.rows] == ["all", "symbol", "all", "all"]
    assert second.found == ("c.py:1", "b.py:1")
    assert (result.files, result.chunks) == (3, 7)
    assert calls == ["first", "first", "second", "half", "gone"]  # one to warm up


def test_targets_that_are_not_indexed_do_not_count():
    query = asked("q", "a.py", "docs/deleted.md")
    result = evaluate(lambda _: [hit("a.py")], [query], name="x", paths=["a.py"], limit=10)
    assert (result.rows[0].ndcg, result.rows[0].recall) == (1.0, 1.0)


def test_hits_behind_the_limit_do_not_count():
    hits = [hit("b.py"), hit("a.py")]
    result = evaluate(lambda _: hits, [asked("q", "a.py")], name="x", paths=["a.py"], limit=1)
    assert result.rows[0].ndcg == 0.0


@pytest.mark.parametrize(("share", "expected"), [(0.5, 5), (0.95, 10), (0.0, 1), (1.0, 10)])
def test_percentiles_are_values_that_were_measured(share, expected):
    assert percentile([3, 1, 2, 4, 5, 6, 7, 8, 9, 10], share) == expected


def test_the_content_changes_with_bytes_and_names_and_not_with_their_order(tmp_path):
    (tmp_path / "a.py").write_text("1")
    (tmp_path / "b.py").write_text("2")
    first = content_of(tmp_path, ["a.py", "b.py"])
    assert content_of(tmp_path, ["b.py", "a.py"]) == first
    assert content_of(tmp_path, ["a.py"]) != first
    (tmp_path / "b.py").write_text("3")
    assert content_of(tmp_path, ["a.py", "b.py"]) != first
