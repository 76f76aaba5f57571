"""State of every test goes to a temporary folder; tests marked `model` use the real cache."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _private_home(request, tmp_path_factory, monkeypatch):
    for name in ("HOMESPUN_MODELS", "HOMESPUN_COMPLETION_MODEL", "HOMESPUN_INDEX_ENCODER"):
        monkeypatch.delenv(name, raising=False)
    if request.node.get_closest_marker("model") is None:
        monkeypatch.setenv("HOMESPUN_HOME", str(tmp_path_factory.mktemp("home")))
