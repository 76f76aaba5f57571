"""Files of queries with their answers."""

from __future__ import annotations

import json

import pytest

from homespun.indexer.errors import BadQueries
from homespun.indexer.evaluation.queries import Query, Target, load


@pytest.fixture
def file(tmp_path):
    def write(content):
        path = tmp_path / "queries.json"
        text = content if isinstance(content, str) else json.dumps(content)
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_targets_are_paths_or_places(file):
    entries = [
        {
            "query": "wo steht's?",
            "category": "semantic",
            "relevant": ["a/b.py", {"path": "c.py", "start_line": 3, "end_line": 9}],
            "secondary": [{"path": "d.py"}],
        },
        {"query": "x", "relevant": ["/e.py"]},
    ]
    places = (Target("a/b.py"), Target("c.py", 3, 9), Target("d.py"))
    assert load(file(entries)) == (
        Query("wo steht's?", "semantic", places),
        Query("x", "all", (Target("e.py"),)),
    )


@pytest.mark.parametrize("path", ["src/a.py", "./src/a.py", "/src/a.py", "src\\a.py"])
def test_a_path_may_be_written_in_several_ways(file, path):
    (query,) = load(file([{"query": "x", "relevant": [path]}]))
    assert query.targets == (Target("src/a.py"),)


def test_a_target_in_both_lists_counts_once(file):
    (query,) = load(file([{"query": "x", "relevant": ["a.py"], "secondary": ["a.py"]}]))
    assert query.targets == (Target("a.py"),)


@pytest.mark.parametrize(
    ("lines", "touches"),
    [((1, 2), False), ((1, 3), True), ((5, 6), True), ((9, 20), True), ((10, 20), False)],
)
def test_lines_touch_at_both_ends(lines, touches):
    assert Target("a.py", 3, 9).overlaps(*lines) is touches


def test_a_target_without_lines_is_the_whole_file():
    assert Target("a.py").overlaps(1, 1)
    assert Target("a.py").overlaps(900, 901)
    assert not Target("a.py", start_line=5).overlaps(1, 4)


def test_an_id_belongs_to_the_question_and_its_answers():
    query = Query("x", "all", (Target("a.py"), Target("b.py")))
    assert query.id == Query("x", "symbol", (Target("b.py"), Target("a.py"))).id
    assert query.id != Query("y", "all", query.targets).id
    assert query.id != Query("x", "all", (Target("a.py"),)).id
    assert query.id != Query("x", "all", (Target("a.py", 2), Target("b.py"))).id
    assert len(query.id) == 12


GOOD = {"query": "q", "relevant": ["a.py"]}


@pytest.mark.parametrize(
    ("entry", "sentence"),
    [
        ("q", "is 'q'; it wants an object"),
        ({"relevant": ["a.py"]}, "has the query None"),
        ({"query": "  ", "relevant": ["a.py"]}, "has the query '  '"),
        ({"query": "q"}, 'has None as "relevant"; it wants a list'),
        ({"query": "q", "relevant": []}, "has no target"),
        ({"query": "q", "relevant": "a.py"}, "has 'a.py' as \"relevant\""),
        ({"query": "q", "relevant": [3]}, 'names 3 in "relevant"'),
        ({"query": "q", "relevant": [{"start_line": 3}]}, "names {'start_line': 3}"),
        ({"query": "q", "relevant": ["a.py"], "secondary": "b.py"}, 'as "secondary"'),
        ({"query": "q", "relevant": ["a.py"], "category": 3}, "has the category 3"),
        (
            {"query": "q", "relevant": [{"path": "a.py", "start_line": 9, "end_line": 3}]},
            "gives 'a.py' the lines 9 to 3",
        ),
        (
            {"query": "q", "relevant": [{"path": "a.py", "start_line": 0}]},
            "gives 'a.py' the lines 0 to None",
        ),
        (
            {"query": "q", "relevant": [{"path": "a.py", "start_line": "3"}]},
            "gives 'a.py' the lines '3' to None",
        ),
    ],
)
def test_a_bad_entry_is_named_by_its_number(file, entry, sentence):
    with pytest.raises(BadQueries) as raised:
        load(file([GOOD, entry]))
    assert "entry 2 of" in str(raised.value)
    assert sentence in str(raised.value)


def test_a_query_that_stands_there_twice_is_named(file):
    with pytest.raises(BadQueries, match="entry 3 .* repeats entry 1"):
        load(file([GOOD, GOOD | {"query": "other"}, GOOD]))


@pytest.mark.parametrize("content", ["{not json", "", "[]", "{}", '"text"'])
def test_what_is_no_list_of_queries_is_refused(file, content):
    with pytest.raises(BadQueries, match=r"queries\.json"):
        load(file(content))


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(BadQueries, match="cannot be read"):
        load(tmp_path / "none.json")
