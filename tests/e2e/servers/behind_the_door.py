"""A real vLLM behind the door of docs/scale/team: nothing else passes, and who leaves is heard of.

That the door does so in front of a fake, `tests/e2e/scale/test_team_proxy.py` shows in more ways.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import httpx

from tests.e2e.scale.team_door import Door, door
from tests.e2e.servers.starting import MODEL, Started, metric, say

_USER, _KEY = "alice", "TEAM_TOKEN"
_PATIENCE_SECONDS = 60.0
_LONG = 800  # tokens of an answer that nobody waits for
# What vLLM answers to whoever reaches it, and no laptop may ask.
_INSIDE = (
    ("GET", "/metrics"),
    ("GET", "/version"),
    ("GET", "/openapi.json"),
    ("POST", "/tokenize"),
    ("POST", "/invocations"),
    ("POST", "/v1/load_lora_adapter"),
    ("POST", "/v1/chat/completions"),
)


@contextmanager
def opened(server: Started) -> Iterator[tuple[Started, Door]]:
    """Put the door in front of a server; yield the server as a user of the team reaches it."""
    with tempfile.TemporaryDirectory() as folder:
        with door(Path(folder), server.url, users=(_USER,)) as found:
            told = {_KEY: found.tokens[_USER], "SSL_CERT_FILE": str(found.authority)}
            before = {name: os.environ.get(name) for name in told}
            os.environ.update(told)
            try:
                name = f"{server.name} behind nginx"
                yield replace(server, name=name, url=found.url, key_env=_KEY), found
            finally:
                for key, value in before.items():
                    os.environ.pop(key) if value is None else os.environ.update({key: value})


def check(server: Started, found: Door) -> None:
    """Try what has to be kept out. `server` is the one behind `found`."""
    with found.client(_USER) as user, httpx.Client(base_url=server.url, trust_env=False) as inside:
        for method, path in _INSIDE:
            assert _status(inside, method, path) != 404, f"vLLM has no {path} any more"
            assert _status(user, method, path) == 404, path
        with found.client() as stranger:
            assert stranger.post("/v1/completions", json={}).status_code == 401
        say(f"{len(_INSIDE)} paths that vLLM answers end at the door in 404, no token in 401")
        before = _written(inside)
        _leave(user, inside)
        written = _written(inside) - before
        assert written < _LONG
        say(f"left behind the first piece: vLLM wrote {written:.0f} of {_LONG} tokens")


def _leave(user: httpx.Client, inside: httpx.Client) -> None:
    body = {"model": MODEL, "prompt": "# every number\n", "max_tokens": _LONG, "stream": True}
    with user.stream("POST", "/v1/completions", json={**body, "ignore_eos": True}) as told:
        lines = told.iter_lines()  # kept, as its end is that of the connection
        next(lines)
        assert _running(inside) == 1
    end = time.monotonic() + _PATIENCE_SECONDS
    while _running(inside):
        assert time.monotonic() < end, "vLLM goes on for nobody"
        time.sleep(0.05)


def _status(client: httpx.Client, method: str, path: str) -> int:
    return client.request(method, path, json={} if method == "POST" else None).status_code


def _running(inside: httpx.Client) -> float:
    return _metric(inside, "vllm:num_requests_running")


def _written(inside: httpx.Client) -> float:
    return _metric(inside, "vllm:generation_tokens_total")


def _metric(inside: httpx.Client, name: str) -> float:
    found = metric(inside.get("/metrics").text, name)
    assert found is not None, f"vLLM has no metric {name} any more"
    return found
