"""A running server follows the registry: promotion, rollback, a refused adapter."""

from __future__ import annotations

import json
import sys

import pytest

from homespun.models.adapters.registry import Registry
from homespun.models.serve import identity
from homespun.server.prompt.render import PROMPT_VERSION
from tests.support.hostile import settings_and_adapters as hostile
from tests.support.tiny import save_tiny_adapter, save_tiny_qwen2

pytestmark = pytest.mark.e2e

REAL_SERVER = [sys.executable, "-P", "-m", "homespun.cli", "serve"]
TEXT = "def total(items):\n    return sum(items)\n\n\nclass Session:\n    x = "


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """A tiny model and the draft of an adapter for it."""
    directory = tmp_path_factory.mktemp("weights")
    model = save_tiny_qwen2(directory / "model")
    save_tiny_adapter(model, directory / "draft")
    return directory


@pytest.fixture
def workspace(tmp_path):
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "a.py").write_text(TEXT)
    return tmp_path / "shop"


@pytest.fixture
def registry(tiny, workspace):
    return Registry(workspace)


@pytest.fixture
def facts(tiny):
    made_for = {**identity(str(tiny / "model")).facts(), "prompt_version": PROMPT_VERSION}
    return {**made_for, "gate": {"promote": True, "headline": "better"}}


@pytest.fixture
def client(tiny, workspace, start):
    return begin(start(REAL_SERVER), tiny, workspace)


def begin(client, tiny, workspace, capabilities=None):
    client.initialize(
        capabilities,
        rootUri=workspace.as_uri(),
        initializationOptions={
            "completion": {"model": str(tiny / "model")},
            "index": {"encoder": "none"},
        },
    )
    client.wait_until_ready()
    return client


def asked(client, workspace):
    """Complete by hand; return the adapter that answered."""
    uri = (workspace / "a.py").as_uri()
    client.complete(uri, 5, 8)
    last = client.status()["last"]
    assert not last["finish"].startswith("error:"), last
    return last["adapter"]


def test_it_swaps_on_promotion_and_on_rollback_without_a_restart(
    client, workspace, registry, tiny, facts
):
    client.open((workspace / "a.py").as_uri(), TEXT)
    assert client.status()["adapter"] == "none"
    assert asked(client, workspace) == "none"
    first, second = registry.add(tiny / "draft", facts), registry.add(tiny / "draft", facts)
    registry.promote(first.id)
    client.wait_until(lambda: client.status()["adapter"] == first.id)
    assert asked(client, workspace) == first.id
    registry.promote(second.id)
    client.wait_until(lambda: client.status()["adapter"] == second.id)
    assert asked(client, workspace) == second.id
    registry.rollback()
    client.wait_until(lambda: client.status()["adapter"] == first.id)
    registry.rollback()
    client.wait_until(lambda: client.status()["adapter"] == "none")
    assert asked(client, workspace) == "none"
    assert client.status()["state"] == "ready"


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        pytest.param(
            {"prompt_version": PROMPT_VERSION - 1}, "was made for prompt version", id="foreign"
        ),
        pytest.param({}, "is damaged: its sha256 is", id="damaged"),
    ],
)
def test_a_refused_adapter_leaves_the_model_as_shipped_and_says_why(
    client, workspace, registry, tiny, facts, spoil, sentence
):
    client.open((workspace / "a.py").as_uri(), TEXT)
    whole, spoilt = registry.add(tiny / "draft", facts), registry.add(tiny / "draft", facts | spoil)
    if not spoil:
        config = spoilt.directory / "adapter_config.json"
        config.write_text(json.dumps(json.loads(config.read_text()) | {"lora_alpha": 99}))
    registry.promote(whole.id)
    client.wait_until(lambda: client.status()["adapter"] == whole.id)
    registry.promote(spoilt.id)
    client.wait_until(lambda: client.status()["adapter"] == "none")
    status = client.status()
    assert status["state"] == "ready"
    assert sentence in status["message"]
    assert "completing with the model as shipped" in status["message"]
    shown = client.wait_for("window/showMessage")
    assert sentence in shown["message"]
    assert asked(client, workspace) == "none"


@pytest.mark.parametrize("proven", [True, False])
def test_a_cloned_adapter_serves_when_the_user_says_so_and_the_gate_did(
    start, tiny, workspace, registry, facts, proven
):
    gate = {"promote": proven, "headline": "as the gate said"}
    brought = registry.add(tiny / "draft", facts | {"gate": gate})
    registry.promote(brought.id, unproven=True)
    hostile.as_if_cloned(workspace)
    client = start(REAL_SERVER)
    questions = []

    def answer(params):
        questions.append(params)
        return {"title": "Use it"}

    client.replies["window/showMessageRequest"] = answer
    begin(client, tiny, workspace, {"window": {"showMessage": {}}})
    if proven:
        client.wait_until(lambda: client.status()["adapter"] == brought.id)
        client.open((workspace / "a.py").as_uri(), TEXT)
        assert asked(client, workspace) == brought.id
    else:
        shown = client.wait_for("window/showMessage")
        assert "has not passed the gate: as the gate said" in shown["message"]
        assert client.status()["adapter"] == "none"
        assert registry.champion() is None
    (question,) = questions
    assert f"brings an adapter, {brought.id!r}, that was not made on this" in question["message"]


def test_a_champion_whose_bytes_a_pull_has_changed_serves_no_more(
    client, tiny, workspace, registry, facts
):
    whole, other = registry.add(tiny / "draft", facts), registry.add(tiny / "draft", facts)
    registry.promote(whole.id)
    client.wait_until(lambda: client.status()["adapter"] == whole.id)
    hostile.as_if_cloned(workspace)  # its manifests and its aliases
    client.wait_until(lambda: client.status()["adapter"] == "none")
    assert client.status()["state"] == "ready"
    assert {adapter.state for adapter in registry.adapters()} == {"unknown"}
    assert other.id != whole.id
