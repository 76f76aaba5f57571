"""An adapter of a repository in a real vLLM: exported, pushed while it runs, asked for by its name.

The adapter is made of random numbers and learned nothing; it only has to change what the model
writes, here and there in the same way.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from homespun.cli.main import main as homespun
from homespun.models.adapters.export.forms import write_peft
from homespun.models.adapters.export.one_lora import OneLora
from homespun.models.adapters.registry import Registry
from homespun.models.serve import float_weights, identity
from homespun.server.prompt.render import PROMPT_VERSION
from tests.e2e.servers.starting import MODEL, Started

RANK = 4
_PARTS = ("q", "down")
_SHARE = 0.1  # of the weights' norm: enough to change texts, too little to break them
_SEED = 4


def registered(folder: Path) -> tuple[Registry, str]:
    """Make an adapter in a workspace of its own; return it and the identifier."""
    workspace = folder / "shop"
    registry = Registry(workspace)
    for adapter in registry.adapters():
        return registry, adapter.id  # of an earlier run
    (workspace / ".git").mkdir(parents=True, exist_ok=True)
    write_peft(folder / "draft", _random(), base=MODEL, facts={})
    gate = {"promote": True, "headline": "not judged: it has learned nothing"}
    facts = {**identity(MODEL).facts(), "prompt_version": PROMPT_VERSION, "gate": gate}
    return registry, registry.add(folder / "draft", facts).id


def push(server: Started, registry: Registry, identifier: str, folder: Path) -> None:
    """Have the server load it as a user would: by the command."""
    arguments = ["--path", str(registry.workspace), "--id", identifier, "--folder", str(folder)]
    status = homespun(["adapters", "push", server.url, "--without-general", *arguments])
    assert status == 0, "the adapter was not pushed"


def _random() -> OneLora:
    source = float_weights(MODEL)
    numbers = np.random.default_rng(_SEED)
    pairs = {}
    for name in (f"{layer}.{part}" for layer in range(source.config.layers) for part in _PARTS):
        weights = source.tensor(name)
        outputs, inputs = weights.shape
        size = _SHARE * float(np.linalg.norm(weights)) / math.sqrt(RANK * outputs)
        a = numbers.standard_normal((RANK, inputs)) / math.sqrt(inputs)
        b = numbers.standard_normal((outputs, RANK)) * size
        pairs[name] = a.astype(np.float32), b.astype(np.float32)
    return OneLora(RANK, pairs)
