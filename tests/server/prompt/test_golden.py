"""The prompt's bytes and token ids are the same through every door. Training relies on it.

A golden file changes only with `PROMPT_VERSION`; write it anew with HOMESPUN_WRITE_GOLDEN=1.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from homespun.cli.main import main
from homespun.indexer.config import IndexConfig
from homespun.indexer.index import Index
from homespun.models.fakes import FakeGenerator
from homespun.server.completion.completer import Completer
from homespun.server.options import CompletionOptions
from homespun.server.prompt.encode import Encoded, PromptEncoder
from homespun.server.prompt.render import DEFAULT_LAYOUT, PROMPT_VERSION, Snippet
from homespun.server.types import CompletionRequest
from homespun.training.dataset.examples import Example, ExampleEncoder

GOLDEN = Path(__file__).parents[2] / "golden"
CLIENT = 'def connect(address: str) -> "Client":\n    """Open."""\n    return Client(address)\n'
APP = "".join(f"NUMBER_{n} = {n}  # 😋\n" for n in range(150))
BEFORE = f"from client import connect\n\n{APP}\n\ndef main() -> None:\n    client = connect("
AFTER = ")\n    client.run()  # <|fim_middle|>\n"
SNIPPET = Snippet("client.py", 1, 3, CLIENT, 3.0, "definition")


@pytest.fixture
def repository(tmp_path) -> Path:
    root = tmp_path / "shop"
    root.mkdir()
    (root / "client.py").write_text(CLIENT, encoding="utf-8")
    (root / "app.py").write_text(BEFORE + AFTER, encoding="utf-8", newline="\n")
    Index.open(root, IndexConfig(encoder="none"), create=True).update()
    return root


def direct(layout: str) -> tuple[int, ...]:
    generator = FakeGenerator("")
    encoder = PromptEncoder(generator.tokenizer, generator.fim, layout=layout)
    rendered = encoder.render(
        BEFORE, AFTER, repo="shop", path="app.py", snippets=(SNIPPET,), budget=2048
    )
    asked = encoder.encode(rendered.ids, rendered.prompt.typed)
    return (*asked.ids, *generator.tokenizer.encode(asked.heal))


@pytest.mark.parametrize("layout", ["repository", "comments", "near"])
def test_the_bytes_are_those_of_the_golden_file(layout):
    text = FakeGenerator("").tokenizer.render(direct(layout))
    file = GOLDEN / f"prompt-v{PROMPT_VERSION}-{layout}.txt"
    if os.environ.get("HOMESPUN_WRITE_GOLDEN"):
        file.write_text(text, encoding="utf-8", newline="\n")
    assert text == file.read_bytes().decode("utf-8")


@pytest.mark.parametrize("layout", ["repository", "comments", "near"])
def test_the_server_sends_the_same_tokens(repository, layout):
    generator = FakeGenerator("'shop'", context_tokens=8192)
    index = Index.open(repository, IndexConfig(encoder="none"))
    options = CompletionOptions(context_tokens=2048, retrieve_deadline_ms=60_000)
    completer = Completer(generator, index, options, layout=layout)
    completer.complete(CompletionRequest(BEFORE + AFTER, len(BEFORE), path="app.py"))
    assert generator.prompts == [direct(layout)]


@pytest.mark.parametrize("form", ["place", "row", "text"])
def test_the_command_line_sends_the_same_tokens(repository, monkeypatch, form, capsys):
    generator = FakeGenerator("'shop'", context_tokens=8192)
    monkeypatch.setattr("homespun.models.load.load_generator", lambda *args, **options: generator)
    monkeypatch.setenv("HOMESPUN_COMPLETION_CONTEXT_TOKENS", "2048")
    line = BEFORE.count("\n") + 1
    column = len(BEFORE) - BEFORE.rfind("\n")
    if form == "place":
        command = [f"{repository / 'app.py'}:{line}:{column}"]
    else:
        row = {"id": 1, "path": "app.py", "line": line, "column": column}
        if form == "text":
            row = {"id": 1, "path": "app.py", "prefix": BEFORE, "suffix": AFTER}
        rows = repository / "rows.jsonl"
        rows.write_text(json.dumps(row), encoding="utf-8")
        command = ["--batch", str(rows), "--workspace", str(repository)]
    assert main(["complete", *command, "--json"]) == 0
    assert generator.prompts == [direct(DEFAULT_LAYOUT)]


# A place of the golden prompt, one in half a word, and one on a line that is too long for its
# prompt: the beginning of the line goes to the prefix.
PLACES = {
    "golden": (BEFORE, AFTER, 2048),
    "half a word": ("import os\n\n\ndef total(items):\n    return su", "\n", 2048),
    "long line": (f"import os\n\nNAMES = [{', '.join(map(repr, range(100)))}, va", "]\n", 512),
}


class Recording(FakeGenerator):
    """Keeps what it is asked: ids and text to heal, and the answers that it scores."""

    def __init__(self):
        super().__init__("x\n", context_tokens=8192)
        self.asked = []
        self.scored = []

    def generate(self, prompt, *, heal="", **how):
        self.asked.append(Encoded(list(prompt), heal))
        return super().generate(prompt, heal=heal, **how)

    def score(self, prompt, answer):
        self.scored.append((list(prompt), list(answer)))
        return 0.0


def asked_by_the_server(before, after, budget):
    generator = Recording()
    completer = Completer(generator, None, CompletionOptions(context_tokens=budget), repo="shop")
    where = {"path": "app.py", "explicit": True}
    completer.complete(CompletionRequest(before + after, len(before), **where))
    return generator.asked


def asked_by_drift(before, after, budget):
    generator = Recording()
    example = Example("id", "shop", "app.py", "python", before, "middle", after, "line")
    encoder = ExampleEncoder(generator.tokenizer, generator.fim)
    found = encoder.encode_as_asked(example, budget=budget)
    return split_at(generator, found.ids[: found.start], found.ids[found.start :], "middle")


def asked_in_training(before, after, budget):
    """The model learns the whole line: what is typed of it is the beginning of the answer."""
    generator = Recording()
    example = Example("id", "shop", "app.py", "python", before, "middle", after, "line")
    encoder = ExampleEncoder(generator.tokenizer, generator.fim)
    found = encoder.encode(example, budget=budget)
    answer = generator.tokenizer.decode(found.ids[found.start :])
    typed = answer[: answer.rindex("middle")]
    prompts = PromptEncoder(generator.tokenizer, generator.fim, layout=DEFAULT_LAYOUT)
    return [prompts.encode(found.ids[: found.start], typed)]


def split_at(generator, ids, answer, text):
    healed = generator.tokenizer.decode(answer)
    assert healed.endswith(text)
    return [Encoded(list(ids), healed.removesuffix(text))]


@pytest.mark.parametrize("user", [asked_by_drift, asked_in_training])
@pytest.mark.parametrize("place", PLACES)
def test_all_who_ask_a_model_ask_what_the_server_asks(place, user):
    (served,) = asked_by_the_server(*PLACES[place])
    assert served.heal
    found = user(*PLACES[place])
    assert found and all(asked == served for asked in found)
