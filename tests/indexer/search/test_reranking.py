"""A second look at the best hits: one voice more, and without it everything as it was."""

from __future__ import annotations

import json

import numpy as np
import pytest

from homespun.indexer.config import IndexConfig
from homespun.indexer.index import Index
from homespun.indexer.search.reranking import Reranking, open_reranking
from homespun.models.errors import RemoteFailed
from homespun.settings import user_file
from tests.support import tiny_cross_encoder
from tests.support.command import run_command
from tests.support.model_server import answer
from tests.support.scratch import write_files
from tests.support.vector_server import EMBEDDINGS, RERANK, VectorServer, ranks

pytestmark = pytest.mark.usefixtures("patient")
FILES = {
    "oven.py": "def bake_bread(oven):\n    return oven\n",
    "lamp.py": "def switch_light(room):\n    return room  # bread\n",
    "tap.py": "def pour_water(room):\n    return room  # bread and water\n",
    "post.py": "def send_parcel(address):\n    return address  # no bread\n",
}
QUERY = "where is the bread"
QUERIES = [
    {"query": QUERY, "category": "semantic", "relevant": ["lamp.py"]},
    {"query": "pour water", "category": "semantic", "relevant": ["tap.py"]},
]


@pytest.fixture
def repo(tmp_path):
    root = tmp_path / "repo"
    write_files(root, FILES)
    (tmp_path / "q.json").write_text(json.dumps(QUERIES))
    return root


@pytest.fixture
def index(repo):
    made = Index.open(repo, IndexConfig(encoder="none"), create=True)
    made.update()
    return made


def likes(word):
    return lambda query, text: float(text.count(word))


class Judge:
    """A reranker that says what it is told to; public and named so."""

    name = "judge"

    def __init__(self, scores):
        self.scores = scores
        self.asked = []

    def relevance(self, query, texts):
        self.asked.append((query, list(texts)))
        if isinstance(self.scores, Exception):
            raise self.scores
        return np.array(self.scores[: len(texts)], np.float32)


def reranking(scores, *, candidates=40, weight=1.0):
    return Reranking(Judge(scores), candidates=candidates, weight=weight)


def paths(hits):
    return [hit.path for hit in hits]


def test_the_one_it_likes_best_gets_the_weight_and_the_sum_stays_the_score(index):
    before = index.search(QUERY)
    scores = [float(n) for n in range(len(before))]
    index.use_reranking(reranking(scores, weight=2.0))
    after = index.search(QUERY)
    by_path = {hit.path: hit for hit in after}
    shares = [by_path[hit.path].why["reranker"] for hit in before]
    assert shares == pytest.approx([2.0 * n / (len(before) - 1) for n in scores])
    assert all(hit.score == pytest.approx(sum(hit.why.values())) for hit in after)
    assert [hit.score for hit in after] == sorted((hit.score for hit in after), reverse=True)
    index.use_reranking(reranking(scores, weight=1000.0))
    assert paths(index.search(QUERY)) == paths(before)[::-1]


def test_it_reads_the_question_and_each_path_with_its_text(index):
    index.use_reranking(reranking([0.0] * 10))
    hits = index.search(QUERY)
    (asked,) = index._reranking.reranker.asked
    assert asked == (QUERY, [f"{hit.path}\n{hit.text}" for hit in hits])


def test_a_smaller_limit_gives_the_beginning_of_what_a_larger_one_gives(index):
    index.use_reranking(reranking([0.0, 3.0, 1.0, 2.0], weight=5.0))
    every = index.search(QUERY)
    assert len(every) == 4
    assert all(index.search(QUERY, limit=limit) == every[:limit] for limit in (1, 2, 3))


def test_hits_behind_the_first_candidates_stay_where_they_are(index):
    before = index.search(QUERY)
    index.use_reranking(reranking([0.0, 1.0], candidates=2, weight=1000.0))
    after = index.search(QUERY)
    assert paths(after) == [before[1].path, before[0].path, before[2].path, before[3].path]
    assert after[2:] == before[2:]


def test_equal_scores_change_no_order(index):
    before = index.search(QUERY)
    index.use_reranking(reranking([7.0] * 10))
    assert paths(index.search(QUERY)) == paths(before)


def test_where_it_fails_the_order_is_the_one_without_it_and_that_is_said_once(index):
    before = index.search(QUERY)
    index.use_reranking(reranking(RemoteFailed("nothing answers at http://127.0.0.1:9")))
    said = []
    index.fallbacks.say = said.append
    assert index.search(QUERY) == before
    assert index.search(QUERY) == before
    assert said == [
        "the hits are in the order without a reranker: nothing answers at http://127.0.0.1:9"
    ]


def test_without_settings_nothing_is_opened_and_hits_are_as_they_were(index, repo):
    said = []
    assert open_reranking(workspace=repo, say=said.append) is None
    assert said == []
    before = index.search(QUERY)
    index.use_reranking(None)
    assert index.search(QUERY) == before
    assert "reranker" not in before[0].why


# --- the command


def test_the_command_asks_the_users_server(repo, index, serving, capsys):
    http = serving({RERANK: ranks(likes("water"))})
    user_file().write_text(f'[search]\nreranker = "{http.url}"\nreranker_weight = 50\n')
    status, out, err = run_command(
        capsys, "search", QUERY, "--path", repo, "--mode", "lexical", "--json"
    )
    assert (status, err) == (0, "")
    hits = json.loads(out)["hits"]
    assert hits[0]["path"] == "tap.py"
    assert hits[0]["why"]["reranker"] == 50
    assert http.asked[0].body["query"] == QUERY


def test_a_workspace_names_no_reranker(repo, index, serving, capsys):
    http = serving({RERANK: ranks(likes("water"))})
    (repo / "homespun.toml").write_text(f'[search]\nreranker = "{http.url}"\n')
    status, out, err = run_command(capsys, "search", QUERY, "--path", repo, "--mode", "lexical")
    assert status == 0 and "setting 'search.reranker' in" in err
    Index.open(repo).search(QUERY)
    assert http.asked == []


def test_the_command_says_a_server_that_fails_once(repo, index, serving, capsys, tmp_path):
    http = serving({RERANK: answer({"error": "no"}, status=500)})
    words = ("search", "--queries", tmp_path / "q.json", "--path", repo, "--mode", "lexical")
    plain = run_command(capsys, *words)[1]
    status, out, err = run_command(capsys, *words, "--reranker", http.url)
    assert (status, out) == (0, plain)
    assert err.count("the order without a reranker") == 1


def test_the_command_takes_a_cross_encoder_in_a_folder(repo, index, tmp_path, capsys):
    folder = tiny_cross_encoder.save(tmp_path / "reranker")
    words = ("search", "bread, water", "--path", repo, "--mode", "lexical", "--reranker", folder)
    status, out, err = run_command(capsys, *words, "--explain")
    assert status == 0 and out.startswith("tap.py")
    assert "reranker +1.0000" in out
    assert "is used from now on: sha256" in err
    assert run_command(capsys, *words)[2] == ""


def test_python_asks_what_the_users_settings_name(repo, serving):
    http = serving({RERANK: ranks(likes("parcel"))})
    user_file().write_text(
        f'[index]\nencoder = "none"\n[search]\nreranker = "{http.url}"\nreranker_weight = 50\n'
    )
    assert Index.open(repo).search(QUERY)[0].path == "post.py"


# --- seen before it is believed


def tried(capsys, repo, *arguments):
    words = ("eval", "retrieval", repo.parent / "q.json", "--path", repo)
    return run_command(capsys, *words, *arguments)


def test_a_reranker_is_measured_beside_the_search_without_it(repo, serving, capsys):
    http = serving({RERANK: ranks(likes("lamp"))})
    flags = ("--mode", "lexical", "--reranker", http.url)
    status, out, _ = tried(capsys, repo, *flags)
    assert status == 0
    assert f"search, lexical, encoder none, reranker {http.url}" in out
    assert "against the search as it is set: " in out
    assert f"reranker: none in the search as it is set, {http.url} now" in out
    body = json.loads(tried(capsys, repo, *flags, "--json")[1])
    before, after = (
        {r["query"]: r for r in body[k]["corpora"][0]["rows"]} for k in ("without", "with")
    )
    assert after[QUERY]["ndcg"] >= before[QUERY]["ndcg"]
    assert body["comparison"]["obstacle"] == ""


def test_an_encoder_is_measured_and_the_index_has_its_own_again(repo, serving, capsys):
    server = VectorServer()
    http = serving({EMBEDDINGS: server.reply})
    Index.open(repo)
    status, out, _ = tried(capsys, repo, "--encoder", f"openai:m@{http.url}")
    assert status == 0
    assert f"search, hybrid, encoder openai:m@{http.url}#" in out
    assert "search, hybrid, encoder homespun-static-1" in out
    assert Index.open(repo, IndexConfig()).encoder_stamp.name == "homespun-static-1"
    asked = server.requests
    tried(capsys, repo, "--encoder", f"openai:m@{http.url}")
    assert server.requests == asked + len(QUERIES) + 1  # the queries; the vectors were kept


@pytest.mark.parametrize("flag", ["--reranker", "--encoder"])
def test_what_does_not_answer_is_not_measured(flag, repo, serving, capsys):
    http = serving({RERANK: answer({}, status=500), EMBEDDINGS: answer({}, status=401)})
    value = http.url if flag == "--reranker" else f"openai:m@{http.url}"
    status, out, err = tried(capsys, repo, flag, value)
    assert (status, out) == (1, "")
    assert http.url in err


def test_a_try_is_not_accepted(repo, capsys):
    status, _, err = tried(capsys, repo, "--reranker", "http://127.0.0.1:9", "--accept")
    assert status == 2 and "--accept takes what is set" in err
