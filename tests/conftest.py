"""State of every test goes to a temporary folder; tests marked `model` use the real cache."""

from __future__ import annotations

import gc
import os
from contextlib import ExitStack

import pytest

from homespun.trust import machine_key
from tests.support import beside_others

if beside_others.is_one_of_several():
    beside_others.take_one_core()

# The collector of cycles walks through two million objects of libraries and tests again and again,
# five seconds of a process's collection alone; it does so a seventieth as often.
gc.set_threshold(50_000)

# What takes half a minute alone, or a training that several tests share, comes first: at the end
# one process would wait for the other.
LONG = (
    "tests/training/pipeline",
    "tests/training/lora",
    "tests/test_no_connection.py",
    "tests/fuzz",
    "tests/homespun/test_python_docs.py",
    "tests/models/engine/test_decoder.py",
)


def pytest_collection_modifyitems(items):
    """Put the long tests before the others; within both the order stays."""
    items.sort(key=lambda item: not item.nodeid.startswith(LONG))


@pytest.fixture(scope="session", autouse=True)
def _no_log_of_acceptance():
    """Whatever server a test starts, it writes nothing into the user's own figures."""
    os.environ["HOMESPUN_SERVER_ACCEPTANCE_LOG"] = "0"


@pytest.fixture(scope="session", autouse=True)
def _private_key(tmp_path_factory):
    """The key that seals what tests write is not the user's own; one for all, as on a machine."""
    os.environ["XDG_STATE_HOME"] = str(tmp_path_factory.mktemp("state"))
    return machine_key()


@pytest.fixture(autouse=True)
def _private_home(request, tmp_path_factory, monkeypatch, _private_key):
    for name in ("HOMESPUN_MODELS", "HOMESPUN_COMPLETION_MODEL", "HOMESPUN_INDEX_ENCODER"):
        monkeypatch.delenv(name, raising=False)
    if request.node.get_closest_marker("model") is None:
        home = tmp_path_factory.mktemp("home")
        (home / "machine.key").write_bytes(_private_key)
        monkeypatch.setenv("HOMESPUN_HOME", str(home))


@pytest.fixture
def serving():
    """Start a fake server with replies; all end with the test."""
    from tests.support.model_server import ModelServer

    with ExitStack() as stack:
        yield lambda replies, **more: stack.enter_context(ModelServer(replies, **more).running())


@pytest.fixture
def patient(monkeypatch):
    """However busy the machine is, what answers is waited for."""
    monkeypatch.setenv("HOMESPUN_ENCODER_QUERY_TIMEOUT_MS", "60000")
    monkeypatch.setenv("HOMESPUN_SEARCH_RERANKER_TIMEOUT_MS", "60000")
