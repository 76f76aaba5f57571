"""Examples: what is trained is what is served, byte for byte."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from homespun.models.fakes import FakeGenerator
from homespun.server.completion.completer import Completer
from homespun.server.context.retriever import Gathered
from homespun.server.options import CompletionOptions
from homespun.server.prompt.render import Snippet
from homespun.server.types import CompletionRequest
from homespun.training.dataset.examples import (
    Example,
    ExampleEncoder,
    read_examples,
    write_examples,
)

EXAMPLE = Example(
    id="a",
    repo="shop",
    path="shop/cart.py",
    language="python",
    prefix="import os\n\n\ndef total(items):\n    return su",
    middle="m(item.price for item in items)",
    suffix="\n\n\ndef other():\n    pass\n",
    kind="line",
    snippets=(Snippet("shop/item.py", 1, 2, "class Item:\n    price: int\n", 1.0, "definition"),),
)
INLINE = replace(EXAMPLE, middle="m(items", suffix=")\n\n\ndef other():\n    pass\n")


class Finds:
    """A retriever that finds what it is told to."""

    def __init__(self, snippets):
        self._snippets = snippets

    def gather(self, cursor, **request):
        return Gathered(self._snippets)


def encoded(example, budget=2048):
    fake = FakeGenerator("")
    return ExampleEncoder(fake.tokenizer, fake.fim).encode(example, budget=budget)


@pytest.mark.parametrize("example", [EXAMPLE, INLINE, replace(EXAMPLE, path="", snippets=())])
def test_the_model_learns_from_the_ids_that_the_server_sends(example):
    generator = FakeGenerator("x", context_tokens=8192)
    options = CompletionOptions(context_tokens=2048)
    finds = Finds(example.snippets)
    completer = Completer(generator, None, options, retriever=finds, repo=example.repo)
    completer.complete(
        CompletionRequest(
            example.prefix + example.suffix,
            len(example.prefix),
            path=example.path,
            language="python",
            explicit=True,
        )
    )
    (sent,) = generator.prompts
    found = encoded(example)
    assert tuple(found.ids[: len(sent)]) == sent
    assert sent[found.start :] == tuple(generator.tokenizer.encode("    return su"))


def test_the_whole_line_is_learned_and_where_it_ends():
    fake = FakeGenerator("")
    found = encoded(EXAMPLE)
    learned = found.ids[found.start :]
    line = "    return sum(item.price for item in items)"
    assert learned == [*fake.tokenizer.encode(line), fake.tokenizer.control(fake.fim.end[0])]
    assert found.ids[found.start - 1] == fake.tokenizer.control(fake.fim.middle)


def test_brackets_that_the_prompt_leaves_out_are_the_models_to_write():
    fake = FakeGenerator("")
    found = encoded(INLINE)
    assert found.ids[found.start : -1] == fake.tokenizer.encode("    return sum(items)")


def test_a_prompt_keeps_to_its_budget():
    long = replace(EXAMPLE, prefix="x = 1\n" * 500 + EXAMPLE.prefix)
    assert encoded(long, budget=300).start <= 300


def test_rows_survive_the_file(tmp_path):
    path = tmp_path / "rows.jsonl"
    odd = replace(EXAMPLE, id="b", middle="é 😋\u2028<|fim_middle|>\r")
    assert write_examples([EXAMPLE, odd], path) == 2
    assert list(read_examples(path)) == [EXAMPLE, odd]
    assert json.loads(path.read_text(encoding="utf-8").split("\n")[0])["path"] == "shop/cart.py"


@pytest.mark.parametrize("line", ["{", '{"id": "a"}', '{"id": "a", "what": 1}'])
def test_a_broken_row_is_named(tmp_path, line):
    path = tmp_path / "rows.jsonl"
    write_examples([EXAMPLE], path)
    with path.open("a", encoding="utf-8") as stream:
        stream.write(line + "\n")
    with pytest.raises(ValueError, match=r"rows\.jsonl, line 2"):
        list(read_examples(path))
