"""The query sets of bench/queries/: their shape, and that they stay out of the training data."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

import pytest

from bench.retrieval import corpora
from bench.retrieval.adopt import PUBLISHED
from homespun.training.shipped.sources import held_out_names, is_held_out

ROOT = Path(__file__).resolve().parents[3]
ALL = corpora.corpora()


def test_there_are_enough_queries_of_both_kinds():
    counted = Counter()
    for corpus in ALL:
        counted[corpus.set, corpus.split] += len(corpus.queries)
    assert counted["semble-dev", "dev"] == 143
    assert counted[corpora.REST, "reference"] == 606
    assert counted["own", "dev"] >= 100 and counted["own", "held"] >= 100


def test_every_file_of_queries_belongs_to_a_corpus():
    for name in corpora.SETS:
        files = {path.name for path in (corpora.QUERIES / name).glob("*.json")}
        assert files - {"corpora.json", PUBLISHED} == {c.file for c in ALL if c.set == name}


def test_names_are_used_once():
    assert not [name for name, n in Counter(corpus.name for corpus in ALL).items() if n > 1]


@pytest.mark.parametrize("corpus", ALL, ids=lambda corpus: corpus.name)
def test_a_corpus_is_pinned_and_its_queries_can_be_read(corpus):
    assert corpus.split in {"dev", "held", "reference"}
    assert re.fullmatch("[0-9a-f]{64}", corpus.package.sha256)
    assert (corpus.package.registry == "debian") == bool(corpus.package.file)
    assert corpus.queries
    assert {query.category for query in corpus.queries} <= {"semantic", "architecture", "symbol"}
    below = "" if corpus.root == "." else f"{corpus.root}/"
    outside = {
        target.path
        for query in corpus.queries
        for target in query.targets
        if not target.path.startswith(below)
    }
    assert outside == set()


@pytest.mark.parametrize("corpus", ALL, ids=lambda corpus: corpus.name)
def test_no_package_is_in_the_training_data(corpus):
    assert is_held_out(corpus.package.name, held_out_names())
    learned = json.loads((ROOT / "training/shipped/packages.json").read_text(encoding="utf-8"))
    names = {package["name"].casefold() for package in learned["packages"]}
    assert corpus.package.name.casefold() not in names


@pytest.mark.parametrize(
    "corpus", [corpus for corpus in ALL if corpus.set == "own"], ids=lambda corpus: corpus.name
)
def test_only_symbol_queries_look_like_code(corpus):
    for query in corpus.queries:
        is_name = " " not in query.text
        assert is_name == (query.category == "symbol"), query.text
        if not is_name:
            text = query.text.replace("JavaScript", "")
            assert not re.search(r"\w_\w|[a-z][A-Z]|\w\(|::", text), query.text
