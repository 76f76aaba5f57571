"""The search of an editor: hits with a link, over one folder or all, and a sentence else."""

from __future__ import annotations

import pytest

from homespun.indexer.errors import IndexDamaged
from homespun.server.commands.search import Searched, answer, asked_for

FILES = {
    "shop/cart.py": "def add_to_cart(item):\n    return cart + [item]\n",
    "shop/pay.py": "def pay_bill(bill):\n    return bill.total\n",
    "web/cart.js": "function addToCart(item) {\n  return cart.concat(item)\n}\n",
}


@pytest.fixture
def folders(index):
    return [Searched(index.root, index)]


def paths(told):
    return [hit["path"] for hit in told["hits"]]


def test_a_hit_is_that_of_the_command_line_with_a_link(index, folders):
    told = answer("pay_bill", None, folders)
    [hit] = index.search("pay_bill", limit=1)
    assert told["hits"][0] == hit.to_json() | {"uri": (index.root / "shop/pay.py").as_uri()}
    assert told["message"] == ""


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ({}, {"shop/cart.py", "web/cart.js"}),
        ({"language": "python"}, {"shop/cart.py"}),
        ({"path": "web/"}, {"web/cart.js"}),
        ({"path": "", "language": None, "unheard": "of"}, {"shop/cart.py", "web/cart.js"}),
    ],
)
def test_options_narrow_the_search(folders, options, found):
    told = answer("add to cart", options, folders)
    assert {path for path in paths(told) if "cart" in path} == found
    assert set(paths(told)) <= found | {"shop/pay.py"}


def test_the_limit_counts_over_all_folders_and_the_best_hit_is_first(folders):
    told = answer("add to cart", {"limit": 3}, folders * 2)
    scores = [hit["score"] for hit in told["hits"]]
    assert len(scores) == 3
    assert scores == sorted(scores, reverse=True)
    assert scores[0] == scores[1]  # the same place, once a folder


@pytest.mark.parametrize(
    ("query", "options", "message"),
    [
        (None, None, "the query is empty; give a question, a name, a path or some code"),
        ("  ", None, "the query is empty; give a question, a name, a path or some code"),
        (7, None, "the query is empty; give a question, a name, a path or some code"),
        ("a", 7, "the options of a search are 7; give an object, or nothing"),
        ("a", {"limit": 0}, "limit is 0; give a number from 1 to 200"),
        ("a", {"limit": True}, "limit is True; give a number from 1 to 200"),
        ("a", {"limit": "9"}, "limit is '9'; give a number from 1 to 200"),
        ("a", {"language": 7}, "language is 7; give a string, or leave it out"),
        ("a", {"path": ["x"]}, "path is ['x']; give a string, or leave it out"),
        ("zzzz", None, "nothing in the repository is like 'zzzz'"),
    ],
)
def test_a_wrong_question_is_answered_with_a_sentence(folders, query, options, message):
    assert answer(query, options, folders) == {"hits": [], "message": message}


def test_without_a_folder_there_is_nothing_to_search():
    sentence = "no folder is open, so there is nothing to search; open one"
    assert answer("a", None, []) == {"hits": [], "message": sentence}


def test_a_folder_that_cannot_be_searched_says_so_and_the_others_answer(index, tmp_path):
    class Damaged:
        def search(self, *_, **__):
            raise IndexDamaged("the index is damaged")

    folders = [
        Searched(tmp_path, None, "not ready"),
        Searched(tmp_path, Damaged()),
        Searched(index.root, index, "still being indexed"),
    ]
    told = answer("pay_bill", {"limit": 1}, folders)
    assert paths(told) == ["shop/pay.py"]
    assert told["message"] == "not ready; the index is damaged; still being indexed"


@pytest.mark.parametrize("options", [None, 7, {}, {"uri": 7}, {"uri": None}])
def test_without_a_document_all_folders_are_meant(options):
    assert asked_for(options) == ""
