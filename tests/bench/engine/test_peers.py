"""A measured process starts from any folder, and says so where it cannot."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from bench.engine import peers


def test_a_worker_finds_its_package_whatever_the_folder_is(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bench.py").write_text("raise SystemExit('not this one')\n")
    with peers.EngineProcess(peers.ours()) as engine:
        assert engine.call("memory")["resident"] > 1


def test_a_worker_that_is_not_there_is_named():
    build = peers.Build("nobody", Path(sys.executable), "bench.engine.workers.nobody")
    with (
        peers.EngineProcess(build) as engine,
        pytest.raises(peers.PeerFailed, match=r"No module named bench\.engine\.workers\.nobody"),
    ):
        engine.open()
