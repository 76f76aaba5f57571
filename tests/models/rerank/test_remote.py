"""A reranker at an address: what is sent, what is believed, what each fault says."""

from __future__ import annotations

import json

import pytest

from homespun.indexer.secrets.mask import mask_part
from homespun.models.errors import RemoteError, RemoteFailed, RemoteRefused, UnknownModel
from homespun.models.rerank.open import open_reranker
from homespun.models.rerank.options import SECTION, RerankerOptions
from homespun.settings import resolve, user_file
from tests.support.model_server import Reply, answer
from tests.support.vector_server import RERANK, ranks

KEY = "sk-planted-4fX9q2LmT7vRz1Kd8sNw"
TOKEN = "ghp_" + "9aB3kLmN0pQrStUvWxYz1C2d4E5f6G7h8I9j"[:36]
TEXTS = ["short", "a much longer text", "middle one"]


def opened(url, **settings):
    settings = {"reranker_timeout_ms": 60_000, **settings}
    return open_reranker(RerankerOptions(reranker=url, **settings), mask=mask_part, say=print)


def by_length(query, text):
    return len(text) / 10


@pytest.mark.parametrize("key", ["results", "data"])
def test_scores_come_in_the_order_of_the_texts(key, serving):
    http = serving({RERANK: ranks(by_length, key)})
    scores = opened(http.url, reranker_model="bge").relevance("which?", TEXTS)
    assert scores.tolist() == pytest.approx([0.5, 1.8, 1.0])
    body = http.asked[0].body
    assert body == {"query": "which?", "documents": TEXTS, "top_n": 3, "model": "bge"}
    assert "model" not in json.dumps(
        [opened(http.url).relevance("q", ["a", "b"]).tolist(), http.asked[-1].body]
    )


@pytest.mark.parametrize(
    ("ending", "served", "asked"),
    [
        ("", "/v1/rerank", ["/v1/rerank", "/v1/rerank"]),
        ("", "/rerank", ["/v1/rerank", "/rerank", "/rerank"]),
        ("/v1", "/v1/rerank", ["/v1/rerank", "/v1/rerank"]),
        ("/v2/rerank", "/v2/rerank", ["/v2/rerank", "/v2/rerank"]),
        ("/team/rerank/", "/team/rerank", ["/team/rerank", "/team/rerank"]),
    ],
)
def test_the_path_is_found_and_kept(ending, served, asked, serving):
    http = serving({served: ranks(by_length)})
    reranker = opened(http.url + ending)
    reranker.relevance("q", TEXTS)
    reranker.relevance("q", TEXTS)
    assert [each.path for each in http.asked] == asked


def test_secrets_are_masked_and_long_texts_are_cut(serving):
    http = serving({RERANK: ranks(by_length)})
    texts = [f'login("{TOKEN}")', "x" * 100_000]
    opened(http.url).relevance(f'token = "{TOKEN}"', texts)
    sent = json.dumps(http.asked[0].body)
    assert TOKEN not in sent and TOKEN[:20] not in sent
    assert "login" in sent
    assert len(sent) < 10_000


def results(*rows, **more):
    return answer({"results": [{"index": n, "relevance_score": s} for n, s in rows]}, **more)


FAULTS = {
    "401": (answer({"error": f"no {KEY}"}, status=401), "set search.reranker_api_key_env"),
    "404": (answer({"error": "no model"}, status=404), "look at search.reranker and"),
    "429": (answer({}, status=429, headers={"Retry-After": "30"}), "too many requests"),
    "500": (answer({"error": "out of memory"}, status=500), "fails (500: out of memory)"),
    "a web page": (Reply("<html>", content_type="text/html"), "answers with a web page"),
    "no JSON": (Reply("{nothing"), "no JSON"),
    "no results": (answer({"results": {}}), "holds no results"),
    "too few": (results((0, 1.0)), "judges 1 of 3 texts"),
    "a place that is none": (results((0, 1.0), (1, 1.0), (7, 1.0)), "which text"),
    "a place twice": (results((0, 1.0), (1, 1.0), (1, 1.0)), "twice"),
    "no score": (results((0, 1.0), (1, 1.0), (2, "high")), "in place of a score"),
    "no row": (answer({"results": [1, 2, 3]}), "which text"),
    "NaN": (Reply('{"results": [{"index": 0, "relevance_score": NaN}, 1, 2]}'), "of a score"),
    "no answer": (Reply(hangs_up=True), "closed the connection"),
    "a server that takes too long": (Reply(waits=True), "has not answered in time"),
}


@pytest.mark.parametrize(("reply", "sentence"), FAULTS.values(), ids=FAULTS)
def test_a_fault_is_a_sentence(reply, sentence, serving, monkeypatch):
    monkeypatch.setenv("MY_KEY", KEY)
    http = serving({RERANK: reply, "/rerank": reply})
    milliseconds = 500 if reply.waits else 60_000
    reranker = opened(http.url, reranker_api_key_env="MY_KEY", reranker_timeout_ms=milliseconds)
    with pytest.raises(RemoteError) as raised:
        reranker.relevance("q", TEXTS)
    assert sentence in str(raised.value)
    assert KEY not in str(raised.value)
    assert http.asked[0].headers["authorization"] == f"Bearer {KEY}"


def test_a_server_that_fails_again_and_again_is_left_alone(serving):
    http = serving({RERANK: answer({}, status=500)})
    reranker = opened(http.url)
    for _ in range(5):
        with pytest.raises(RemoteFailed):
            reranker.relevance("q", TEXTS)
    assert len(http.asked) == 3


@pytest.mark.parametrize("file", ["homespun.toml", "pyproject.toml"])
def test_a_workspace_sets_no_part_of_it(file, tmp_path):
    table = "search" if file == "homespun.toml" else "tool.homespun.search"
    (tmp_path / file).write_text(
        f'[{table}]\nreranker = "https://evil.example"\nreranker_model = "m"\n'
        'reranker_api_key_env = "AWS_SECRET_ACCESS_KEY"\nreranker_headers = ["A: b"]\n'
        'reranker_sha256 = "00"\nreranker_candidates = 200\nreranker_timeout_ms = 60000\n'
        "reranker_weight = 9.0\n"
    )
    resolved = resolve(RerankerOptions, SECTION, workspace=tmp_path)
    assert resolved.value == RerankerOptions()
    assert "only the user may set it" in resolved.faults[0]
    user_file().write_text('[search]\nreranker = "http://127.0.0.1:8080"\n')
    resolved = resolve(RerankerOptions, SECTION, workspace=tmp_path)
    assert resolved.value == RerankerOptions(reranker="http://127.0.0.1:8080")


@pytest.mark.parametrize("name", ["reranker", "./models/reranker", "models"])
def test_a_folder_is_named_by_its_whole_path(name):
    with pytest.raises(UnknownModel, match="whole path"):
        opened(name)


def test_plain_http_to_the_internet_is_refused():
    with pytest.raises(RemoteRefused, match="search.reranker is 'http://r.example'"):
        opened("http://r.example")
