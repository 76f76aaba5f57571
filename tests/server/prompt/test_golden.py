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
from homespun.server.prompt.render import (
    DEFAULT_LAYOUT,
    PROMPT_VERSION,
    Context,
    Snippet,
    encode,
    render,
    split,
)
from homespun.server.types import CompletionRequest

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
    prefix, typed, behind = split(BEFORE, AFTER)
    prompt = render(
        Context("shop", "app.py", prefix, behind, (SNIPPET,), typed),
        fim=generator.fim,
        budget=2048,
        count_tokens=lambda text: len(generator.tokenizer.encode(text)),
        layout=layout,
    )
    encoded = encode(prompt, generator.tokenizer)
    return (*encoded.ids, *generator.tokenizer.encode(encoded.heal))


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
