"""Whatever a server does, the editor gets the local answer, and a person one sentence."""

from __future__ import annotations

import itertools
import logging
import shutil
import socket
import ssl
import subprocess
import threading
import time

import pytest

from homespun.models.errors import RemoteError, RemoteFailed, RemoteRefused
from homespun.models.remote.wire import breaker, exchange
from homespun.models.types import MODEL_AS_SHIPPED, Cancellation
from tests.models.remote.exchanges import PATHS, SERVERS, llama, llama_event, openai, vllm
from tests.support.model_server import SSE, Reply, answer, lines, stream

KEY = "sk-planted-4fX9q2LmT7vRz1Kd8sNw"
WEB_PAGE = "<!doctype html><html><title>Sign in</title></html>"


def error(message, status, **headers):
    return answer({"error": {"message": message}}, status=status, headers=headers)


def instead(reply):
    return {**openai(), "/v1/completions": reply}


FAULTS = {
    "401": (instead(error(f"bad key {KEY}", 401)), "does not let us in (401)"),
    "403": (instead(error("no", 403)), "does not let us in (403)"),
    "404": (instead(error("no such model", 404)), "(404: no such model)"),
    "400": (instead(error(f"suffix is not supported for {KEY}", 400)), "not supported for ***"),
    "429": (instead(error("slow down", 429, **{"Retry-After": "3600"})), "too many requests (429"),
    "500": (instead(error("out of memory", 500)), "fails (500: out of memory)"),
    "a redirect": (
        instead(Reply("", status=307, headers={"Location": "http://e.example/"})),
        "307",
    ),
    "a web page": (instead(Reply(WEB_PAGE, content_type="text/html")), "answers with a web page"),
    "a web page that says it streams": (
        instead(Reply(chunks=(WEB_PAGE,), content_type=SSE)),
        "no stream of JSON",
    ),
    "no JSON": (instead(Reply(chunks=("data: {nothing\n\n",), content_type=SSE)), "no JSON"),
    "no object": (instead(stream([1, 2])), "no object"),
    "another form": (instead(stream({"choices": [{"text": "a", "logprobs": 5}]})), "another form"),
    "an error in the stream": (
        instead(stream({"error": {"message": "the engine died"}})),
        "the engine died",
    ),
    "half a stream": (
        instead(Reply(chunks=('data: {"choices": [{"te',), content_type=SSE, breaks_off=True)),
        "stopped in the midst",
    ),
    "half an answer": (
        instead(stream({"choices": [{"text": "fir"}]}, done="", breaks_off=True)),
        "stopped in the midst",
    ),
    "a head without a body": (instead(Reply(chunks=(), breaks_off=True)), "stopped in the midst"),
    "no answer": (instead(Reply(hangs_up=True)), "closed the connection without an answer"),
    "deep JSON": (instead(Reply(chunks=("data: " + "[" * 5000 + "\n\n",))), "no JSON"),
    "another model": ({**openai(model="llama-3")}, "has no model 'qwen2.5-coder-7b'"),
    "no model": ({"/v1/completions": stream()}, "has no model"),
}


@pytest.mark.parametrize(("replies", "sentence"), FAULTS.values(), ids=FAULTS)
def test_a_fault_is_answered_by_the_local_model_and_a_sentence(
    replies, sentence, serving, asking, caplog, monkeypatch
):
    monkeypatch.setenv("MY_KEY", KEY)
    caplog.set_level(logging.DEBUG)
    server = serving(replies)
    ask = asking(
        server.url, kind="openai", model="qwen2.5-coder-7b", api_key_env="MY_KEY", timeout_ms=8000
    )
    if sentence == "has no model":
        server.replies["/v1/models"] = answer({"data": [{"id": "another"}]})
    done = ask()
    assert (done.text, done.model) == ("local answer", "the-local")
    assert sentence in ask.generator.state.trouble
    assert server.asked[0].headers["authorization"] == f"Bearer {KEY}"
    said = f"{caplog.text} {ask.said} {ask.generator.state.sentence}"
    assert KEY not in said
    assert caplog.text.count("the-local answers meanwhile") == 1


@pytest.mark.parametrize("name", ["401", "500", "half a stream"])
def test_without_a_local_model_a_fault_is_an_error_with_its_sentence(name, serving, asking):
    replies, sentence = FAULTS[name]
    ask = asking(serving(replies).url, kind="openai", local=False)
    with pytest.raises(RemoteError, match=sentence.split("(")[0]):
        ask()


def test_nobody_at_the_address_is_said(asking):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        ask = asking(f"http://127.0.0.1:{taken.getsockname()[1]}", timeout_ms=3000)
        assert ask().text == "local answer"
    assert "nothing answers at http://127.0.0.1:" in ask.generator.state.trouble


@pytest.mark.parametrize("kind", SERVERS)
def test_a_server_that_takes_too_long_is_left_for_the_local_model(kind, serving, asking):
    server = serving({**SERVERS[kind](), PATHS[kind]: Reply(waits=True)})
    ask = asking(server.url, kind=kind, timeout_ms=400)
    done = ask()
    assert (done.text, done.model) == ("local answer", "the-local")
    assert "has not answered in time" in ask.generator.state.trouble
    assert server.left.wait(10)


def test_what_has_come_in_time_is_taken(serving, asking):
    events = [llama_event(text) for text in (" ", "first")]
    server = serving({**llama(), "/completion": stream(*events, done="", waits_behind=True)})
    done = asking(server.url, timeout_ms=1500)()
    assert (done.text, done.finish) == ("first", "length")
    assert server.left.wait(10)


@pytest.mark.parametrize("where", ["before the answer", "in its midst"])
def test_cancelling_closes_the_connection_from_another_thread(where, serving, asking):
    events = [llama_event(text) for text in (" ", "first")]
    waits = where == "before the answer"
    reply = Reply(waits=True) if waits else stream(*events, done="", waits_behind=True)
    server = serving({**llama(), "/completion": reply})
    ask = asking(server.url)
    cancellation, done = Cancellation(), []
    thread = threading.Thread(target=lambda: done.append(ask(cancelled=cancellation)))
    thread.start()
    assert server.is_waiting.wait(20)
    cancellation.cancel()
    thread.join(10)
    assert server.left.wait(10)
    assert [each.finish for each in done] == ["cancelled"]
    assert ask.generator.state.trouble == ""


def test_a_connection_that_is_ended_by_cancelling_is_no_failure_of_the_server(
    serving, asking, monkeypatch
):
    events = [llama_event(text) for text in (" ", "first")]
    server = serving({**llama(), "/completion": stream(*events, done="", waits_behind=True)})
    ask = asking(server.url)
    cancellation, done, shut = Cancellation(), [], exchange._OwnConnection.shut

    def shut_and_be_slow(connection):  # the thread that reads has seen it before anybody is told
        shut(connection)
        time.sleep(0.3)

    has_read = threading.Event()

    def stop(text):
        if text.endswith("first"):
            has_read.set()

    def wait_for_it():
        done.append(ask(cancelled=cancellation, stop=stop))

    monkeypatch.setattr(exchange._OwnConnection, "shut", shut_and_be_slow)
    thread = threading.Thread(target=wait_for_it)
    thread.start()
    assert has_read.wait(20)
    time.sleep(0.2)  # until it waits for what comes next
    cancellation.cancel()
    thread.join(10)
    assert [(each.finish, each.route) for each in done] == [("cancelled", "remote")]
    assert ask.generator.state.trouble == ""


@pytest.mark.parametrize(("waits", "is_alone"), [(True, True), (False, False)])
def test_only_what_was_waited_in_vain_leaves_a_server_alone(
    waits, is_alone, serving, asking, monkeypatch
):
    monkeypatch.setattr(breaker, "_SILENCE_SECONDS", 0.05)
    events = [llama_event(text) for text in (" ", "first")]
    reply = Reply(waits=True) if waits else stream(*events, done="", waits_behind=True)
    server = serving({**llama(), "/completion": reply})
    ask = asking(server.url)
    waited = itertools.count()

    def is_over():  # asked fifty times a second
        return server.is_waiting.is_set() and next(waited) > 20

    assert ask(cancelled=is_over).finish == "cancelled"
    assert ask.remote.client.breaker.admit() == (
        "it does not answer while its answers are wanted" if is_alone else ""
    )


def test_a_plain_function_cancels_too(serving, asking):
    server = serving({**llama(), "/completion": Reply(waits=True)})
    assert asking(server.url)(cancelled=server.is_waiting.is_set).finish == "cancelled"
    assert server.left.wait(10)


def test_what_fails_before_its_first_byte_is_tried_again(serving, asking):
    good = vllm(" ", "first")["/v1/completions"]
    replies = [error("busy", 503), error("slow", 429, **{"Retry-After": "0"}), good]
    server = serving({**vllm(), "/v1/completions": replies})
    assert asking(server.url)().text == "first"
    assert len(server.to("/v1/completions")) == 3


def test_what_fails_behind_its_first_byte_is_not_tried_again(serving, asking):
    server = serving(FAULTS["half an answer"][0])
    asking(server.url, kind="openai")()
    assert len(server.to("/v1/completions")) == 1


def test_a_server_that_asks_to_be_left_alone_longer_than_a_key_is_left_alone(serving, asking):
    server = serving(instead(error("slow down", 429, **{"Retry-After": "3600"})))
    ask = asking(server.url, kind="openai")
    assert [ask().text, ask().text] == ["local answer"] * 2
    assert len(server.to("/v1/completions")) == 1


def test_after_three_failures_nobody_waits_any_more_until_one_try_succeeds(serving, asking):
    server = serving({**openai("first"), "/v1/completions": Reply(chunks=("data: {\n\n",))})
    ask = asking(server.url, kind="openai")
    now = [1000.0]
    ask.remote.client.breaker._clock = lambda: now[0]
    for _ in range(6):
        ask()
    assert len(server.to("/v1/completions")) == 3
    assert "left alone" in ask.generator.state.trouble
    server.replies["/v1/completions"] = openai("first")["/v1/completions"]
    now[0] += 6
    assert ask().text == "first"
    assert ask.generator.state.trouble == ""


def test_a_model_that_is_gone_is_looked_for_anew(serving, asking):
    server = serving(vllm(" ", "first", adapters=("shop-1",)))
    ask = asking(server.url, adapter="shop-1")
    now = [1000.0]
    ask.remote.client.breaker._clock = lambda: now[0]
    assert ask().adapter == "shop-1"
    gone = {"message": "The model `shop-1` does not exist.", "type": "NotFoundError", "code": 404}
    server.replies |= {**vllm(), "/v1/completions": answer({"error": gone}, status=404)}
    assert ask().model == "the-local"
    server.replies |= vllm(" ", "second")
    now[0] += 6
    done = ask()
    assert (done.text, done.adapter) == ("second", MODEL_AS_SHIPPED)


def test_html_of_a_proxy_on_every_path_is_said_and_not_taken_for_a_server(serving, asking):
    page = Reply(WEB_PAGE, content_type="text/html")
    server = serving(dict.fromkeys(("/props", "/api/version", "/v1/models"), page))
    ask = asking(server.url)
    assert ask().text == "local answer"
    assert "web page" in ask.generator.state.trouble


def test_tls_to_a_plain_server_is_said(serving, asking):
    server = serving(llama(" ", "x"))
    ask = asking(server.url.replace("http://", "https://"))
    assert ask().text == "local answer"
    assert "TLS" in ask.generator.state.trouble


@pytest.fixture
def certificate(tmp_path):
    """A certificate that only its own file trusts."""
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl to make a certificate")
    key, chain = tmp_path / "key.pem", tmp_path / "chain.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
        + ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"]
        + ["-keyout", str(key), "-out", str(chain)],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, key)
    return chain, context


def test_a_certificate_that_nobody_signed_is_refused_unless_the_user_trusts_it(
    certificate, serving, asking, monkeypatch
):
    chain, context = certificate
    server = serving(llama(" ", "first"), context=context)
    ask = asking(server.url)
    assert ask().text == "local answer"
    assert "certificate" in ask.generator.state.trouble
    assert server.asked == []
    monkeypatch.setenv("SSL_CERT_FILE", str(chain))
    assert asking(server.url)().text == "first"


def test_a_request_over_tls_is_cancelled_as_well(certificate, serving, asking, monkeypatch):
    chain, context = certificate
    monkeypatch.setenv("SSL_CERT_FILE", str(chain))
    server = serving({**llama(), "/completion": Reply(waits=True)}, context=context)
    assert asking(server.url)(cancelled=server.is_waiting.is_set).finish == "cancelled"
    assert server.left.wait(10)


PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")


def test_no_proxy_of_the_environment_sees_what_goes_to_this_machine(serving, asking, monkeypatch):
    proxy, server = serving({}), serving(llama(" ", "first"))
    for name in PROXIES:
        monkeypatch.setenv(name, proxy.url)
    assert asking(server.url)().text == "first"
    assert proxy.asked == []


@pytest.mark.parametrize(
    ("url", "goes"),
    [
        ("https://api.mistral.ai", True),
        ("http://127.0.0.1:8080", False),
        ("https://127.0.0.1:8443", False),
        ("https://10.1.2.3", False),
        ("http://gpu-box:8000", False),
        ("https://internal.example.org", False),
    ],
)
def test_a_proxy_is_for_tls_to_public_addresses(url, goes, monkeypatch):
    from homespun.models.remote.wire.address import address_of

    for name in PROXIES:
        monkeypatch.setenv(name, "http://proxy.example:3128")
    monkeypatch.setenv("NO_PROXY", "internal.example.org")
    assert exchange.proxy_of(address_of(url)) == ("http://proxy.example:3128" if goes else None)


def test_an_answer_without_an_end_is_given_up(serving, asking, monkeypatch):
    monkeypatch.setattr(exchange, "MAX_LINE_BYTES", 1000)
    server = serving(instead(Reply(chunks=("data: " + "x" * 5000,), content_type=SSE)))
    ask = asking(server.url, kind="openai")
    assert ask().text == "local answer"


WRONG = {
    "a control string": (["first <|fim_middle|> a"], "holds '<|fim_middle|>'"),
    "a chat": (["```python\nanswer = 1\n```"], "fence of a chat"),
    "the code behind": (["\nlast_value = 22222\nsecond_value = 33333\n"] * 3, "repeats the code"),
}


@pytest.mark.parametrize(("texts", "sign"), WRONG.values(), ids=WRONG)
def test_a_model_that_is_asked_in_the_wrong_way_is_told_of_once(texts, sign, serving, asking):
    server = serving(
        {**openai(), "/v1/completions": [openai(text)["/v1/completions"] for text in texts]}
    )
    ask = asking(server.url)
    after = "\nlast_value = 22222\nsecond_value = 33333\n"
    dones = [ask(after=after, stop=lambda text: None) for _ in range(len(texts) + 2)]
    assert [said for said in ask.said if sign in said] == ask.said
    assert len(ask.said) == 1
    assert not any("<|" in done.text for done in dones)


def test_a_server_that_does_not_begin_as_told_is_asked_otherwise_from_then_on(serving, asking):
    server = serving(llama("first"))
    ask = asking(server.url)
    assert ask().text == "local answer"
    assert ask().text == "first"
    first, second = server.to("/completion")
    assert ("grammar" in first.body, "grammar" in second.body) == (True, False)
    assert second.body["prompt"] == [*first.body["prompt"], ord(" ")]


@pytest.mark.parametrize("kind", ["vllm", "lmstudio", "ollama", "llama-server"])
def test_a_server_that_does_not_know_all_we_ask_for_is_asked_for_a_text_alone(
    kind, serving, asking
):
    path = PATHS[kind]
    replies = SERVERS[kind]("first")
    server = serving({**replies, path: [error("unknown parameter", 400), replies[path]]})
    done = asking(server.url, kind=kind)()
    assert done.text == "first"
    more, plain = (set(each.body) for each in server.to(path))
    assert more - plain <= {"logprobs", "top_logprobs", "n_probs", "structured_outputs", "grammar"}
    assert more - plain


def test_a_prompt_that_the_server_has_no_room_for_is_not_sent(serving, asking):
    server = serving(llama(" ", "x", n_ctx=64))
    ask = asking(server.url)
    assert ask().text == "local answer"
    assert "holds 64 tokens" in ask.generator.state.trouble
    assert server.to("/completion") == []


def test_a_refusal_and_a_failure_are_told_apart():
    assert issubclass(RemoteRefused, RemoteError)
    assert issubclass(RemoteFailed, RemoteError)
    assert RemoteRefused("x", status=401).status == 401
    assert lines({"a": 1}).chunks == ('{"a": 1}\n',)
