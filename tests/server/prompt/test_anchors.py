"""Prompts stay while one types, and are renewed when the text around the cursor changes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from homespun.indexer.config import IndexConfig
from homespun.indexer.index import Index
from homespun.models.fakes import FakeGenerator
from homespun.models.types import Cancellation
from homespun.server.completion.completer import Completer
from homespun.server.options import CompletionOptions
from homespun.server.types import CompletionRequest

HEAD = "import os\n\n" + "line = 1\n" * 10
CLIENT_HEAD = "from client import connect\n" + "number = 1\n" * 30
TAIL = "\n" + "more = 2\n" * 5


def completer(script=" value\n") -> tuple[Completer, FakeGenerator]:
    generator = FakeGenerator(script, context_tokens=8192)
    return Completer(generator, None, CompletionOptions(context_tokens=2048)), generator


def completer_with_client(root) -> tuple[Completer, FakeGenerator]:
    (root / "client.py").write_text("def connect(address):\n    return address\n")
    index = Index.open(root, IndexConfig(encoder="none"), create=True)
    index.update()
    generator = FakeGenerator("'shop')\n", context_tokens=8192)
    options = CompletionOptions(context_tokens=2048, retrieve_deadline_ms=60_000)
    return Completer(generator, index, options), generator


def at(typed: str, *, tail: str = TAIL, head: str = HEAD, **fields) -> CompletionRequest:
    before = head + typed
    return CompletionRequest(before + tail, len(before), path="app.py", language="python", **fields)


def prompts(generator: FakeGenerator) -> list[str]:
    return [generator.tokenizer.render(prompt) for prompt in generator.prompts]


def test_typed_text_goes_behind_the_middle_token_and_nothing_else_moves():
    ours, generator = completer()
    for typed in ("val", "valu", "value = ", "value"):
        ours.complete(at(typed))
    first = prompts(generator)[0]
    frame = first.removesuffix("val")
    assert frame.endswith("<|fim_middle|>")
    assert prompts(generator)[1:] == [frame + t for t in ("valu", "value = ", "value")]


def test_the_next_line_goes_on_in_the_old_prompt():
    ours, generator = completer()
    ours.complete(at("value = 1"))
    ours.complete(at("value = 1\nother"))
    frame = prompts(generator)[0].removesuffix("value = 1")
    assert prompts(generator)[1] == frame + "value = 1\nother"


@pytest.mark.parametrize(
    "changed",
    [
        at("value", head=HEAD.replace("line = 1", "line = 3", 1)),
        at("value", tail=TAIL + "last = 4\n"),
        at("value\n" + "x = 1\n" * 13),
    ],
    ids=["the text above", "the text below", "a lot"],
)
def test_the_prompt_is_renewed_when_the_text_around_it_changed(changed):
    ours, generator = completer()
    ours.complete(at("value"))
    ours.complete(changed)
    fresh, alone = completer()
    fresh.complete(changed)
    assert prompts(generator)[1] == prompts(alone)[0]


def test_brackets_that_the_editor_closes_do_not_renew_the_prompt():
    ours, generator = completer("alpha)\n")
    ours.complete(at("call"))
    answer = ours.complete(at("call(", tail=")" + TAIL))
    assert answer.text == "alpha"
    assert prompts(generator)[1] == prompts(generator)[0] + "("


def test_code_right_of_the_cursor_is_shown_to_the_model():
    ours, generator = completer("a")
    ours.complete(at("call(", tail=").run(1)" + TAIL, explicit=True))
    assert "<|fim_suffix|>).run(1)\n" in prompts(generator)[0]


def test_who_asks_by_hand_gets_a_prompt_for_the_line_of_the_cursor():
    ours, generator = completer()
    ours.complete(at("value = 1"))
    ours.complete(at("value = 1\nother", explicit=True))
    assert prompts(generator)[1].endswith("<|fim_middle|>other")


def test_a_prepared_prompt_is_the_one_that_the_next_request_uses():
    ours, generator = completer()
    ours.complete(at("value = 1"))
    request = at("value = 1\nother")
    assert ours.prepare(request) is True
    answer = ours.complete(request)
    assert prompts(generator)[1].endswith(
        "value = 1\n<|fim_suffix|>" + TAIL + "<|fim_middle|>other"
    )
    assert answer.tokens["reused"] >= len(generator.warmed[0]) - 1


def test_a_preparation_that_was_broken_off_leaves_the_old_prompt_in_use():
    ours, generator = completer()
    ours.complete(at("value = 1"))
    stop = Cancellation()
    stop.cancel()
    assert ours.prepare(at("value = 1\nother"), cancelled=stop) is False
    ours.complete(at("value = 1\nother"))
    assert prompts(generator)[1].endswith("<|fim_middle|>value = 1\nother")


def test_preparing_for_an_accepted_suggestion_reads_it():
    ours, generator = completer()
    ours.complete(at("value = "))
    assert ours.prepare(at("value = "), accepted="compute(1)") is True
    assert ours.complete(at("value = compute(1)")).tokens["reused"] >= len(generator.warmed[0]) - 1


def test_nothing_is_prepared_where_completion_is_switched_off():
    generator = FakeGenerator("x", context_tokens=8192)
    options = CompletionOptions(disabled_languages=("python",))
    assert Completer(generator, None, options).prepare(at("value")) is False
    assert generator.warmed == []


def test_an_endless_line_is_cut_into_prefix_and_typed_text():
    ours, generator = completer()
    ours.complete(at("x" * 5000))
    assert prompts(generator)[0].endswith("x" * 600)
    assert ours.complete(at("x" * 5000 + "y")).tokens["reused"] > 1000


def test_typed_text_never_outgrows_the_context_of_the_model():
    generator = FakeGenerator(" value\n", context_tokens=512)
    ours = Completer(generator, None, CompletionOptions(context_tokens=2048))
    for length in range(0, 700, 23):
        ours.complete(at("y" * length))
        ours.complete(at("x = 1\n" * (length // 60) + "z"))
    assert max(len(prompt) for prompt in generator.prompts) <= 512


def test_everything_that_shapes_an_answer_is_in_the_key():
    ours, _ = completer()
    request = at("value")
    others = [
        replace(request, path="other.py"),
        replace(request, language="go"),
        replace(request, explicit=True),
        replace(request, retrieval=False),
        replace(request, max_tokens=3),
    ]
    keys = {ours.key(r) for r in (request, *others)}
    options = CompletionOptions(context_tokens=2048, adapter="a1")
    keys.add(Completer(FakeGenerator(""), None, options).key(request))
    assert len(keys) == 7
    assert ours.key(request) == ours.key(replace(request, text="other", offset=0, id="9"))


def test_a_definition_found_behind_a_typed_name_renews_the_prompt(tmp_path):
    ours, generator = completer_with_client(tmp_path)
    head = CLIENT_HEAD.replace("from client import connect", "import client")
    for typed in ("c = ", "c = client", "c = client.", "c = client.co"):
        ours.complete(at(typed, head=head))
    shown = ["# def connect(address):" in prompt for prompt in prompts(generator)]
    assert shown == [False, False, True, True]


def test_a_prompt_with_retrieved_code_is_not_the_one_for_a_request_without(tmp_path):
    ours, generator = completer_with_client(tmp_path)
    for retrieval in (True, False, True):
        ours.complete(at("c = connect(", head=CLIENT_HEAD, retrieval=retrieval))
    shown = ["# def connect(address):" in prompt for prompt in prompts(generator)]
    assert shown == [True, False, True]
