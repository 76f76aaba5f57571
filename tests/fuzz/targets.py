"""What is fuzzed: each target gives a strategy and a function that must raise nothing."""

from __future__ import annotations

import queue
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from hypothesis import strategies as st

from homespun.indexer.config import IndexConfig
from homespun.indexer.errors import IndexerError
from homespun.indexer.index import Index
from homespun.indexer.languages import language_of
from homespun.indexer.syntax.parse import parse_file
from homespun.indexer.types import Skipped
from homespun.models.adapters.registry import Registry
from homespun.models.errors import ModelsError
from homespun.models.fakes import FakeGenerator
from homespun.models.weights.gguf import GgufSource
from homespun.models.weights.lora import LoraWeights
from homespun.models.weights.safetensors import SafetensorsSource
from homespun.server.completion.completer import Completer
from homespun.server.options import CompletionOptions, ServerOptions
from homespun.server.prompt.cursor import Cursor
from homespun.server.types import CompletionRequest
from homespun.settings import resolve
from tests.fuzz.mutate import damaged
from tests.support import rpc, tiny

TESTS = Path(__file__).parents[1]
INLINE = "textDocument/inlineCompletion"
Target = Callable[[Path], tuple[st.SearchStrategy, Callable[[object], None]]]
TARGETS: dict[str, Target] = {}
MAX_FILLER_BYTES = 16_000_000


def target(make: Target) -> Target:
    """Put a target on the list."""
    TARGETS[make.__name__.replace("_", "-")] = make
    return make


def _sources() -> list[Path]:
    return sorted((TESTS / "repos" / "languages").iterdir())


@target
def grammars(scratch: Path):
    """Damaged source of twenty languages: parsed or skipped, and chunks are the file's lines."""
    seeds = {path.name: path.read_bytes() for path in _sources()}
    strategy = st.sampled_from(sorted(seeds)).flatmap(
        lambda name: st.tuples(st.just(name), damaged([seeds[name]]))
    )

    def look(case):
        name, source = case
        parsed = parse_file(name, source, IndexConfig())
        if isinstance(parsed, Skipped):
            return
        for chunk in parsed.chunks:
            assert 1 <= chunk.start_line <= chunk.end_line, chunk

    return strategy, look


@target
def documents(scratch: Path):
    """A cursor anywhere in a damaged document, with an index: answered, or silent with a reason."""
    seeds = [path.read_bytes() for path in _sources()]
    names = [path.name for path in _sources()]
    for path in _sources():
        (scratch / path.name).write_bytes(path.read_bytes())
    index = Index.open(scratch, IndexConfig(encoder="none"), create=True)
    index.update()
    completer = Completer(FakeGenerator("x = 1\n\n"), index, CompletionOptions())
    strategy = st.tuples(
        st.sampled_from(range(len(names))).flatmap(
            lambda place: st.tuples(st.just(names[place]), damaged([seeds[place]], most=20_000))
        ),
        st.floats(0, 1),
        st.booleans(),
    )

    def look(case):
        (name, source), share, explicit = case
        text = source.decode("utf-8", "replace")
        offset = int(share * len(text))
        Cursor(text, offset)
        done = completer.complete(
            CompletionRequest(text, offset, name, language_of(name), explicit=explicit)
        )
        assert not done.finish.startswith("error"), done

    return strategy, look


@target
def settings_files(scratch: Path):
    """Damaged homespun.toml and pyproject.toml: faults are sentences."""
    seeds = [
        b'[completion]\nmax_tokens = 3\nmodel = "x"\ndisabled_globs = ["a/**"]\nenabled = true\n',
        b'[index]\nexclude = ["*.py", "[x"]\nmax_file_bytes = 7\n[server]\nrefresh_seconds = 0.5\n',
        b"[tool.homespun.completion]\nmultiline = 'never'\nmin_logprob = -3\n",
    ]

    def look(case):
        name, data = case
        (scratch / name).write_bytes(data)
        for cls, section in (
            (CompletionOptions, "completion"),
            (ServerOptions, "server"),
            (IndexConfig, "index"),
        ):
            resolve(cls, section, workspace=scratch)

    return st.tuples(st.sampled_from(["homespun.toml", "pyproject.toml"]), damaged(seeds)), look


@target
def index_manifests(scratch: Path):
    """A damaged index: rebuilt by a writer, refused with a sentence by a reader."""
    (scratch / "a.py").write_text("def add(a, b):\n    return a + b\n", encoding="utf-8")
    Index.open(scratch, IndexConfig(encoder="none"), create=True).update()
    folder = scratch / ".homespun"
    whole = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.stat().st_size and path.suffix != ".lock"
    }

    def look(case):
        name, data = case
        (folder / name).parent.mkdir(parents=True, exist_ok=True)  # a rebuild may have cleared it
        (folder / name).write_bytes(data)
        with suppress(IndexerError):
            Index.open(scratch, IndexConfig(encoder="none")).search("add")
        index = Index.open(scratch, IndexConfig(encoder="none"), create=True)
        index.update()
        assert [hit.path for hit in index.search("add")] == ["a.py"]

    wanted = st.sampled_from(sorted(whole)).flatmap(
        lambda name: st.tuples(st.just(name), damaged([whole[name]]))
    )
    return wanted, look


@target
def adapter_files(scratch: Path):
    """Damaged adapters: refused with a sentence, whichever of their files it is."""
    model = tiny.save_tiny_qwen2(scratch / "model")
    tiny.save_tiny_adapter(model, scratch / "draft")
    registry = Registry(scratch)
    facts = {"base_sha256": "a", "tokenizer_sha256": "b", "prompt_version": 1}
    made = registry.add(scratch / "draft", facts)
    registry.promote(made.id)
    folder = registry.folder
    names = [f"{made.id}/{name}" for name in ("manifest.json", "adapter_config.json")]
    names += [f"{made.id}/adapter_model.safetensors", "aliases.json"]
    whole = {name: (folder / name).read_bytes() for name in names}

    def look(case):
        name, data = case
        (folder / name).write_bytes(data)
        try:
            with suppress(ModelsError):
                registry.adapters()
            registry.damaged()
            with suppress(ModelsError):
                LoraWeights.open(folder / made.id)
            with suppress(ModelsError):
                champion = registry.champion()
                if champion is not None:
                    registry.check(champion, everything=True)
        finally:
            (folder / name).write_bytes(whole[name])

    wanted = st.sampled_from(names).flatmap(
        lambda name: st.tuples(st.just(name), damaged([whole[name][:20_000]]))
    )
    return wanted, look


@target
def safetensors_headers(scratch: Path):
    """Damaged safetensors of a base model: refused with a sentence."""
    tiny.save_tiny_qwen2(scratch)
    file = scratch / "model.safetensors"
    whole = file.read_bytes()

    def look(data):
        file.write_bytes(data + whole[len(data) :])
        with suppress(ModelsError, KeyError):  # a tensor whose name is damaged is not there
            source = SafetensorsSource(scratch)
            source.tensor("embedding")

    return damaged([whole[:4_000]], most=100_000), look


@target
def gguf_headers(scratch: Path):
    """Damaged GGUF files: refused with a sentence."""
    tiny.save_tiny_qwen2(scratch / "model")
    tiny.save_tiny_gguf(scratch / "model", scratch / "model.gguf")
    whole = (scratch / "model.gguf").read_bytes()

    def look(data):
        file = scratch / "damaged.gguf"
        file.write_bytes(data + whole[len(data) :])
        with suppress(ModelsError, KeyError):  # likewise
            source = GgufSource(file)
            source.tensor("embedding")
            source.tokenizer_json()

    return damaged([whole[:12_000]], most=100_000), look


@target
def frames(scratch: Path):
    """Damaged messages to a real server with a fake model: it goes on answering."""
    client = rpc.Client(rpc.FAKE_SERVER, env={"HOMESPUN_HOME": str(scratch / "home")})
    client.initialize()
    uri = "untitled:a.py"
    client.open(uri, "def add(a, b):\n    return a\n")
    asked = {**client.note_message(INLINE, rpc.inline(uri, 0, 1)), "id": "asked"}
    notes = [
        ("textDocument/didChange", rpc.change(uri, 2, "x = 1\n")),
        ("textDocument/didChange", rpc.change(uri, 3, (0, 1, 0, 2, "é"))),
        ("workspace/didChangeConfiguration", {"settings": {}}),
        ("$/cancelRequest", {"id": 1}),
        ("workspace/didChangeWorkspaceFolders", {"event": {"added": [], "removed": []}}),
    ]
    seeds = [client.frame(asked), *(client.frame(client.note_message(*note)) for note in notes)]

    def look(messages):
        # The end of what was damaged is marked, so that a length that is too long ends as well.
        client.raw(b"".join(messages) + b"\r\n\r\n")
        client.answers.clear()
        client.incoming.clear()
        identifier = client.send("workspace/executeCommand", {"command": "homespun.status"})
        filler_bytes = 4_000
        for _ in range(2_000):
            if _answered(client, identifier):
                return
            # More each time: a body may be said to have 200 MB, and is waited for, as it should.
            client.raw(b" " * filler_bytes + b"\r\n\r\n")
            filler_bytes = min(filler_bytes * 4, MAX_FILLER_BYTES)
            identifier = client.send("workspace/executeCommand", {"command": "homespun.status"})
        raise AssertionError("the server does not answer any more")

    return st.lists(damaged(seeds, most=4_000), min_size=1, max_size=8), look


def _answered(client, identifier) -> bool:
    """Take in what has come; tell whether the answer is there."""
    while True:
        try:
            message = client._queue.get(timeout=0.2)
        except queue.Empty:
            return identifier in client.answers
        assert message is not None, f"the server ended: {client.process.wait()}"
        if "method" not in message:
            client.answers[message.get("id")] = message
        if identifier in client.answers:
            return True
