"""Vectors that a server computes: what is sent, what is believed, what each fault says."""

from __future__ import annotations

import json
import threading

import numpy as np
import pytest

from homespun.indexer.secrets.mask import mask_part
from homespun.models.errors import RemoteError, RemoteFailed, RemoteRefused
from homespun.models.fakes import FakeEncoder
from homespun.models.remote.vectors import encoder as remote_encoder
from homespun.models.remote.vectors.encoder_name import encoder_name, is_address
from homespun.models.remote.vectors.families import families, family_of
from homespun.models.remote.vectors.open import open_remote_encoder
from homespun.models.remote.vectors.options import EncoderOptions
from homespun.models.remote.wire import client as wire_client
from tests.support.model_server import Reply, answer
from tests.support.vector_server import EMBEDDINGS, VectorServer, packed

KEY = "sk-planted-4fX9q2LmT7vRz1Kd8sNw"
TOKEN = "ghp_" + "9aB3kLmN0pQrStUvWxYz1C2d4E5f6G7h8I9j"[:36]
TEXTS = ["def add(a, b): return a + b", "class Basket: ...", "import os", "x = 1", "y", "z" * 50]


@pytest.fixture
def opened():
    made = []

    def make(url, model="m", say=None, **settings):
        options = EncoderOptions(**{"query_timeout_ms": 60_000, **settings})
        name = f"openai:{model}@{url}"
        made.append(open_remote_encoder(name, options, mask=mask_part, say=say or print))
        return made[-1]

    yield make
    for each in made:
        each.leave()


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch):
    monkeypatch.setattr(wire_client, "_FIRST_PAUSE_SECONDS", 0.001)


WAYS = {
    "base64": {},
    "numbers": {"takes_base64": False},
    "not of unit length": {"scale": 37.5},
    "backwards": {"backwards": True},
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_vectors_over_http_are_those_of_the_encoder(way, serving, opened):
    server = VectorServer(**way)
    encoder = opened(serving(server.replies).url, batch=4)
    vectors = encoder.encode(TEXTS)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(vectors, server.encoder.encode(TEXTS), atol=1e-6)
    np.testing.assert_allclose(encoder.encode_query("x = 1"), vectors[3], atol=1e-6)
    assert encoder.dimensions == 16


def test_a_text_without_a_word_is_not_sent_and_gets_zeros(serving, opened):
    server = VectorServer()
    vectors = opened(serving(server.replies).url).encode(["a", " \n", "b"])
    assert server.texts == ["a", "b"]
    assert not vectors[1].any()
    np.testing.assert_allclose(np.linalg.norm(vectors[[0, 2]], axis=1), 1, atol=1e-6)


def test_requests_are_bounded_by_number_by_text_and_by_what_comes_back(
    serving, opened, monkeypatch
):
    monkeypatch.setattr(remote_encoder, "_FIRST_REQUEST_CHARS", 100)
    monkeypatch.setattr(remote_encoder, "_MAX_REQUEST_CHARS", 100)
    monkeypatch.setattr(remote_encoder, "_MAX_REPLY_BYTES", 1000)  # five vectors of 196 bytes
    server = VectorServer()
    http = serving(server.replies)
    encoder = opened(http.url, batch=6)
    encoder.encode(["t"])
    encoder.encode([f"{n}" for n in range(12)])
    encoder.encode(["a" * 60, "b" * 60, "c" * 150, "d"])
    sizes = [len(asked.body["input"]) for asked in http.to(EMBEDDINGS)]
    assert sizes == [1, 5, 5, 2, 1, 1, 1, 1]


def test_the_length_is_learned_by_a_text_of_ours_unless_it_is_known(serving, opened):
    server = VectorServer()
    http = serving(server.replies)
    knows = opened(http.url)
    knows.expect(16)
    assert (knows.dimensions, http.asked) == (16, [])
    assert opened(http.url).dimensions == 16
    assert server.texts == [remote_encoder._PROBE]


def test_a_family_is_asked_as_it_was_trained(serving, opened):
    server = VectorServer()
    http = serving(server.replies)
    encoder = opened(http.url, model="nomic-embed-text:v1.5")
    encoder.encode(["one"])
    encoder.encode_query("two")
    assert server.texts == ["search_document: one", "search_query: two"]
    voyage = opened(http.url, model="voyage-code-3")
    voyage.encode(["one"])
    voyage.encode_query("two")
    assert [asked.body.get("input_type") for asked in http.asked[2:]] == ["document", "query"]
    own = opened(http.url, model="nomic-embed-text", passage_prefix="", query_prefix="ask: ")
    own.encode(["one"])
    own.encode_query("two")
    assert server.texts[-2:] == ["one", "ask: two"]


def test_the_families_name_each_other_apart():
    names = [name for family in families() for name in family.names]
    assert len(names) == len({*names})
    assert all(family_of(name) is family for family in families() for name in family.names)
    assert family_of("intfloat/multilingual-e5-large-instruct").query.startswith("Instruct: ")
    assert family_of("text-embedding-3-small").query == ""


def test_secrets_are_masked_in_all_that_is_sent(serving, opened):
    server = VectorServer()
    http = serving(server.replies)
    encoder = opened(http.url)
    text = f'def connect():\n    return Client(token="{TOKEN}", password="correct-Horse7battery")\n'
    encoder.encode([text])
    encoder.encode_query(f'who uses "{TOKEN}"')
    sent = json.dumps([asked.body for asked in http.asked])
    assert "def connect" in sent and "who uses" in sent
    found = [bit for bit in (TOKEN, TOKEN[:20], TOKEN[20:], "Horse7battery") if bit in sent]
    assert found == []


def test_a_key_of_the_environment_goes_along_and_is_in_no_sentence(serving, opened, monkeypatch):
    monkeypatch.setenv("MY_KEY", KEY)
    http = serving({EMBEDDINGS: answer({"error": {"message": f"bad key {KEY}"}}, status=401)})
    encoder = opened(http.url, api_key_env="MY_KEY")
    with pytest.raises(RemoteRefused) as refused:
        encoder.encode(["a"])
    assert http.asked[0].headers["authorization"] == f"Bearer {KEY}"
    assert "set encoder.api_key_env" in str(refused.value)
    assert KEY not in str(refused.value)


def embeddings(*vectors, **more):
    return answer({"data": [{"index": n, "embedding": v} for n, v in enumerate(vectors)]}, **more)


NAN = packed([1.0, float("nan")], in_base64=True)
FAULTS = {
    "401": (answer({}, status=401), "does not let us in (401)"),
    "404": (answer({"error": "no such model"}, status=404), "look at the model and the address in"),
    "400": (answer({"error": {"message": "unknown field"}}, status=400), "(400: unknown field)"),
    "500": (answer({"error": "out of memory"}, status=500), "fails (500: out of memory)"),
    "a web page": (Reply("<html>", content_type="text/html"), "answers with a web page"),
    "no JSON": (Reply("{nothing"), "no JSON"),
    "no vectors": (answer({"data": 5}), "holds no vectors"),
    "no object": (answer([1, 2]), "holds no vectors"),
    "too few vectors": (embeddings([1.0, 2.0]), "returns 1 vectors for 2 texts"),
    "too many vectors": (embeddings([1.0], [1.0], [1.0]), "returns 3 vectors for 2 texts"),
    "vectors of several lengths": (embeddings([1.0], [1.0, 2.0]), "of several lengths"),
    "empty vectors": (embeddings([], []), "of several lengths, or empty ones"),
    "NaN": (embeddings(NAN, NAN), "that is no number"),
    "a number without a bound": (embeddings([1.0], [10**400]), "in place of a vector"),
    "words": (embeddings(["one"], ["two"]), "in place of a vector"),
    "half a number": (embeddings("AAA=", "AAA="), "in place of a vector"),
    "the same place twice": (
        answer({"data": [{"index": 0, "embedding": [1.0]}] * 2}),
        "which vector belongs to which text",
    ),
    "no answer": (Reply(hangs_up=True), "closed the connection without an answer"),
    "half an answer": (Reply(chunks=('{"data": [',), breaks_off=True), "in the midst"),
    "a redirect": (Reply(status=307, headers={"Location": "http://e.example/"}), "307"),
}


@pytest.mark.parametrize(("reply", "sentence"), FAULTS.values(), ids=FAULTS)
def test_a_fault_is_a_sentence(reply, sentence, serving, opened, monkeypatch):
    monkeypatch.setattr(remote_encoder, "_RETRIES", 1)
    with pytest.raises(RemoteError) as raised:
        opened(serving({EMBEDDINGS: reply}).url).encode(["one", "two"])
    assert sentence in str(raised.value)
    assert "model.remote" not in str(raised.value)


def test_nobody_at_the_address_is_said(opened):
    with pytest.raises(RemoteFailed, match="nothing answers at http://127.0.0.1:9"):
        opened("http://127.0.0.1:9", timeout_ms=500).encode(["a"])


def test_another_length_half_way_is_another_model(serving, opened):
    server = VectorServer()
    other = VectorServer(FakeEncoder(dimensions=24))
    server.faults[2] = other.reply
    encoder = opened(serving(server.replies).url)
    encoder.encode(["a"])
    with pytest.raises(RemoteRefused, match=r"24 numbers for 'm'.* of 16.*--rebuild"):
        encoder.encode(["b"])


def test_what_the_server_asks_to_wait_is_waited(serving, opened, monkeypatch):
    waited = []
    monkeypatch.setattr(remote_encoder.RemoteEncoder, "_rest", lambda self, s: waited.append(s))
    server = VectorServer()
    slow = answer({"error": "slow down"}, status=429, headers={"Retry-After": "60"})
    server.faults = {1: slow, 2: slow}
    encoder = opened(serving(server.replies).url, timeout_ms=5000)
    assert encoder.encode(["a"]).shape == (1, 16)
    assert waited == [60.0, 60.0]
    hour = answer({}, status=429, headers={"Retry-After": "3600"})
    server.faults = {n: hour for n in range(1, 20)}
    server.requests = 0
    with pytest.raises(RemoteFailed, match="too many requests"):
        encoder.encode(["b"])


def test_a_short_trouble_is_tried_again(serving, opened):
    server = VectorServer()
    server.faults = {1: answer({}, status=503), 2: Reply(hangs_up=True)}
    assert opened(serving(server.replies).url).encode(["a"]).shape == (1, 16)
    assert server.requests == 3


def test_requests_grow_where_the_server_is_fast_and_shrink_where_it_is_slow(
    serving, opened, monkeypatch
):
    monkeypatch.setattr(remote_encoder, "_FIRST_REQUEST_CHARS", 1000)
    ticks = [0.0]

    def slow(asked):
        ticks[0] += seconds
        return server.reply(asked)

    server = VectorServer()
    http = serving({EMBEDDINGS: slow})
    encoder = opened(http.url)
    encoder.expect(16)
    encoder._form_is_known = True
    encoder._client.clock = lambda: ticks[0]
    seconds = 0.1
    encoder.encode(["t" * 500] * 14)
    seconds = 20.0
    encoder.encode(["t" * 500] * 14)
    encoder.encode(["t" * 500] * 14)
    assert [len(asked.body["input"]) for asked in http.asked] == [2, 4, 8, 14, 8, 4, 2]


def test_what_is_too_much_at_once_for_the_time_is_asked_in_halves(serving, opened):
    server = VectorServer()
    ticks = [0.0]

    def too_slow(asked):
        if len(asked.body["input"]) <= 2:
            return server.reply(asked)
        ticks[0] += 100.0  # more than the time
        return Reply(waits=True)

    texts = [f"text {n}" for n in range(8)]
    encoder = opened(serving({EMBEDDINGS: too_slow}).url)
    encoder._client.clock = lambda: ticks[0]
    vectors = encoder.encode(texts)
    np.testing.assert_allclose(vectors, server.encoder.encode(texts), atol=1e-6)
    assert server.texts == texts


@pytest.mark.parametrize("status", [400, 413, 500])
def test_a_text_too_long_for_the_model_is_cut_and_the_others_are_not(status, serving, opened):
    server = VectorServer()

    def strict(asked):
        if any(len(text) > 300 for text in asked.body["input"]):
            message = "input (600 tokens) is too large to process. increase the batch size"
            return answer({"error": {"message": message}}, status=status)
        return server.reply(asked)

    long = "word " * 200
    vectors = opened(serving({EMBEDDINGS: strict}).url).encode(["a", "b", long, "c"])
    assert sorted(server.texts) == sorted(["a", "b", "c", long[:250]])
    np.testing.assert_allclose(vectors[3], server.encoder.encode(["c"])[0], atol=1e-6)


def test_a_query_has_a_moment_and_a_server_that_is_slow_is_left_alone(serving, opened):
    http = serving({EMBEDDINGS: Reply(waits=True)})
    encoder = opened(http.url, query_timeout_ms=50)
    for _ in range(3):
        with pytest.raises(RemoteFailed, match="has not answered in time"):
            encoder.encode_query("a")
    with pytest.raises(RemoteFailed, match="left alone for a while"):
        encoder.encode_query("a")
    assert len(http.asked) <= 3


def test_a_query_finds_out_that_numbers_are_wanted(serving, opened):
    server = VectorServer(takes_base64=False)
    encoder = opened(serving(server.replies).url)
    assert encoder.encode_query("a").shape == (16,)


def test_leaving_ends_what_is_on_its_way_and_nothing_more_is_sent(serving, opened):
    http = serving({EMBEDDINGS: Reply(waits=True)})
    encoder = opened(http.url)
    said = []

    def work():
        try:
            encoder.encode(["a"])
        except RemoteError as error:
            said.append(str(error))

    thread = threading.Thread(target=work)
    thread.start()
    assert http.is_waiting.wait(20)
    encoder.leave()
    thread.join(20)
    assert http.left.wait(20)
    with pytest.raises(RemoteRefused, match="nothing more is sent to http://127"):
        encoder.encode_query("b")
    assert "until the next start" in said[0]
    assert len(http.asked) == 1


# --- names and addresses


def test_what_an_index_keeps_is_no_address_to_ask_and_holds_no_path(opened):
    encoder = opened("https://models.example/secret-path-9f8e7d/v1", model="m")
    assert encoder.name.startswith("openai:m@https://models.example#")
    assert "secret-path" not in encoder.name
    with pytest.raises(RemoteRefused, match="has a part behind"):
        opened(encoder.name.partition("@")[2])
    other = opened("https://models.example/other/v1", model="m")
    assert other.name != encoder.name
    assert (
        opened("http://127.0.0.1:1", passage_prefix="p: ").name != opened("http://127.0.0.1:1").name
    )


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        ("none", False),
        ("homespun-static-1", False),
        ("all-minilm-l6-v2", False),
        ("openai:m@http://127.0.0.1:1", True),
        ("openai:m", True),
        ("m@evil.example", True),
        ("http://evil.example", True),
        (["openai:m@http://evil.example"], False),
    ],
)
def test_an_address_is_told_from_a_name(name, is_one):
    assert is_address(name) is is_one


WRONG = {
    "no model": ("openai:@http://127.0.0.1:1", "nor openai:MODEL@URL"),
    "no address": ("openai:model", "nor openai:MODEL@URL"),
    "another kind": (f"cohere:m@https://u:{KEY}@h.example", "nor openai:MODEL@URL"),
    "a password": (f"openai:m@https://user:{KEY}@h.example", "user name or password"),
    "a key behind it": (f"openai:m@https://h.example/?key={KEY}", "has a part behind"),
    "plain http to the internet": ("openai:m@http://h.example", "in the clear"),
    "no host": ("openai:m@http://", "no address with http"),
    "an endless name": (f"openai:{'m' * 500}@http://127.0.0.1:1", "500 characters"),
    "a file": ("openai:m@file:///etc/passwd", "no address with http"),
}


@pytest.mark.parametrize(("name", "sentence"), WRONG.values(), ids=WRONG)
def test_a_name_that_does_not_work_is_refused_without_what_is_private(name, sentence):
    with pytest.raises(RemoteRefused, match=sentence) as refused:
        open_remote_encoder(name, EncoderOptions(), mask=mask_part, say=print)
    assert "index.encoder" in str(refused.value)
    assert KEY not in str(refused.value)


def test_a_model_may_have_an_at_in_its_name():
    named = encoder_name("openai:org/m@v2@http://127.0.0.1:1")
    assert (named.model, named.url) == ("org/m@v2", "http://127.0.0.1:1")


def test_who_wants_no_connection_sends_nothing_beyond_this_machine(opened, monkeypatch):
    monkeypatch.setenv("HOMESPUN_OFFLINE", "1")
    opened("http://127.0.0.1:1")
    with pytest.raises(RemoteRefused, match="name an encoder on this machine in index.encoder"):
        opened("http://gpu-box:8000")


def test_a_key_over_plain_http_is_warned_of_beyond_this_machine(opened, monkeypatch):
    monkeypatch.setenv("MY_KEY", KEY)
    said = []
    opened("http://gpu-box:8000", api_key_env="MY_KEY", say=said.append)
    assert "https:// in index.encoder hides it" in said[0]
    assert KEY not in said[0]
