"""A vLLM of which a proxy passes completions and the list of models alone."""

from __future__ import annotations

import pytest

from tests.models.remote.exchanges import foreign, tokenized, vllm
from tests.support.model_server import Reply, answer

COMPLETIONS = "/v1/completions"


def proxied(status, **more):
    """The replies of such a server; `status` is what the proxy says of all other paths."""
    replies = vllm(" ", "first", " + 1", **more)
    return {**replies, "/tokenize": Reply("no", status=status, content_type="text/html")}


def prompts(server):
    """What was to be continued, without the questions of how it is to be asked."""
    return [asked.body["prompt"] for asked in server.to(COMPLETIONS) if asked.body.get("stream")]


@pytest.mark.parametrize("status", [403, 404, 405])
def test_ids_are_sent_where_vllm_makes_the_same_of_a_text_and_says_so(status, serving, asking):
    server = serving(proxied(status, tokenize=tokenized))
    ask = asking(server.url)
    assert ask().text == "first + 1"
    assert prompts(server) == [list(ask.asked().ids)]
    probes = [asked.body for asked in server.to(COMPLETIONS) if not asked.body.get("stream")]
    assert [probe["max_tokens"] for probe in probes] == [1, 1]
    assert len(server.to("/tokenize")) == 1  # it is not there, for the second text neither
    assert not any("first" in probe["prompt"] for probe in probes)  # nothing of the user's


def test_another_tokenizer_gets_text(serving, asking):
    server = serving(proxied(404, tokenize=foreign))
    assert asking(server.url)().text == "first + 1"
    (prompt,) = prompts(server)
    assert prompt.startswith("<|fim_prefix|># shop/a.py\n")


@pytest.mark.parametrize("said", [None, {"choices": []}, {"choices": [{}]}, {"choices": ["x"]}, []])
def test_a_server_that_does_not_say_what_it_made_of_a_text_gets_text(said, serving, asking):
    replies = proxied(404, tells_tokens=False)
    if said is not None:
        streamed = replies[COMPLETIONS]
        replies[COMPLETIONS] = lambda asked: (
            streamed(asked) if asked.body.get("stream") else answer(said)
        )
    server = serving(replies)
    assert asking(server.url)().text == "first + 1"
    (prompt,) = prompts(server)
    assert isinstance(prompt, str)


def test_a_refused_token_is_said_and_no_proxy_that_passes_less(serving, asking):
    refused = Reply("no", status=403)
    server = serving(dict.fromkeys(("/v1/models", "/tokenize", COMPLETIONS), refused))
    ask = asking(server.url, kind="vllm", model="m")
    assert ask().text == "local answer"
    assert "403" in ask.generator.state.trouble
