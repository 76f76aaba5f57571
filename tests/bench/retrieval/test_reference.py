"""The public benchmark: which queries are taken, and the table beside the published figures."""

from __future__ import annotations

import json

import pytest

from bench.retrieval import corpora, reference, run
from bench.retrieval.adopt import kept_queries, published
from bench.retrieval.corpora import QueryCorpus
from homespun.indexer.evaluation.evaluate import CorpusResult, QueryResult
from homespun.indexer.evaluation.report import Report
from homespun.training.shipped.packages import Package

PATHS = ("/a.ts", "/deep/a.ts", "/deep/b.ts")


def corpus(name="one", *, root="src", split="reference", queries_set="semble-rest", moved=None):
    package = Package("npm", name, "1", "0" * 64)
    return QueryCorpus(name, queries_set, "typescript", split, package, root, "x.json", moved)


def query(*relevant, text="how is it done"):
    return {"query": text, "category": "semantic", "relevant": list(relevant)}


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("src/deep/b.ts", "src/deep/b.ts"),
        ("b.ts", "src/deep/b.ts"),  # as the benchmark says it: an end
        ("a.ts", "src/a.ts"),  # the shortest that ends so
        (
            {"path": "deep/b.ts", "start_line": 1, "end_line": 2},
            {"path": "src/deep/b.ts", "start_line": 1, "end_line": 2},
        ),
    ],
)
def test_a_target_is_the_path_in_the_package(target, expected):
    (kept,) = kept_queries([query(target)], PATHS, corpus())
    assert kept["relevant"] == [expected] and kept["secondary"] == []


def test_a_query_goes_where_one_of_its_files_is_not_there_or_it_was_asked_before():
    asked = [query("a.ts", "gone.ts"), query("a.ts"), query("b.ts"), query("ca.ts", text="other")]
    assert [kept["relevant"] for kept in kept_queries(asked, PATHS, corpus())] == [["src/a.ts"]]


def test_a_folder_of_another_name_is_followed():
    there = corpus(moved=("packages/zod/src", "src"))
    (kept,) = kept_queries([query("packages/zod/src/deep/a.ts")], PATHS, there)
    assert kept["relevant"] == ["src/deep/a.ts"]


def test_the_published_figures_are_those_of_the_mode(tmp_path):
    semble = [{"repo": "one", "language": "rust", "ndcg10": 0.5}]
    both = [dict(semble[0], mode=mode, ndcg10=n) for mode, n in (("hybrid", 0.7), ("semantic", 0))]
    for name, repos in (("semble-hybrid", semble), ("coderankembed", both)):
        (tmp_path / f"{name}-0332378809c5.json").write_text(json.dumps({"repos": repos}))
    assert published(tmp_path) == {"one": {"language": "rust", "semble": 0.5, "coderankembed": 0.7}}


def test_the_table_averages_what_is_published_over_the_corpora_that_are_there():
    rows = {"one": 0.5, "two": 0.9, "three": 0.8}
    results = tuple(
        CorpusResult(name, "sha", 1, 1, (QueryResult("q", "semantic", ndcg, 1, 1, 1.0),))
        for name, ndcg in rows.items()
    )
    known = {
        "one": {"language": "rust", "semble": 0.4, "coderankembed": 0.6},
        "two": {"language": "rust", "semble": 0.8, "coderankembed": 0.7},
        "three": {"language": "go", "semble": 0.3, "coderankembed": 0.2},
        "not here": {"language": "go", "semble": 0.9, "coderankembed": 0.9},
    }
    lines = reference.table([Report("hybrid", 10, {}, results)], known).splitlines()
    assert lines[2:] == [
        "| rust | 2 of 2 | 2 | .700 | .600 | .650 |",
        "| go | 1 of 2 | 1 | .800 | .300 | .200 |",
        "| **all** | 3 of 4 | 3 | .733 | .500 | .500 |",
    ]


def test_a_split_is_what_it_says():
    among = [
        corpus("a", split="dev", queries_set="semble-dev"),
        corpus("b", split="held", queries_set="own"),
        corpus("c"),
    ]
    names = {s: [c.name for c in corpora.split_of(among, s)] for s in corpora.SPLITS}
    assert names == {"dev": ["a"], "held": ["b"], "all": ["a", "b"], "reference": ["a", "c"]}
    assert run.SPLITS == corpora.SPLITS
