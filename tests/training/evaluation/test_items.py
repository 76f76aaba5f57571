"""Items: which lines, in which document, in which strata."""

from __future__ import annotations

import random

import pytest

from homespun.training.dataset.leaks import Seen
from homespun.training.errors import NothingToEvaluate
from homespun.training.evaluation.items import (
    Item,
    ItemConfig,
    Judge,
    hidden_names,
    items_of_files,
    items_of_history,
    read_items,
    write_items,
)
from homespun.training.history.repository import Repository
from homespun.training.sources.filters import House, SourceText

OLD = '''"""Prices of a shop."""


class Basket:
    def __init__(self):
        self.lines = []

    def total_of_basket(self):
        return sum(line.price for line in self.lines)


def parse_currency(text):
    return text.strip().upper()
'''
ADDED = """    def add_article(self, article, count):
        self.lines.append((article, count))
        return self.total_of_basket()

"""
NEW = OLD.replace("    def total_of_basket", ADDED + "    def total_of_basket")
OVEN = '''"""An oven."""

from shop import parse_currency


def bake_bread(minutes):
    temperature = minutes * 3 + 180
    if temperature > 240:
        raise ValueError("the oven burns")
    return temperature, parse_currency("eur")
'''


def words(text):
    return len(text.split()) + 2


@pytest.fixture
def history(scratch):
    """A cut-off, a commit that changes a known file, one that adds a file."""
    cutoff = scratch.commit("begin", shop=OLD)
    scratch.commit("add articles", shop=NEW)
    scratch.commit("an oven", oven=OVEN)
    return scratch, cutoff


def made(scratch, cutoff, seen=(OLD,), config=None, sites=None):
    with Repository.open(scratch.folder) as repository:
        known = [file.path for file in repository.files(cutoff)]
        judge = Judge(known, Seen(seen), convention_sites=sites)
        commits = repository.commits(since=cutoff)
        return items_of_history(repository, commits, judge, House(), words, config or ItemConfig())


def test_items_are_lines_that_later_commits_added(history):
    items = made(*history)
    assert {item.example.path for item in items} == {"shop.py", "oven.py"}
    for item in items:
        text = NEW if item.example.path == "shop.py" else OVEN
        added = ADDED if item.example.path == "shop.py" else OVEN
        whole = item.example.prefix.rpartition("\n")[2] + item.example.middle
        assert whole.strip() in added and text.startswith(item.example.prefix)


def test_the_document_ends_with_the_hole_and_goes_on_with_the_parent(history):
    items = [item for item in made(*history) if item.example.path == "shop.py"]
    assert items
    rest = OLD[OLD.index("    def total_of_basket") :]
    for item in items:
        # What the commit wrote further down in the same hunk is not there yet.
        assert item.example.suffix.lstrip("\n)") == rest
        assert item.example.source == "commit" and item.example.kind


def test_the_parent_is_the_tree_that_retrieval_may_know(history):
    scratch, cutoff = history
    commits = scratch.git("rev-list", "--reverse", "HEAD").split()
    parents = {item.example.path: item.parent for item in made(scratch, cutoff)}
    assert parents == {"shop.py": commits[0], "oven.py": commits[1]}


def test_strata_say_what_training_could_have_seen(history):
    for item in made(*history):
        is_known = item.example.path == "shop.py"
        assert ("known-file" if is_known else "new-file") in item.strata
        lines = item.example.middle.strip("\n").count("\n")
        assert ("multi-line" if lines else "single-line") in item.strata
        assert "novel" in item.strata


def test_a_line_that_training_has_word_for_word_is_boilerplate(history):
    items = made(*history, seen=(OLD, OVEN))
    assert {item.strata[1] for item in items if item.example.path == "oven.py"} == {"boilerplate"}


def test_a_renamed_file_is_a_known_one(scratch):
    cutoff = scratch.commit("begin", shop=OLD)
    scratch.commit("rename", shop=None, store=OLD)
    scratch.commit("add articles", store=NEW)
    strata = {item.strata[0] for item in made(scratch, cutoff) if item.example.path == "store.py"}
    assert strata == {"known-file"}


def test_places_of_conventions_are_marked(history):
    items = made(*history, sites=lambda path, language, text: range(1, 100))
    assert all("convention" in item.strata for item in items)
    assert not any("convention" in item.strata for item in made(*history, sites=lambda *_: ()))


def test_names_that_the_document_does_not_have_are_hidden(history):
    item = made(*history)[0]
    assert hidden_names(item.example) == [] or "names-hidden" in item.strata
    from dataclasses import replace

    other = replace(item.example, middle="unheard_of(self.lines)")
    assert hidden_names(other) == ["unheard_of"]


def test_caps_hold_for_commits_and_files_and_in_all(history):
    assert len(made(*history, config=ItemConfig(items=3))) == 3
    few = made(*history, config=ItemConfig(per_commit=1))
    assert sorted(item.example.path for item in few) == ["oven.py", "shop.py"]
    two = made(*history, config=ItemConfig(per_file=2))
    assert [item.example.path for item in two].count("oven.py") == 2


def test_holes_are_neither_too_short_nor_too_long(history):
    for item in made(*history, config=ItemConfig(least_tokens=4, most_tokens=6)):
        assert 4 <= words(item.example.middle) <= 6


def test_the_same_seed_gives_the_same_items_in_the_order_of_the_history(history):
    items = made(*history)
    assert items == made(*history)
    assert [item.id for item in items] != [i.id for i in made(*history, config=ItemConfig(seed=5))]
    assert len({item.id for item in items}) == len(items)
    assert [item.example.path for item in items] == sorted(
        (item.example.path for item in items), reverse=True
    )  # shop.py's commit is the earlier one


def test_moves_reverts_and_formatting_give_no_items(scratch):
    cutoff = scratch.commit("begin", shop=NEW)
    moved = NEW.replace(ADDED, "") + "\n\n" + "\n".join(ADDED.split("\n"))
    scratch.commit("move", shop=moved)
    scratch.commit("Revert the move", shop=NEW)
    scratch.commit("format", shop=NEW.replace("article, count", "article,  count"))
    assert made(scratch, cutoff) == []


def test_files_that_nobody_wrote_here_and_secrets_give_no_items(scratch):
    cutoff = scratch.commit("begin", shop=OLD)
    secret = OVEN.replace('"eur"', '"ghp_' + "a1B2c3D4e5" * 4 + '"')
    scratch.commit("more", vendor__oven=OVEN, shop_pb2="# Generated by protoc\n" + OVEN, key=secret)
    items = made(scratch, cutoff)
    assert {item.example.path for item in items} <= {"key.py"}
    assert not any("ghp_" in item.example.prefix + item.example.middle for item in items)


def test_without_a_history_whole_files_are_asked_about():
    sources = [SourceText("oven.py", "python", OVEN, 6, frozenset())]
    judge = Judge(["shop.py"], Seen([OLD]))
    items = items_of_files(sources, judge, words, name="bakery")
    assert items and {item.strata[0] for item in items} == {"new-file"}
    for item in items:
        example = item.example
        assert example.prefix + example.middle + example.suffix == OVEN
        assert (item.parent, example.commit, example.repo) == ("", "", "bakery")
    assert len(items) <= ItemConfig().per_file


def test_items_go_through_a_file_and_a_broken_row_is_named(history, tmp_path):
    items = made(*history)
    write_items(items, tmp_path / "items.jsonl")
    assert list(read_items(tmp_path / "items.jsonl")) == items
    assert isinstance(items[0], Item) and random.Random(0)
    (tmp_path / "items.jsonl").write_text('{"example": 1}\n')
    with pytest.raises(NothingToEvaluate, match=r"line 1: no item"):
        list(read_items(tmp_path / "items.jsonl"))


def test_the_same_hole_in_the_same_words_is_asked_once(scratch):
    cutoff = scratch.commit("begin", shop=OLD)
    scratch.commit("two ovens", oven=OVEN, other=OVEN)
    asked = [(i.example.prefix, i.example.middle) for i in made(scratch, cutoff)]
    assert len(asked) == len(set(asked)) > 1
