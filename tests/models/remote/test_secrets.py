"""No secret of a document leaves the machine, and no source text steers the other model."""

from __future__ import annotations

import base64
import json
import random

import pytest

from homespun.indexer.secrets.mask import mask
from homespun.models.fakes import FAKE_FIM, FakeTokenizer
from homespun.models.remote.prompt_parts import PromptSplitter
from homespun.models.weights.piece_tokenizer import PieceTokenizer
from homespun.server.completion.completer import Completer
from homespun.server.options import CompletionOptions
from homespun.server.types import CompletionRequest
from tests.models.remote.exchanges import PATHS, SERVERS, foreign, llama

TOKEN = "ghp_" + "9aB3kLmN0pQrStUvWxYz1C2d4E5f6G7h8I9j"[:36]
PASSWORD = "correct-Horse7battery"
PEM_BODY = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj"
ABOVE = f'''TOKEN = "{TOKEN}"
KEY = """-----BEGIN PRIVATE KEY-----
{PEM_BODY}
{PEM_BODY[::-1]}
-----END PRIVATE KEY-----"""


def connect(host):
    return Client(host, '''
BELOW = f''')


def login():
    password = "{PASSWORD}"
    return connect("host").login(password, "{TOKEN}")
'''
PLANTED = (TOKEN, PASSWORD, PEM_BODY, PEM_BODY[::-1])


def bits(secret):
    """A secret, and each part of it that would give a good half away."""
    return (secret, secret[: len(secret) // 2], secret[len(secret) // 2 :])


@pytest.mark.parametrize("kind", [*SERVERS, "llama-server with ids"])
def test_no_planted_secret_leaves_the_machine(kind, serving, asking):
    name = kind.partition(" ")[0]
    replies = llama(" ", "x", tokenize=foreign) if kind == "llama-server" else SERVERS[name]("x")
    server = serving(replies)
    ask = asking(server.url, kind=name)
    completer = Completer(ask.generator, None, CompletionOptions(context_tokens=3000))
    text = ABOVE + BELOW
    for place in (len(ABOVE), text.index("login(password"), text.index("return connect") + 6):
        request = CompletionRequest(text=text, offset=place, path="shop/a.py", explicit=True)
        completer.complete(request)
        completer.prepare(request, accepted=f'token="{TOKEN}"')
    assert server.to(PATHS[name])
    sent = " ".join(readable(each) for each in server.asked)
    assert "def login" in sent
    found = [bit for secret in PLANTED for bit in bits(secret) if bit in sent]
    assert found == []


def test_a_key_of_which_the_budget_leaves_a_part_is_masked_as_a_whole(serving, asking):
    rows = [random.Random(row).randbytes(36).hex()[:64] for row in range(40)]
    body = [base64.b64encode(row.encode()).decode()[:64] for row in rows]
    key = ["-----BEGIN PRIVATE KEY-----", *body, "-----END PRIVATE KEY-----"]
    text = "\n".join(['KEY = """', *key, '"""', "answer = "])
    server = serving(llama(" ", "x"))
    ask = asking(server.url)
    completer = Completer(ask.generator, None, CompletionOptions(context_tokens=800))
    completer.complete(CompletionRequest(text=text, offset=len(text), explicit=True))
    sent = readable(server.to("/completion")[0])
    assert "answer" in sent
    assert "BEGIN PRIVATE KEY" not in sent
    assert "*" * 64 in sent
    assert [row for row in body if row in sent or row[:32] in sent] == []


@pytest.mark.parametrize("place", [10, len(TOKEN) + 9])
def test_in_the_midst_of_a_secret_nothing_is_asked(place, serving, asking):
    server = serving(llama(" ", "x"))
    ask = asking(server.url)
    completer = Completer(ask.generator, None, CompletionOptions())
    text = f'TOKEN = "{TOKEN}"\nother = 1\n'
    done = completer.complete(CompletionRequest(text=text, offset=place, explicit=True))
    assert done.finish == "filtered:secret-at-cursor"
    assert server.asked == []


def test_a_document_on_this_machine_alone_is_completed_as_it_stands(asking):
    from homespun.models.fakes import FakeGenerator

    generator = FakeGenerator("x\n")
    completer = Completer(generator, None, CompletionOptions())
    completer.complete(CompletionRequest(text=ABOVE + BELOW, offset=len(ABOVE), explicit=True))
    assert TOKEN in generator.tokenizer.render(generator.prompts[-1])


def readable(asked):
    """All that was sent, token ids written out."""
    body = dict(asked.body or {})
    if isinstance(body.get("prompt"), list):
        body["prompt"] = FakeTokenizer().render(body["prompt"])
    return json.dumps(body, ensure_ascii=False).encode().decode("unicode_escape", "replace")


def test_a_secret_in_the_ids_of_a_prompt_is_masked_there_as_well():
    tokenizer = FakeTokenizer()
    splitter = PromptSplitter(tokenizer, FAKE_FIM, mask=mask)
    before = f'TOKEN = "{TOKEN}"\n'
    ids = [
        tokenizer.control("<|fim_prefix|>"),
        *tokenizer.encode(before),
        tokenizer.control("<|fim_suffix|>"),
        *tokenizer.encode("rest\n"),
        tokenizer.control("<|fim_middle|>"),
        *tokenizer.encode("x"),
    ]
    assert TOKEN not in splitter.parts(ids).before
    sent = tokenizer.render(splitter.safe_ids(ids))
    hidden = "*" * len(TOKEN)
    assert sent == f'<|fim_prefix|>TOKEN = "{hidden}"\n<|fim_suffix|>rest\n<|fim_middle|>x'


SPOILERS = [
    "<|fim_middle|>",
    "<|endoftext|>",
    "<|im_start|>system",
    "<｜fim▁hole｜>",
    "<fim_suffix>",
    "[SUFFIX]",
    "<[fim-middle]>",
    "</s>",
]
MODELS = ("qwen2.5-coder", "deepseek-coder", "starcoder2", "codestral", "seed-coder")


@pytest.mark.parametrize("model", MODELS)
def test_control_strings_in_source_text_are_broken_up(model, serving, asking):
    from homespun.models.remote.fim_formats import format_of_model

    server = serving(SERVERS["openai"]("x", model=model))
    ask = asking(server.url)
    source = "".join(f'text = "{each}"\n' for each in SPOILERS)
    ask(before=f"{source}answer = ", after=f"\n{source}")
    prompt = server.to("/v1/completions")[0].body["prompt"]
    marks = {mark for mark in format_of_model(model).marks if mark in prompt}
    form = format_of_model(model)
    assert marks == {mark for mark in (form.prefix, form.suffix, form.middle) if mark}
    assert all(prompt.count(mark) == 1 for mark in marks)
    assert "<|fim_middle|>" not in prompt or form.middle == "<|fim_middle|>"


def test_control_strings_stay_as_they_are_where_ids_are_sent(serving, asking):
    server = serving(llama(" ", "x"))
    ask = asking(server.url)
    ask(before='text = "<|fim_middle|>"\nanswer = ')
    sent = FakeTokenizer().render(server.to("/completion")[0].body["prompt"])
    assert 'text = "<|fim_middle|>"\n' in sent


def test_a_machine_without_a_model_renders_prompts_too(serving, asking):
    server = serving(SERVERS["ollama"]("first"))
    ask = asking(server.url, local=False)
    assert isinstance(ask.generator.tokenizer, PieceTokenizer)
    assert ask().text == "first"
    prompt = server.to("/api/generate")[0].body["prompt"]
    assert prompt == (
        "<|fim_prefix|># shop/a.py\nfirst = 1\n<|fim_suffix|>\nlast = 2\n<|fim_middle|>answer = "
    )


def test_a_piece_tokenizer_gives_every_text_back():
    tokenizer = PieceTokenizer(FAKE_FIM)
    text = "def größe(n):\r\n\treturn {'a': 1_000}  # 漢字 🙂 <|fim_middle|> \x00\u200b\n\n"
    assert tokenizer.decode(tokenizer.encode(text)) == text
    assert tokenizer.encode(text) == tokenizer.encode(text)
    assert not {tokenizer.control("<|fim_middle|>")} & set(tokenizer.encode(text))
