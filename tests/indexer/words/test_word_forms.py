"""Words of one family."""

from __future__ import annotations

import pytest

from homespun.indexer.search.query import Question
from homespun.indexer.words.word_forms import ABBREVIATIONS, are_akin, other_endings, stem


@pytest.mark.parametrize(
    "family",
    [
        "validate validates validated validating validation validator validators",
        "paginate pagination paginator",
        "serialize serializer serializers serialization serializing",
        "route routes routed router routing",
        "simplify simplified simplification",
        "mapped mapping mapper",
        "retry retries retried",
        "dependency dependencies",
        "cache cached caching caches",
        "access accesses",
    ],
)
def test_words_of_one_family_have_one_stem(family):
    assert len({stem(word) for word in family.split()}) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [("class", "clas"), ("string", "stre"), ("note", "notify"), ("session", "set")],
)
def test_words_of_different_families_have_different_stems(one, other):
    assert stem(one) != stem(other)


def test_only_endings_that_the_index_knows_are_added():
    known = {"router", "routes", "route", "rout", "routine"}
    assert sorted(other_endings("routing", known.__contains__)) == [
        "rout",
        "route",
        "router",
        "routes",
    ]


def test_abbreviations_go_both_ways():
    assert "config" in ABBREVIATIONS["configuration"]
    assert "configuration" in ABBREVIATIONS["config"]
    assert ABBREVIATIONS["auth"] == {"authentication", "authorization"}
    assert ABBREVIATIONS["attributes"] == {"attrs"}
    assert are_akin("context", "ctx")
    assert are_akin("ctx", "context")
    assert are_akin("auth", "authorize")
    assert not are_akin("id", "ideal")
    assert not are_akin("port", "report")


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("size of connection pools", ["connectionpool", "connection_pool"]),
        ("how routes are matched by a route matcher", ["routematcher"]),
        ("the pool", []),
        ("pool of connection", []),
    ],
)
def test_neighbouring_words_make_names(query, names):
    known = {"connectionpool", "connection_pool", "routematcher", "thepool", "poolof"}
    assert Question(query).compounds(known.__contains__) == names
