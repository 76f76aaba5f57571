"""The real server with a fake model: what a completion says shows what it was asked.

The document decides what happens: one with SLOW takes minutes, with HOLD too at the first time,
with RAISE fails, with FIND NAME asks the index, with PREPARED lists what was prepared, with WRITER
names the model; any other is answered with the three characters before the cursor and after it.
"""

# ruff: noqa: E402  (what is left out is left out before anything imports it)
from __future__ import annotations

import builtins
import json
import logging
import os
import threading
import time
from pathlib import Path

from homespun.indexer.storage.rest_client import leave_out_the_rest_client

leave_out_the_rest_client()  # as the command does

from homespun.cli.verbs.serve import configure_logging, serve
from homespun.models.adapters import registry
from homespun.models.errors import DownloadFailed, ModelMissing
from homespun.models.fakes import FakeEncoder, FakeGenerator
from homespun.models.recommend.auto import AutoModel
from homespun.models.remote.vectors.encoder_name import is_address
from homespun.server.background import auto_choice, backend, factories
from homespun.server.background.factories import Factories, open_index
from homespun.server.completion.completer import Completer
from homespun.server.setup import create_server
from homespun.server.types import Completion, SourceLocation

logger = logging.getLogger("homespun")
PREPARED = []
HELD = []
SETTINGS = json.loads(os.environ.get("FAKE_SERVER", "{}"))


class EchoCompleter:
    def __init__(self, generator, index, options, *, licences):
        self._generator, self._index, self._options = generator, index, options

    def complete(self, request, *, cancelled=lambda: False):
        text, offset = request.text, request.offset
        if "RAISE" in text:
            raise RuntimeError("RAISE was in the text")
        if "PRINT" in text:
            print("stray output")  # noqa: T201 - to see that it does no harm
            os.write(1, b"as a library would write it")
        for word, answer in {
            "OPTIONS": f"{self._options.max_tokens} {self._options.model}",
            "WRITER": self._generator.name,
            "PLACE": f"{request.path} {request.language} {self._index is not None}",
            "PREPARED": " ".join(PREPARED),
        }.items():
            if word in text:
                return self._says(answer)
        if "FIND" in text:
            found = self._index.definitions(text.split("FIND ", 1)[1].split()[0])
            sources = [SourceLocation(s.path, s.start_line, s.end_line, 1.0) for s in found]
            return self._says(" ".join(sorted(source.path for source in sources)), sources)
        if "SLOW" in text:
            if not _sleep(120, cancelled):
                return Completion("", "cancelled", model=self._generator.name)
            return self._says("slept")
        if "HOLD" in text and not HELD:
            HELD.append(text)
            logger.debug("the answer is held")
            _sleep(120, cancelled)
            return Completion("", "cancelled", model=self._generator.name)
        return self._says(f"{text[max(0, offset - 3) : offset]}|{text[offset : offset + 3]}")

    def prepare(self, request, *, accepted="", cancelled=lambda: False):
        text, offset = request.text, request.offset
        PREPARED.append(f"{text[:offset]}{accepted}|{text[offset:]}")
        return True

    def key(self, request):
        return (request.path, request.language, self._options)

    def _says(self, text, sources=()):
        return Completion(text, "newline", model=self._generator.name, sources=tuple(sources))


def _sleep(seconds, cancelled):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if cancelled():
            return False
        time.sleep(0.005)
    return True


def fetch_model(name, progress):
    """Bring half of the model, wait for what the test says, then end as it says."""
    progress.start("model.gguf from the hub", 200, "B")
    try:
        progress.advance(101)
        told = Path(os.environ["FETCH"])  # "" = all of it comes, else the connection breaks
        while not told.exists():
            time.sleep(0.01)
            progress.advance(0)
        if failure := told.read_text(encoding="utf-8"):
            told.unlink()
            raise DownloadFailed(failure)
        progress.advance(99)
    finally:
        progress.finish()
    Path(os.environ["FETCHED"]).touch()
    return told


def load_generator(name, *, adapter, workspace, threads, context_tokens, cache_mb, progress):
    fail("load_generator")
    if adapter == "champion":
        registry.Registry(workspace).champion()
    if name == "slow-to-load":
        threading.Event().wait()
    if gate := os.environ.get("LOADED") if name == "small" else "":
        while not Path(gate).exists():
            time.sleep(0.01)
    fetched = os.environ.get("FETCHED")
    if fetched and name in ("missing", "qwen2.5-coder-0.5b") and not Path(fetched).exists():
        raise ModelMissing(f"model {name!r} is not here; run `homespun models fetch {name}`")
    remembers = SETTINGS.get("remembers", True)
    says = SETTINGS.get("says", "unused")
    return FakeGenerator(says, name=name, adapter=adapter, remembers=remembers)


def load_encoder(name, *, threads=0):
    return factories.load_encoder(name) if is_address(name) else FakeEncoder()


def find_models(*, threads, say):
    """Find out what "auto" stands for, once the test lets it; SPARED is a file that changes it."""
    fail("find_models")
    if gate := os.environ.get("FOUND"):
        while not Path(gate).exists():
            time.sleep(0.01)
    say("the machine is timed")
    name = SETTINGS.get("auto", "found")
    while True:
        spared = Path(os.environ.get("SPARED", "/nowhere")).exists()
        yield (
            AutoModel("small", "model auto is small: the machine runs on battery")
            if spared
            else AutoModel(name, f"model auto is {name}: it is quick enough")
        )


class Panic(BaseException):
    """What native code raises: no `Exception`."""


def fail(part):
    """Fail as the test says, in a part that it says."""
    if name := SETTINGS.get("fails", {}).get(part):
        error = Panic if name == "Panic" else getattr(builtins, name)
        raise error("as the test says")


def failing(owner, name, part):
    """Have a function of the server fail before it does anything."""
    inner = getattr(owner, name)

    def call(*arguments, **named):
        fail(part)
        return inner(*arguments, **named)

    setattr(owner, name, call)


def spoil():
    failing(registry.Registry, "champion", "champion")
    failing(backend, "resolve", "settings")
    failing(backend, "FolderIndex", "folder_index")
    failing(backend.ModelLoader, "want", "want")


def failing_index(root, config, *, create):
    fail("open_index")
    return open_index(root, config, create=create)


def main():
    spoil()
    auto_choice.LOOK_SECONDS = 0.05
    configure_logging(SETTINGS.get("log_level", "warning"))
    factories = Factories(
        load_generator=load_generator,
        fetch_model=fetch_model,
        find_models=find_models,
        open_index=failing_index,
        load_encoder=load_encoder,
        make_completer=Completer if "says" in SETTINGS else EchoCompleter,
    )
    serve(create_server(factories, flags=SETTINGS.get("flags")))


if __name__ == "__main__":
    main()
