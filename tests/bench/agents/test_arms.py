"""Both arms on a small folder: the real index, the real grep, and what is counted."""

from __future__ import annotations

import pytest

from bench.agents.grep_arm import grep, ranked, words_of
from bench.agents.run import AgentRow, chosen, table
from bench.agents.search_arm import search
from bench.agents.trail import MAX_OPENED, Trail, window
from bench.retrieval.corpora import corpora
from homespun.indexer.evaluation.queries import Query, Target
from homespun.indexer.index import Index
from homespun.indexer.types import Region
from homespun.server.agents.knowledge import Knowledge

QUERY = Query("wraps a long description to the terminal's width", "all", (Target("src/help.py"),))
HELP = "def wrap(text, width):\n    '''Wrap a description to the width of a terminal.'''\n"
OTHERS = 12


@pytest.fixture
def root(tmp_path):
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "help.py").write_text("import os\n" * 100 + HELP)
    for number in range(OTHERS):
        text = f"def long_{number}(path):\n    return path * {number}\n"
        (tmp_path / "src" / f"other{number}.py").write_text(text)
    return tmp_path


def words(text):
    return len(text.split())


def test_the_search_arm_finds_and_counts_what_it_read(root):
    knowledge = Knowledge(root, Index.open(root))
    trail = Trail(words)
    search(trail, knowledge, root, QUERY, "")
    assert (trail.is_found, trail.opened, trail.calls) == (True, 1, 2)
    answer = knowledge.search(QUERY.text, top_k=5).to_text()
    assert trail.tokens == words(answer) + words((root / "src/help.py").read_text())
    assert trail.ms > 0


def test_the_search_arm_asks_once_more_and_opens_nothing_twice(root):
    elsewhere = Query(QUERY.text, "all", (Target("src/nowhere.py"),))
    knowledge = Knowledge(root, Index.open(root))
    trail = Trail(words)
    search(trail, knowledge, root, elsewhere, "")
    first, all_of_them = (knowledge.search(QUERY.text, top_k=count) for count in (5, MAX_OPENED))
    files = [(root / place.path).read_text() for place in all_of_them.places]
    assert not trail.is_found
    assert (trail.opened, trail.calls) == (len(files), len(files) + 2)
    read = [first.to_text(), all_of_them.to_text(), *files]
    assert trail.tokens == sum(map(words, read))


def test_the_grep_arm_finds_and_counts_each_call(root):
    trail = Trail(words)
    grep(trail, root, QUERY, "")
    listed = len(words_of(QUERY.text))
    assert (trail.is_found, trail.opened) == (True, 1)
    assert trail.calls == listed + 2  # the lines of the file, and the window of it


def test_the_grep_arm_gives_up(root):
    trail = Trail(words)
    grep(trail, root, Query("long path", "all", (Target("src/help.py"),)), "")
    assert (trail.is_found, trail.opened) == (False, MAX_OPENED)
    assert trail.tokens > 0


def test_a_target_with_lines_wants_these_lines(root):
    wanted = Query("import os", "all", (Target("src/help.py", 95, 101),))
    trail = Trail(words)
    assert not trail.open(root, Region("src/help.py", 1, 1), wanted, "")
    assert trail.open(root, Region("src/help.py", 90, 90), wanted, "")
    deep = Query("import os", "all", (Target("package/src/help.py", 95, 101),))
    assert not trail.open(root, Region("src/help.py", 90, 90), deep, "")
    assert trail.open(root, Region("src/help.py", 90, 90), deep, "package")


def test_words_are_names_as_they_stand_and_others_without_their_ending():
    assert words_of("How does Session.send retry_all the wrapped requests?") == [
        "Session.send",
        "retry_all",
        "wrapp",
        "request",
    ]
    assert len(words_of(" ".join(f"word{n}" for n in range(30)))) == 8


def test_files_with_more_and_rarer_words_come_first():
    holders = {"common": ["a", "b", "c", "d"], "rare": ["d"], "other": ["b", "c"]}
    assert ranked(holders) == ["d", "b", "c", "a"]


def test_a_window_has_its_place_in_the_middle_and_a_long_place_is_read_whole():
    assert window(Region("a", 500, 500), 1000) == (461, 540)
    assert window(Region("a", 3, 4), 20) == (1, 20)
    assert window(Region("a", 10, 300), 1000) == (10, 300)


def test_questions_are_taken_turn_by_turn():
    asked = chosen(corpora(("own",), split="held"), 13)
    counts = [len(queries) for _, queries in asked]
    assert sum(counts) == 13
    assert max(counts) - min(counts) == 1
    assert all(queries == corpus.queries[: len(queries)] for corpus, queries in asked)


def test_the_table_has_a_row_an_arm():
    rows = [
        AgentRow("a", "python", "q", arm, arm == "search", 1, calls, tokens, 1.0)
        for arm, calls, tokens in (("search", 2, 100), ("grep", 9, 2_000))
    ]
    lines = table(rows).splitlines()
    assert lines[2] == "| search | 1 of 1 [0.21, 1.00] | 2 | 100 | 100 | 1.0 |"
    assert lines[3] == "| grep | 0 of 1 [0.00, 0.79] | 9 | 2,000 | 2,000 | 1.0 |"
