"""Which model is there, and with what it was loaded."""

from __future__ import annotations

import json
import threading

import pytest

from homespun.models.adapters.registry import Registry
from homespun.models.adapters.sealed_folder import seal
from homespun.models.errors import AdapterDamaged, UnknownModel
from homespun.models.fakes import FakeGenerator
from homespun.progress import NoProgress
from homespun.server.background.model_loader import ModelLoader
from homespun.server.options import CompletionOptions
from tests.support.hostile import settings_and_adapters as hostile

PATIENCE_SECONDS = 30  # a limit against hanging, never a measurement


class Editor:
    """The client of the unit tests: it is told and says nothing."""

    def __init__(self):
        self.said = []

    def progress(self, title):
        return NoProgress()

    def log(self, sentence):
        pass

    def say_once(self, sentence, kind):
        self.said.append(sentence)

    def say_problem(self, sentence):
        self.said.append(sentence)


class Shop:
    """Loads what is asked for, and counts."""

    def __init__(self):
        self.calls = []
        self.loaded = threading.Semaphore(0)
        self.gates = {}  # name -> event that its loading waits for
        self.editor = Editor()
        self.adapters = []  # each that was asked for
        self.loader = ModelLoader(self.load, self.editor, loaded=self.loaded.release)

    def load(self, name, *, adapter, workspace, **settings):
        self.adapters.append(adapter)
        settings = {name: settings[name] for name in ("threads", "context_tokens", "cache_mb")}
        self.calls.append((name, settings))
        if name in self.gates:
            assert self.gates[name].wait(PATIENCE_SECONDS)
        if adapter in self.gates:
            assert self.gates[adapter].wait(PATIENCE_SECONDS)
        if adapter == "damaged":
            raise AdapterDamaged("its weights are damaged")
        if adapter == "endless":
            raise RecursionError("deep")
        if name == "not-as-shipped":
            self.loaded.release()
            raise AdapterDamaged("the general adapter is damaged")
        if name == "unknown":
            self.loaded.release()
            raise UnknownModel("no such model")
        return FakeGenerator("", name=name, adapter=adapter)

    def want(self, *, wait=True, workspace=None, **settings):
        self.loader.want(CompletionOptions(**settings), workspace)
        assert not wait or self.loaded.acquire(timeout=PATIENCE_SECONDS)


@pytest.fixture
def shop():
    shop = Shop()
    yield shop
    for gate in shop.gates.values():
        gate.set()
    shop.loader.close()


def test_the_decoder_gets_room_for_the_prompt_what_is_typed_and_the_longest_answer(shop):
    shop.want(threads=3, context_tokens=1000, max_tokens=50, max_block_tokens=100, cache_mb=64)
    expected = {"threads": 3, "context_tokens": 1000 + 456 + 100, "cache_mb": 64}
    assert shop.calls == [("qwen2.5-coder-0.5b", expected)]
    shop.want(threads=3, context_tokens=1000, max_tokens=200, max_block_tokens=100, cache_mb=64)
    assert shop.calls[1][1]["context_tokens"] == 1000 + 456 + 200


def test_other_settings_of_the_same_model_leave_it_at_work_until_it_is_loaded_anew(shop):
    shop.want(model="a")
    first = shop.loader.generator
    shop.gates["a"] = threading.Event()
    shop.want(model="a", cache_mb=32, wait=False)
    assert shop.loader.generator is first
    shop.gates["a"].set()
    assert shop.loaded.acquire(timeout=PATIENCE_SECONDS)
    assert shop.loader.generator is not first
    assert shop.calls[1][1]["cache_mb"] == 32


def test_a_model_of_another_name_does_not_answer_for_the_one_that_is_wanted(shop):
    shop.want(model="a")
    shop.gates["b"] = threading.Event()
    shop.want(model="b", wait=False)
    assert shop.loader.generator is None
    assert shop.loader.status.state == "loading model"
    shop.gates["b"].set()
    assert shop.loaded.acquire(timeout=PATIENCE_SECONDS)
    assert shop.loader.generator.name == "b"
    assert shop.loader.status.state == "ready"


def test_a_model_that_is_no_longer_wanted_when_it_is_loaded_is_let_go(shop):
    shop.gates["a"] = threading.Event()
    shop.want(model="a", wait=False)
    shop.want(model="b", wait=False)
    assert shop.loader.generator is None
    shop.gates["a"].set()
    assert shop.loaded.acquire(timeout=PATIENCE_SECONDS)
    assert shop.loader.generator.name == "b"
    assert not shop.loaded.acquire(timeout=0)


def test_back_to_the_model_that_was_there_loads_it_again(shop):
    shop.want(model="a")
    shop.want(model="unknown")
    assert shop.loader.generator is None
    shop.want(model="a")
    assert shop.loader.generator.name == "a"
    assert [name for name, _ in shop.calls] == ["a", "unknown", "a"]


@pytest.fixture
def workspace(tmp_path):
    (tmp_path / ".homespun" / "adapters").mkdir(parents=True)
    return tmp_path


def alias(workspace, champion):
    """Promote an adapter, made where there is none of this name; None rolls back."""
    registry = Registry(workspace)
    if champion is None:
        registry.rollback()
        return
    folder = registry.folder / champion
    if not folder.is_dir():
        hostile.write_adapter(folder)
        manifest = json.loads((folder / "manifest.json").read_text())
        facts = {name: manifest[name] for name in manifest if name not in ("files", "seal")}
        seal(folder, facts)
    registry.promote(champion)


def test_a_workspace_without_a_champion_has_the_model_as_shipped(shop, workspace):
    shop.want(workspace=workspace)
    assert shop.adapters == ["none"]
    assert shop.loader.status.message == ""


def test_the_champion_is_followed_and_the_weights_at_work_answer_until_it_is_loaded(
    shop, workspace
):
    shop.want(workspace=workspace)
    shipped = shop.loader.generator
    shop.gates["first"] = threading.Event()
    alias(workspace, "first")
    while "first" not in shop.adapters:
        shop.loader._thread.join(0.01)
    assert shop.loader.generator is shipped
    assert shop.loader.status.state == "ready"
    shop.gates["first"].set()
    assert shop.loaded.acquire(timeout=PATIENCE_SECONDS)
    assert shop.loader.generator.adapter == "first"
    alias(workspace, None)  # rolled back
    assert shop.loaded.acquire(timeout=PATIENCE_SECONDS)
    assert shop.loader.generator.adapter == "none"
    assert shop.adapters == ["none", "first", "none"]


def test_the_age_of_the_adapter_at_work_is_known_and_none_is_where_none_serves(shop, workspace):
    news = threading.Semaphore(0)
    shop.loader = ModelLoader(
        shop.load, shop.editor, loaded=shop.loaded.release, changed=news.release
    )
    alias(workspace, "first")
    shop.want(workspace=workspace)
    while shop.loader.adapter_age() is None:
        assert news.acquire(timeout=PATIENCE_SECONDS)
    assert shop.loader.adapter_age()["adapter"] == "first"
    alias(workspace, None)
    assert shop.loaded.acquire(timeout=PATIENCE_SECONDS)
    assert shop.loader.adapter_age() is None
    shop.loader.close()
    while shop.loader.busy():
        shop.loader._thread.join(0.01)


def test_a_change_of_the_aliases_that_moves_none_loads_nothing(shop, workspace):
    alias(workspace, "first")
    shop.want(workspace=workspace)
    Registry(workspace).promote("first", unproven=True)
    alias(workspace, "second")
    assert shop.loaded.acquire(timeout=PATIENCE_SECONDS)
    assert shop.adapters == ["first", "second"]


def test_a_champion_that_is_refused_leaves_the_model_as_shipped_and_a_sentence(shop, workspace):
    alias(workspace, "damaged")
    shop.want(workspace=workspace)
    assert shop.loader.generator.adapter == "none"
    sentence = "its weights are damaged; completing with the model as shipped"
    assert shop.editor.said == [sentence]
    assert (shop.loader.status.state, shop.loader.status.message) == ("ready", sentence)
    alias(workspace, "whole")
    assert shop.loaded.acquire(timeout=PATIENCE_SECONDS)
    assert shop.loader.generator.adapter == "whole"
    assert shop.loader.status.message == ""


def test_an_unreadable_alias_is_asked_for_so_that_loading_says_why(shop, workspace):
    (workspace / ".homespun" / "adapters" / "aliases.json").write_text("{")
    shop.want(workspace=workspace)
    assert shop.adapters == ["champion"]


def test_a_general_adapter_that_is_refused_is_a_problem_of_the_model(shop):
    shop.want(model="not-as-shipped", workspace=None)
    assert shop.adapters == ["none"]  # there is nothing to fall back to
    assert shop.loader.generator is None


def test_another_champion_is_looked_for_while_the_model_cannot_be_loaded(shop, workspace):
    shop.want(model="unknown", workspace=workspace)
    alias(workspace, "first")
    assert shop.loaded.acquire(timeout=PATIENCE_SECONDS)
    assert shop.adapters == ["none", "first"]


def test_an_adapter_by_name_does_not_follow_the_champion(shop, workspace):
    shop.want(workspace=workspace, adapter="mine")
    alias(workspace, "first")
    shop.want(workspace=workspace, adapter="mine", cache_mb=32)
    assert shop.adapters == ["mine", "mine"]


def test_an_adapter_that_breaks_the_loader_leaves_the_model_as_shipped(shop, workspace):
    """Whatever is raised: no adapter keeps the model from completing."""
    alias(workspace, "endless")
    shop.want(workspace=workspace)
    assert shop.loader.generator.adapter == "none"
    assert shop.loader.status.state == "ready"
    assert "adapter 'endless' cannot be loaded (RecursionError(" in shop.loader.status.message
