"""What a completer is put together of: the same for everybody who asks the model."""

from __future__ import annotations

import json
import logging
import os
from dataclasses import replace

import pytest

from homespun.cli import champion
from homespun.cli.main import main
from homespun.indexer.config import IndexConfig
from homespun.indexer.errors import NotADirectory
from homespun.indexer.index import Index
from homespun.models.errors import AdapterDamaged
from homespun.models.fakes import FakeGenerator
from homespun.models.recommend import auto
from homespun.models.recommend.speeds import MachineSpeeds
from homespun.progress import NoProgress
from homespun.server.background.factories import Factories
from homespun.server.background.model_loader import ModelLoader
from homespun.server.completion.completer import Completer
from homespun.server.completion.open import context_length
from homespun.server.errors import SourceUnreadable
from homespun.server.options import CompletionOptions
from homespun.server.prompt.render import PROMPT_VERSION
from homespun.server.types import CompletionRequest
from homespun.settings import settings_of
from homespun.training.evaluation.evaluate import open_models
from homespun.training.safety import forgetting
from tests.models.remote.exchanges import foreign, llama
from tests.support.hostile import workspace_folders as hostile
from tests.support.model_server import ModelServer, Reply

APP = "from client import connect\n\nclient = connect()\n"
CLIENT = 'def connect(address):\n    """Return a client."""\n    return address\n'
SETTINGS = {
    "THREADS": "1",
    "CACHE_MB": "64",
    "CONTEXT_TOKENS": "2000",
    "MAX_TOKENS": "30",
    "MAX_BLOCK_TOKENS": "90",
}

SLOW = MachineSpeeds((0.5,) * 4, (200.0, 400.0, 1000.0, 3000.0))


class Loaded(FakeGenerator):
    def __init__(self, folder):
        super().__init__("'shop')", context_tokens=8192)
        self.directory = folder

    def score(self, prompt, answer):
        raise AssertionError("nothing is to be scored")


class Quiet:
    """A client that nobody looks at."""

    def __getattr__(self, name):
        return lambda *_, **__: NoProgress()


@pytest.fixture
def loads(monkeypatch, tmp_path):
    """What `load_generator` was called with, each call a dictionary."""
    calls = []

    def load(name, **given):
        calls.append({"name": name, **given, "progress": None})
        return Loaded(tmp_path)

    monkeypatch.setattr("homespun.models.load.load_generator", load)
    return calls


@pytest.fixture
def root(tmp_path):
    root = tmp_path / "shop"
    root.mkdir()
    (root / "client.py").write_text(CLIENT, encoding="utf-8")
    (root / "app.py").write_text(APP, encoding="utf-8")
    return root


def indexed(root):
    index = Index.open(root, IndexConfig(encoder="none"), create=True)
    index.update()
    return index


def served(options, root):
    """Have the server's loader load a model, as it does behind a protocol."""
    loader = ModelLoader(Factories().load_generator, Quiet(), loaded=lambda: loader.close())
    loader.want(options, root)
    loader._thread.join(timeout=60)
    assert loader.generator is not None


def test_everybody_who_asks_the_model_gets_the_same_composition(root, loads, monkeypatch):
    for name, value in SETTINGS.items():
        monkeypatch.setenv(f"HOMESPUN_COMPLETION_{name}", value)
    options = settings_of(CompletionOptions, "completion", workspace=root, say=pytest.fail)
    Completer.open(root)
    assert main(["complete", str(root / "app.py:3:18"), "--workspace", str(root), "--json"]) == 0
    served(options, root)
    open_models(root, ["general/none"], "none", options, NoProgress())
    by_hand, by_verb, by_server, by_evaluation = loads
    assert by_hand == {
        "name": "qwen2.5-coder-0.5b",
        "adapter": "champion",
        "workspace": root,
        "prompt_version": PROMPT_VERSION,
        "threads": 1,
        "context_tokens": 2000 + 456 + 90,
        "cache_mb": 64,
        "progress": None,
    }
    assert by_verb == by_hand
    assert by_server == by_hand | {"adapter": "none"}  # the loader looks for the champion itself
    assert by_evaluation == by_hand | {"adapter": "none"}


@pytest.fixture
def remote():
    with ModelServer(llama(" ", "from_afar")).running() as server:
        yield server


def test_a_server_of_the_users_answers_before_the_model(root, loads, remote, capsys, caplog):
    (root / "app.py").write_text(APP + "value = ")
    place = f"{root / 'app.py'}:4:9"
    flags = ["--remote", remote.url, "--no-retrieval", "--workspace", str(root), "--json"]
    assert main(["complete", place, "--route", "remote", *flags]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["text"], answer["model"]) == ("from_afar", f"qwen2.5-coder-7b.gguf@{remote.url}")
    remote.replies["/completion"] = Reply("{}", status=404)
    assert main(["complete", place, *flags]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["text"], answer["model"]) == ("'shop'", "fake")
    assert main(["complete", place, "--route", "local", *flags]) == 0
    assert len(remote.to("/completion")) == 2


def test_a_server_of_the_users_answers_where_no_model_is_here(root, monkeypatch, remote):
    said = []
    monkeypatch.setenv("HOMESPUN_COMPLETION_MODEL", "qwen2.5-coder-1.5b")
    remote.replies = llama("from_afar", tokenize=foreign)
    given = {"route": "remote", "url": remote.url}
    completer = Completer.open(root, remote=given, retrieval=False, say=said.append)
    request = CompletionRequest("first = 1\nanswer = x", 19, "app.py", explicit=True)
    remote.replies = llama(" ", "from_afar", tokenize=foreign)
    assert completer.complete(request).text == "from_afar"
    assert "asking the server alone" in said[0]
    remote.replies = {}
    again = completer.complete(request)
    assert again.finish == "filtered:problem"
    assert "404" in str(again.facts["message"])


def test_an_evaluation_has_room_for_its_longest_task_and_a_check_for_its_own(root, loads):
    options = CompletionOptions(context_tokens=128)
    assert context_length(options) < forgetting.CONTEXT_TOKENS
    open_models(root, ["general/none"], "none", options, NoProgress())
    champion._scorer(options.model, root)("shop-1", [])
    by_evaluation, by_check = loads
    assert by_evaluation["context_tokens"] == forgetting.CONTEXT_TOKENS
    assert by_check["context_tokens"] == 1024
    for call in (by_evaluation, by_check):
        assert (call["prompt_version"], call["threads"], call["cache_mb"]) == (
            *(PROMPT_VERSION, options.threads, options.cache_mb),
        )


@pytest.mark.parametrize(("line", "block", "longest"), [(64, 128, 128), (200, 100, 200)])
def test_a_decoder_holds_the_prompt_what_is_typed_and_the_longer_answer(line, block, longest):
    options = CompletionOptions(context_tokens=1000, max_tokens=line, max_block_tokens=block)
    assert context_length(options) == 1000 + 456 + longest
    assert context_length(replace(options, context_tokens=500)) == 500 + 456 + longest


def test_a_file_of_the_folder_is_completed_as_the_command_does(root, loads, tmp_path, monkeypatch):
    indexed(root)
    monkeypatch.chdir(tmp_path)
    completer = Completer.open("shop")
    completion = completer.complete_file("app.py", line=3, column=18)
    assert (completion.text, completion.sources[0].path) == ("'shop'", "client.py")
    assert completer.complete_file(root / "app.py", line=3, column=18).text == "'shop'"
    gone = completer.complete_file("app.py", line=99, column=1)
    assert (gone.text, gone.finish) == ("", "filtered:cursor-out-of-range")
    with pytest.raises(SourceUnreadable, match=r"gone\.py' cannot be read: .*check the path"):
        completer.complete_file("gone.py", line=1, column=1)
    (root / "data.bin").write_bytes(bytes(range(256)))
    with pytest.raises(SourceUnreadable, match="is no text"):
        completer.complete_file("data.bin", line=1, column=1)


def test_an_open_index_is_taken_and_none_where_retrieval_is_off(root, loads):
    index = indexed(root)
    (root / ".homespun").rename(root / "aside")  # what is opened anew would not be found
    say = pytest.fail
    found = Completer.open(root, index=index, say=say).complete_file("app.py", line=3, column=18)
    assert [source.path for source in found.sources] == ["client.py"]
    without = Completer.open(root, index=index, retrieval=False, say=say)
    assert without.complete_file("app.py", line=3, column=18).sources == ()


def test_a_missing_index_is_logged_and_no_failure(root, loads, caplog):
    with caplog.at_level(logging.WARNING):
        completer = Completer.open(root)
    assert completer.complete_file("app.py", line=3, column=18).text == "'shop'"
    [record] = caplog.records
    assert f"`homespun index {root}` builds one" in record.message


def test_a_folder_that_is_none_is_named(tmp_path, loads):
    with pytest.raises(NotADirectory, match="'.*gone' is no directory"):
        Completer.open(tmp_path / "gone")
    assert loads == []


def test_an_adapter_that_is_refused_ends_it_only_where_it_was_asked_for(root, monkeypatch):
    def load(name, *, adapter, **given):
        if adapter != "none":
            raise AdapterDamaged("the adapter's weights are damaged")
        return FakeGenerator("x", context_tokens=8192)

    monkeypatch.setattr("homespun.models.load.load_generator", load)
    said = []
    Completer.open(root, retrieval=False, say=said.append)
    assert said == ["the adapter's weights are damaged; completing with the model as shipped"]
    with pytest.raises(AdapterDamaged):
        Completer.open(root, adapter="shop-1", retrieval=False, say=said.append)


def test_settings_of_a_clone_set_no_model_and_no_adapter(root, loads):
    (root / "homespun.toml").write_text(
        '[completion]\nmodel = "/tmp/theirs"\nadapter = "theirs-1"\nthreads = 1\nmax_tokens = 16\n'
    )
    said = []
    Completer.open(root, retrieval=False, say=said.append)
    assert (loads[0]["name"], loads[0]["adapter"]) == ("qwen2.5-coder-0.5b", "champion")
    assert len(said) == 3 and all("only the user may set it" in sentence for sentence in said)


@pytest.mark.skipif(os.name != "posix", reason="links of POSIX")
def test_an_index_that_came_with_a_folder_or_leads_elsewhere_is_not_read(tmp_path, loads):
    poisoned = hostile.build_repository(tmp_path / "poisoned")
    hostile.build_poisoned_index(poisoned, tmp_path / "scratch")
    linked = hostile.build_repository(tmp_path / "linked")
    hostile.LINKED["the folder"](linked, hostile.build_outside(tmp_path / "outside"))
    for folder, reason in ((poisoned, "was not made on this machine"), (linked, "nothing is read")):
        said = []
        completer = Completer.open(folder, say=said.append)
        assert completer.complete_file("app.py", line=3, column=1).sources == ()
        assert any(reason in each and "without retrieval" in each for each in said), said


def test_auto_is_loaded_by_the_name_of_the_model_that_suits_the_machine(root, loads, monkeypatch):
    monkeypatch.setattr(auto, "_time_machine", lambda: lambda *, threads: SLOW)
    monkeypatch.setattr(auto, "free_memory_mb", lambda: 16_000)
    monkeypatch.setenv("HOMESPUN_COMPLETION_MODEL", "auto")
    said = []
    Completer.open(root, say=said.append)
    assert loads[0]["name"] == "qwen2.5-coder-0.5b"
    assert any(sentence.startswith("model auto is qwen2.5-coder-0.5b") for sentence in said)
