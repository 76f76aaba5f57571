"""Which model is there, and with what it was loaded."""

from __future__ import annotations

import threading

import pytest

from homespun.models.errors import UnknownModel
from homespun.models.fakes import FakeGenerator
from homespun.models.types import NoProgress
from homespun.server.model_loader import ModelLoader
from homespun.server.options import CompletionOptions

PATIENCE_SECONDS = 30  # a limit against hanging, never a measurement


class Editor:
    """The client of the unit tests: it is told and says nothing."""

    def progress(self, title):
        return NoProgress()

    def log(self, sentence):
        pass

    def say_once(self, sentence, kind):
        pass


class Shop:
    """Loads what is asked for, and counts."""

    def __init__(self):
        self.calls = []
        self.loaded = threading.Semaphore(0)
        self.gates = {}  # name -> event that its loading waits for
        self.loader = ModelLoader(self.load, Editor(), loaded=self.loaded.release)

    def load(self, name, **settings):
        settings.pop("progress")
        self.calls.append((name, settings))
        if name in self.gates:
            assert self.gates[name].wait(PATIENCE_SECONDS)
        if name == "unknown":
            self.loaded.release()
            raise UnknownModel("no such model")
        return FakeGenerator("", name=name)

    def want(self, *, wait=True, **settings):
        self.loader.want(CompletionOptions(**settings))
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
    expected = {"threads": 3, "context_tokens": 1000 + 256 + 100, "cache_mb": 64}
    assert shop.calls == [("qwen2.5-coder-0.5b", expected)]
    shop.want(threads=3, context_tokens=1000, max_tokens=200, max_block_tokens=100, cache_mb=64)
    assert shop.calls[1][1]["context_tokens"] == 1000 + 256 + 200


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
