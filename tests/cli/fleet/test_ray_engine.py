"""What is done with Ray: its worker is lost, it prints. A fake of it, as none is installed here.

`make e2e-scale` kills the workers of a real one.
"""

from __future__ import annotations

import socket
import sys
from types import SimpleNamespace

import pytest

from homespun.cli.errors import Unavailable
from homespun.cli.fleet import ray_engine
from homespun.cli.fleet.repositories import FleetRepository
from homespun.cli.fleet.states import FleetJob


class RayError(Exception):
    """Ray's own."""


class FakeRay(SimpleNamespace):
    """Does tasks when their results are asked for; a name in `loses` is a worker that is lost."""

    def __init__(self, loses=(), refuses=""):
        super().__init__(exceptions=SimpleNamespace(RayError=RayError), retries=None)
        self._loses, self._refuses = loses, refuses

    def init(self, address, **options):
        if self._refuses:
            raise ConnectionError(self._refuses)
        self.options = options

    def shutdown(self):
        print("(raylet) the last words of a thread")  # noqa: T201

    def remote(self, num_cpus, max_retries):
        self.retries = max_retries
        return lambda function: SimpleNamespace(remote=lambda job: (function, job))

    def wait(self, pending, num_returns):
        return pending[:num_returns], pending[num_returns:]

    def get(self, task):
        function, job = task
        if job.repository.name in self._loses:
            print("(raylet) A worker died or was killed")  # noqa: T201
            raise RayError("The worker died unexpectedly.\nMore")
        return function(job)


@pytest.fixture
def jobs(tmp_path):
    return [
        FleetJob(FleetRepository(name, str(tmp_path / name), ""), "index", tmp_path, tries=3)
        for name in ("acme/auth", "acme/billing")
    ]


def test_a_lost_worker_is_a_line_and_what_ray_prints_is_not_on_stdout(jobs, capsys, monkeypatch):
    fake = FakeRay(loses=("acme/auth",))
    monkeypatch.setitem(sys.modules, "ray", fake)
    told = []
    ray_engine.on_ray(jobs, told.append, at_once=2, address="auto")
    why = {outcome.name: outcome.why for outcome in told}
    assert why["acme/auth"] == "its worker in Ray was lost: The worker died unexpectedly."
    assert "is no folder" in why["acme/billing"]
    assert fake.retries == 2
    out, err = capsys.readouterr()
    assert (out, err.count("(raylet)")) == ("", 2)


def test_a_cluster_that_refuses_is_a_sentence(jobs, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", FakeRay(refuses="no such token\nand more"))
    with pytest.raises(Unavailable, match="^Ray at 'auto' does not answer: no such token$"):
        ray_engine.on_ray(jobs, print, at_once=2, address="auto")


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]"])
def test_an_address_where_nothing_listens_is_a_sentence_before_ray_tries(host, jobs, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", FakeRay())
    with socket.socket() as held:  # a port that nobody has, and nobody takes meanwhile
        held.bind(("127.0.0.1", 0))
        address = f"{host}:{held.getsockname()[1]}"
        with pytest.raises(Unavailable, match="^Ray at .* does not answer: "):
            ray_engine.on_ray(jobs, print, at_once=2, address=address)


def test_a_port_that_is_none_is_a_sentence(jobs):
    with pytest.raises(Unavailable, match="^Ray at '127.0.0.1:99999' does not answer: "):
        ray_engine.on_ray(jobs, print, at_once=2, address="127.0.0.1:99999")
