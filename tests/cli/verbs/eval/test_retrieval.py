"""`homespun eval retrieval` as a user runs it."""

from __future__ import annotations

import json

import pytest

from homespun.indexer.index import Index
from tests.support.command import run_command
from tests.support.scratch import write_files

FILES = {
    "basket.py": "class Basket:\n    def add_price(self, price): ...\n",
    "oven.py": "def bake_bread(minutes):\n    return minutes\n",
    "post.py": "def send_parcel(address):\n    return address\n",
    "lamp.py": "def switch_light(room):\n    return room\n",
    "tap.py": "def pour_water(litres):\n    return litres\n",
    "door.py": "def lock_entrance(key):\n    return key\n",
}
QUERIES = [
    {"query": "Basket", "category": "symbol", "relevant": ["basket.py"]},
    {"query": "bake bread", "category": "semantic", "relevant": ["oven.py"]},
    {"query": "send a parcel", "category": "semantic", "relevant": ["post.py"]},
    {"query": "switch the light", "category": "semantic", "relevant": ["lamp.py"]},
    {"query": "pour water", "category": "semantic", "relevant": ["tap.py"]},
    {"query": "lock the entrance", "category": "semantic", "relevant": ["door.py"]},
]


@pytest.fixture
def repo(tmp_path):
    root = tmp_path / "repo"
    write_files(root, FILES)
    (tmp_path / "q.json").write_text(json.dumps(QUERIES))
    return root


@pytest.fixture
def run(repo, capsys):
    def call(*arguments, queries="q.json", mode="lexical"):
        words = ["eval", "retrieval", repo.parent / queries, "--path", repo, "--mode", mode]
        status, out, err = run_command(capsys, *words, *arguments)
        said = [line for line in err.splitlines() if "homespun: " in line or "error: " in line]
        return status, out, said[-1] if said else ""

    return call


def plant_a_regression(monkeypatch):
    """Let the search find nothing."""
    monkeypatch.setattr(Index, "search", lambda *_args, **_options: [])


def test_the_table_has_the_queries_the_categories_and_the_metrics(run):
    status, out, last = run()
    assert status == 0
    assert "search, lexical, encoder none" in out
    rows = {line.split()[0]: line.split()[1:5] for line in out.splitlines() if line.split()}
    assert rows["q"] == ["6", "1.000", "1.000-1.000", "1.000"]
    assert rows["symbol"][0] == "1" and rows["semantic"][0] == "5"
    assert "there is no accepted report" in last and "--accept" in last


def test_the_first_run_indexes_and_a_later_one_sees_what_has_changed(run, repo):
    assert run()[0] == 0
    (repo / "oven.py").write_text("nothing = 1\n")
    body = json.loads(run("--json")[1])
    scores = {row["query"]: row["ndcg"] for row in body["corpora"][0]["rows"]}
    assert scores["bake bread"] == 0.0 and scores["Basket"] == 1.0


def test_an_equal_run_passes_the_gate(run):
    assert run("--accept")[0] == 0
    status, out, last = run()
    assert (status, last) == (0, "")
    assert "against the accepted report: +0.000 [+0.000, +0.000] over 6 queries, 0 worse" in out


def test_a_planted_regression_closes_the_gate_and_names_the_queries(run, monkeypatch):
    run("--accept")
    plant_a_regression(monkeypatch)
    status, out, last = run()
    assert status == 1
    assert "the search got worse: NDCG -1.000 [-1.000, -1.000]" in last
    assert "6 queries are worse" in last
    assert "worse  1.00 -> 0.00  q: 'pour water'" in out


def test_what_is_worse_can_be_accepted(run, monkeypatch):
    run("--accept")
    plant_a_regression(monkeypatch)
    assert run("--accept")[0] == 0
    assert run()[0] == 0


def test_the_accepted_report_lies_beside_the_index_one_for_each_mode(run, repo):
    run("--accept")
    assert [path.name for path in (repo / ".homespun/eval").iterdir()] == ["q-lexical.json"]


def test_the_accepted_report_may_lie_elsewhere(run, tmp_path):
    kept = tmp_path / "reports" / "mine.json"
    assert run("--accept", "--accepted", kept)[0] == 0
    assert "parcel" not in kept.read_text()
    status, out, _ = run("--accepted", kept)
    assert status == 0 and "against the accepted report" in out


def test_other_queries_cannot_be_compared(run, repo):
    run("--accept")
    (repo.parent / "q.json").write_text(json.dumps(QUERIES[:4]))
    status, _, last = run()
    assert status == 1
    assert "the queries of q differ from those of the accepted report (0 new or changed" in last


def test_other_files_cannot_be_compared(run, repo):
    run("--accept")
    (repo / "new.py").write_text("def later(): ...\n")
    status, _, last = run()
    assert status == 1 and "the files of q are not those of the accepted report" in last
    assert run("--accept")[0] == 0
    assert run()[0] == 0


def test_json_is_all_that_stands_on_stdout(run):
    run("--accept")
    status, out, _ = run("--json")
    body = json.loads(out)
    assert status == 0
    assert set(body) == {"format", "mode", "limit", "versions", "corpora", "comparison"}
    (corpus,) = body["corpora"]
    assert (corpus["name"], corpus["files"], len(corpus["rows"])) == ("q", 6, 6)
    assert corpus["rows"][0]["found"][0] == "basket.py:1"
    assert body["comparison"]["difference"] == {"mean": 0.0, "low": 0.0, "high": 0.0}
    assert body["comparison"]["failed"] is False


def test_queries_below_a_score_are_listed_with_what_was_found(run, monkeypatch):
    plant_a_regression(monkeypatch)
    out = run("--below", "0.5")[1]
    assert "0.00  'pour water' found nothing" in out


def test_a_query_without_a_target_in_the_index_is_named(run, repo):
    lost = [*QUERIES, {"query": "lost", "relevant": ["deleted.py"]}]
    (repo.parent / "q.json").write_text(json.dumps(lost))
    assert "no target of 'lost' is in the index of q; it scores 0" in run()[1]
    assert json.loads(run("--json")[1])["corpora"][0]["unanswerable"] == ["lost"]


def test_a_bad_entry_is_one_sentence_with_its_number(run, repo):
    (repo.parent / "q.json").write_text(json.dumps([QUERIES[0], {"query": "x"}]))
    status, out, last = run()
    assert (status, out) == (1, "")
    assert last.startswith("homespun: entry 2 of ") and "wants a list of paths" in last


def test_a_damaged_report_says_so_and_can_be_replaced(run, repo):
    run("--accept")
    (repo / ".homespun/eval/q-lexical.json").write_text("{broken")
    status, _, last = run()
    assert status == 1 and "cannot be read" in last
    assert run("--accept")[0] == 0
    assert run()[0] == 0


def test_a_report_that_came_with_the_folder_is_not_compared_with(run, repo, tmp_path, monkeypatch):
    run("--accept")
    monkeypatch.setenv("HOMESPUN_HOME", str(tmp_path / "another machine"))
    status, _, last = run()
    assert status == 1 and "was not accepted on this machine" in last
    assert run("--accept")[0] == 0
    assert run()[0] == 0


def test_hybrid_without_its_encoder_says_what_to_do(run, monkeypatch):
    monkeypatch.setenv("HOMESPUN_INDEX_ENCODER", "all-minilm-l6-v2")
    status, _, last = run(mode="hybrid")
    assert status == 1
    assert "homespun models fetch all-minilm-l6-v2" in last and "--mode lexical" in last


@pytest.mark.parametrize(
    ("arguments", "mode", "sentence"),
    [
        (["--limit", "0"], "lexical", "--limit is 0; give 1 or more"),
        ([], "dense", "--mode dense needs an encoder"),
    ],
)
def test_arguments_without_sense_are_refused(run, monkeypatch, arguments, mode, sentence):
    monkeypatch.setenv("HOMESPUN_INDEX_ENCODER", "none")
    status, _, last = run(*arguments, mode=mode)
    assert status == 2 and sentence in last
