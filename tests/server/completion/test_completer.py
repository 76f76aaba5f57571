from __future__ import annotations

from dataclasses import replace

import pytest

from homespun.indexer.config import IndexConfig
from homespun.indexer.errors import IndexDamaged
from homespun.indexer.index import Index
from homespun.models.fakes import FakeGenerator
from homespun.server.completion.completer import Completer
from homespun.server.confidence.suggestion import Verdict
from homespun.server.options import CompletionOptions
from homespun.server.types import CompletionRequest

CLIENT = 'def connect(address):\n    """Return a client of the shop."""\n    return address\n'


@pytest.fixture(scope="module")
def index(tmp_path_factory) -> Index:
    root = tmp_path_factory.mktemp("shop")
    (root / "client.py").write_text(CLIENT, encoding="utf-8")
    index = Index.open(root, IndexConfig(encoder="none"), create=True)
    index.update()
    return index


def request(marked: str, **fields) -> CompletionRequest:
    before, _, after = marked.partition("|")
    return CompletionRequest(
        before + after, len(before), **({"path": "app.py", "language": "python"} | fields)
    )


def completer(script, index=None, **settings) -> tuple[Completer, FakeGenerator]:
    options = {"retrieve_deadline_ms": 60_000, "context_tokens": 2048} | settings
    generator = FakeGenerator(script, context_tokens=8192)
    return Completer(generator, index, CompletionOptions(**options)), generator


def test_a_line_is_completed():
    ours, generator = completer("total + 1\nmore")
    answer = ours.complete(request("value = |\nend()\n", id="a"))
    assert (answer.text, answer.finish, answer.id) == ("total + 1", "newline", "a")
    assert answer.model == "fake"
    assert answer.adapter == "none"
    prompt = generator.tokenizer.render(generator.prompts[0])
    assert prompt == "<|fim_prefix|># app.py\n<|fim_suffix|>\nend()\n<|fim_middle|>value = "


def test_timings_and_tokens_have_every_name():
    ours, generator = completer("one")
    answer = ours.complete(request("value = |"))
    assert list(answer.timings_ms) == ["context", "retrieve", "prefill", "decode", "total"]
    assert answer.tokens == {
        "prompt": len(generator.prompts[0]),
        "reused": 0,
        "generated": 3,
        "drafted": 0,
        "accepted": 0,
    }
    refused = ours.complete(request("v|"))
    assert list(refused.timings_ms) == list(answer.timings_ms)
    assert list(refused.tokens) == list(answer.tokens)


def test_retrieved_code_enters_the_prompt_and_is_named(index):
    ours, generator = completer("'x')", index)
    answer = ours.complete(request("from client import connect\n\nclient = connect(|"))
    assert answer.text == "'x')"
    assert [(s.path, s.start_line, s.end_line) for s in answer.sources] == [("client.py", 1, 3)]
    prompt = generator.tokenizer.render(generator.prompts[0])
    commented = "".join(f"# {line}\n" for line in CLIENT.splitlines())
    assert prompt.startswith(f"<|fim_prefix|># client.py\n{commented}# app.py\n")


@pytest.mark.parametrize(
    ("fields", "settings"),
    [({"retrieval": False}, {}), ({}, {"retrieval": False})],
    ids=["by request", "by setting"],
)
def test_retrieval_can_be_switched_off(index, fields, settings):
    ours, generator = completer("'x')", index, **settings)
    marked = "from client import connect\n\nclient = connect(|"
    answer = ours.complete(request(marked, **fields))
    assert answer.sources == ()
    assert "shop of" not in generator.tokenizer.render(generator.prompts[0])
    assert answer.timings_ms["retrieve"] == 0.0


def test_a_snippet_that_did_not_fit_is_no_source(index):
    ours, _ = completer("'x')", index, context_tokens=128)
    marked = "from client import connect\n\n" + "value = 1\n" * 9 + "client = connect(|"
    assert ours.complete(request(marked)).sources == ()


def test_a_damaged_index_costs_the_context_and_not_the_completion(index, monkeypatch, caplog):
    def damaged(path):
        raise IndexDamaged("the index cannot be read")

    monkeypatch.setattr(index, "symbols_in", damaged)
    ours, _ = completer("'x')", index)
    answer = ours.complete(request("from client import connect\n\nclient = connect(|"))
    assert answer.text == "'x')"
    assert "completing without retrieval: the index cannot be read" in caplog.text


def test_a_block_is_completed_where_one_is_due():
    ours, _ = completer("    a = 1\n    return a\n\n\ndef other():\n")
    answer = ours.complete(request("def f():\n    |\n"))
    assert (answer.text, answer.finish) == ("a = 1\n    return a", "block")


def test_a_single_line_where_the_user_wants_no_blocks():
    ours, _ = completer("    a = 1\n    return a\n", multiline="never")
    answer = ours.complete(request("def f():\n    |\n"))
    assert (answer.text, answer.finish) == ("a = 1", "newline")


def test_blocks_everywhere_where_the_user_wants_them():
    ours, _ = completer("a = 1\nb = 2\nc = 3\n", multiline="always", max_lines=2)
    answer = ours.complete(request("value = 0\n|\n"))
    assert (answer.text, answer.finish) == ("a = 1\nb = 2", "block")


def test_the_rest_of_the_line_is_not_doubled():
    ours, _ = completer("a, b)\n")
    assert ours.complete(request("call(|)\n")).text == "a, b"


def test_crlf_comes_back_as_crlf():
    ours, generator = completer("    a = 1\n    return a\n")
    answer = ours.complete(request("x = 1\r\ndef f():\r\n    |\r\n"))
    assert answer.text == "a = 1\r\n    return a"
    assert "\r" not in generator.tokenizer.render(generator.prompts[0])


def test_control_strings_of_the_document_stay_text():
    ours, generator = completer(" 1\n")
    text = "s = '<|fim_middle|><|endoftext|>'\nvalue = "
    ours.complete(CompletionRequest(text, len(text), path="app.py"))
    controls = [number for number in generator.prompts[0] if number >= 256]
    assert len(controls) == 3  # prefix, suffix, middle: ours


@pytest.mark.parametrize("offset", [-1, 6, 10**9])
def test_a_cursor_outside_of_the_text_is_no_error(offset):
    ours, generator = completer("x")
    answer = ours.complete(CompletionRequest("x = 1", offset, path="a.py"))
    assert (answer.text, answer.finish) == ("", "filtered:cursor-out-of-range")
    assert generator.prompts == []


@pytest.mark.parametrize(
    "marked",
    [
        "|",
        "\r|\n",
        "a\r\n|\r\n",
        "😋 = |😋",
        "\ud800 = |",
        "x = |" + "y" * 100_000,
        "y" * 100_000 + "|",
        "\x00\x00\x0c\u2028 = |",
        "def f(" * 300 + "|",
        '"""' * 50 + "|",
    ],
    ids=lambda marked: repr(marked[:12]),
)
@pytest.mark.parametrize(
    "path", ["", "a.py", "a.unknown", "<|file_sep|>\n.py", "d/" * 300 + "a.rs"]
)
def test_odd_documents_are_no_error(index, marked, path):
    ours, generator = completer(" (\n)😋\n", index, context_tokens=256)
    answer = ours.complete(request(marked, path=path, language="", explicit=True))
    assert answer.finish
    assert all(len(prompt) <= 256 for prompt in generator.prompts)


def test_a_cancelled_request_says_so():
    ours, _ = completer("text")
    answer = ours.complete(request("value = |"), cancelled=lambda: True)
    assert (answer.text, answer.finish) == ("", "cancelled")


def test_the_longest_completion_is_kept_to():
    ours, _ = completer("abcdefghijk")
    answer = ours.complete(request("value = |", max_tokens=5))
    assert (answer.text, answer.finish) == ("abcde", "length")


def test_the_prompt_leaves_room_for_the_completion():
    generator = FakeGenerator(" 1\n", context_tokens=300)
    ours = Completer(generator, None, CompletionOptions(context_tokens=2048, max_tokens=64))
    assert ours.complete(request("line = 1\n" * 200 + "value = |")).text == ""
    assert len(generator.prompts[0]) <= 300 - 64


def test_the_next_keystroke_reuses_the_prompt():
    ours, _ = completer(" value\n")
    head = "import os\n\n" + "line = 1\n" * 20
    ours.complete(request(f"{head}os|"))
    second = ours.complete(request(f"{head}os.p|"))
    assert second.tokens["reused"] == len(f"_# app.py\n{head}__os")


def test_a_completion_below_the_wanted_likelihood_is_not_shown():
    ours, _ = completer(" value\n", min_logprob=-0.001)
    assert ours.complete(request("value = |")).finish == "filtered:low-logprob"


def test_a_line_that_is_being_typed_keeps_its_retrieved_code(index):
    ours, generator = completer(" value\n", index)
    head = "import client\n" + "number = 1\n" * 30 + "value = "
    for typed in ("client.connect(", "other_name("):
        ours.complete(request(f"{head}{typed}|"))
    first, second = (generator.tokenizer.render(prompt) for prompt in generator.prompts)
    block = first[: first.index("# app.py")]
    assert "# def connect(address):" in block
    assert second.startswith(block)


def test_who_asks_by_hand_gets_what_fits_now(index):
    ours, generator = completer(" value\n", index)
    head = "import client\n" + "number = 1\n" * 30 + "value = "
    for typed in ("client.connect(", "other_name("):
        ours.complete(request(f"{head}{typed}|", explicit=True))
    assert "def connect" not in generator.tokenizer.render(generator.prompts[1])


# -- other answers


def test_other_answers_begin_otherwise_and_are_no_better(index):
    ours, generator = completer("one()\n", index)
    generator.others = ["two()\n", "three()\n", "four()\n"]
    answer = ours.complete(request("value = |", others=2))
    assert (answer.text, [other.text for other in answer.others]) == ("one()", ["two()", "four()"])
    assert [other.finish for other in answer.others] == ["newline", "newline"]
    assert ours.complete(request("value = |")).others == ()


def test_the_same_text_is_no_other_answer():
    ours, generator = completer("one")
    generator.others = ["  one", "two"]
    ours._judge = lambda ready, generation: (Verdict(generation.text.strip()), "newline")
    answer = ours.complete(request("value = |", others=2))
    assert [other.text for other in answer.others] == ["two"]


def test_where_there_is_no_answer_there_are_no_others():
    ours, generator = completer("")
    generator.others = ["one"]
    answer = ours.complete(request("value = |", others=2))
    assert (answer.text, answer.others) == ("", ())
    assert len(generator.prompts) == 1


def test_other_answers_end_where_the_request_is_cancelled():
    ours, generator = completer("one")
    generator.others = ["two", "four"]
    answer = ours.complete(
        request("value = |", others=2), cancelled=lambda: len(generator.prompts) > 1
    )
    assert (answer.text, answer.others) == ("one", ())


class Routed(FakeGenerator):
    """Has two answers, as a router has that asked a server."""

    def generate(self, prompt, **asked):
        done = super().generate(prompt, **asked)
        here = FakeGenerator("total + 1").generate(prompt, **asked)
        here = replace(here, model="the-local", route="local", route_why="nothing to show")
        return replace(done, model="afar", route="remote", route_why="in doubt", instead=here)


@pytest.mark.parametrize(
    ("script", "text", "route", "why"),
    [
        ("more + 2", "more + 2", "remote", "in doubt"),
        ("\u202e + 2", "total + 1", "local", "nothing to show"),
    ],
    ids=["it can be shown", "it is refused"],
)
def test_what_the_rules_refuse_of_a_server_costs_the_line_of_the_model_here_nothing(
    script, text, route, why
):
    ours = Completer(Routed(script, name="a router"), None, CompletionOptions())
    answer = ours.complete(request("value = |\nend()\n"))
    assert (answer.text, answer.route, answer.facts["route_why"]) == (text, route, why)
    assert answer.model == ("afar" if route == "remote" else "the-local")
    assert answer.to_json()["route"] == route
